"""What the compiler makes of the CUDA kernels whose speed depends on it: needs nvcc, cuobjdump and nvdisasm, no GPU.

python tests/machine_code.py                     compiles the files of KERNELS, for one chip each, fully optimized
python tests/machine_code.py --build build/cuda  looks at the objects of a build instead (not of one with -Ofast-compile)

Every kernel that is listed must be there, without a stack frame (spills would be in it), and with the instructions
named. Exits with 0 if that is so, with 2 if a tool is missing.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
FLAGS = "-std=c++20 -O3 -DNDEBUG -DTFMINI_WITH_CUDA --expt-relaxed-constexpr -Icsrc -Icuda".split()

LOAD, STORE = r"LDG\.E\.128", r"STG\.E\.128"  # 16 bytes by each thread
WGMMA = (r"HGMMA\.64x(128|256)x16\.F32\.BF16", r"UTMALDG\.3D")

# Chip -> file -> kernel (a pattern of its name and template arguments) -> what its code must hold.
KERNELS: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {
    "sm_80": {
        "gemm/mma_bf16.cu": {r"mma_gemm<": (r"HMMA\.16816\.F32\.BF16", r"LDGSTS\.E\.BYPASS\.128", r"LDSM\.16")},
        "gemm/simt_float.cu": {r"simt_gemm<SimtTile<128, 128>": (LOAD, STORE, r"LDS\.128")},
    },
    "sm_90a": {
        "gemm/wgmma_bf16.cu": {
            r"wgmma_gemm<": (*WGMMA, r"USETMAXREG"),
            r"wgmma_gather<": (*WGMMA, r"LDGSTS\.E\.BYPASS\.128"),
        },
        "ops/activation.cu": {
            r"unary<fns::Relu, (float|BFloat16)>": (LOAD, STORE),
            r"binary<fns::ReluGrad, (float|BFloat16)>": (LOAD, STORE),
        },
        "ops/softmax.cu": {r" softmax<": (LOAD, STORE)},
        "ops/strided_copy.cu": {r"copy_nest<uint4, ": (LOAD, STORE)},
        "ops/xent.cu": {r"(dense_xent|sparse_xent32)<float": (LOAD, STORE)},
        "ops/batch_norm.cu": {r" apply<(float|BFloat16)>": (LOAD, STORE)},
        "ops/norm.cu": {r"reduce_rows<.*1, float, float, float": (LOAD,)},
        "ops/training.cu": {r"apply<": (LOAD, STORE)},
    },
}


def tool(name: str) -> str | None:
    """On the path, or where pip puts NVIDIA's packages."""
    places = [os.environ["PATH"], *pathlib.Path(sysconfig.get_path("purelib")).glob("nvidia/cu*/bin")]
    return shutil.which(name, path=os.pathsep.join(map(str, places)))


def compiled(chip: str, file: str, folder: pathlib.Path) -> pathlib.Path:
    cubin = folder / f"{pathlib.Path(file).stem}.{chip}.cubin"
    subprocess.run(["nvcc", "-cubin", f"-arch={chip}", *FLAGS, f"cuda/{file}", "-o", cubin], cwd=ROOT, check=True)
    return cubin


def kernels_of(binary: pathlib.Path, chip: str) -> dict[str, tuple[int, str]]:
    """Name with template arguments -> (bytes of its stack frame, machine code)."""
    # cuobjdump calls nvdisasm.
    env = {**os.environ, "PATH": os.pathsep.join([os.path.dirname(tool("nvdisasm") or ""), os.environ["PATH"]])}
    dump = [tool("cuobjdump"), *(["-arch", chip] if binary.suffix == ".o" else []), "-res-usage", "-sass", str(binary)]
    text = subprocess.run(dump, env=env, check=True, capture_output=True, text=True).stdout
    names = subprocess.run(["c++filt"], input=text, check=True, capture_output=True, text=True).stdout
    frames, codes = {}, {}
    for frame in re.finditer(r"^ Function (.+):\n\s+REG:\d+ STACK:(\d+)", names, re.M):
        frames[frame[1]] = int(frame[2])
    for function in re.split(r"^\s+Function : ", names, flags=re.M)[1:]:
        name, code = function.split("\n", 1)
        codes[name] = code
    return {re.sub(r"tfmini::|cuda::|simd::|\(anonymous namespace\)::", "", n): (frames[n], codes[n]) for n in codes}


def faults(binary: pathlib.Path, chip: str, expected: dict[str, tuple[str, ...]]) -> list[str]:
    found, wrong = kernels_of(binary, chip), []
    for pattern, instructions in expected.items():
        matching = {name: what for name, what in found.items() if re.search(pattern, name)}
        if not matching:
            wrong.append(f"{pattern}: no such kernel among {', '.join(sorted(found))}"[:2000])
        for name, (frame, code) in matching.items():
            missing = [i for i in instructions if not re.search(i, code)]
            wrong += [f"{name}: stack frame of {frame} bytes"] * (frame > 0)
            wrong += [f"{name}: none of {', '.join(missing)}"] * bool(missing)
    return wrong


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=pathlib.Path, help="a build directory with the CUDA device")
    p.add_argument("--only", default="", help="files whose name contains this")
    args = p.parse_args()
    missing = [name for name in ("nvcc", "cuobjdump", "nvdisasm", "c++filt") if not tool(name)]
    if missing:
        print(f"nothing was checked: there is no {' and no '.join(missing)}")
        sys.exit(2)
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:

        def check(chip: str, file: str) -> list[str]:
            objects = args.build and args.build / "CMakeFiles/tfmini_core.dir/cuda"
            binary = objects / f"{file}.o" if objects else compiled(chip, file, pathlib.Path(folder))
            return faults(binary, chip, KERNELS[chip][file])

        files = [(chip, file) for chip in KERNELS for file in KERNELS[chip] if args.only in file]
        results = zip(files, pool.map(lambda f: check(*f), files))
        wrong = 0
        for (chip, file), found in results:
            print(f"cuda/{file} for {chip}: {len(KERNELS[chip][file])} kernels, {len(found)} faults", flush=True)
            wrong += len(found)
            for fault in found:
                print(f"    {fault}", flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
