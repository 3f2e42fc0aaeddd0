"""The rules of the house (ARCHITECTURE.md), checked: file sizes, one stem in every room, who may include whom."""

import ast
import importlib
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
CSRC = ROOT / "csrc"
MAX_LINES = 400
PUBLIC_NAMES = "python/tfmini/__init__.py"  # a list of names, as long as the API is

# Families without a Python module or case file of their own, and where theirs are.
NO_PYTHON = {
    "device_copy": "made by passes/device_copies.cc, not by programs",
    "fused": "made by passes/fuse.cc, not by programs",
    "fused_conv2d": "made by passes/fuse_conv2d.cc, not by programs",
    "mirror_pad": "modes of tf.pad: pad.py",
    "packed_matmul": "made by passes/pack_weights.cc, not by programs",
    "sparse_training": "the optimizers, in train/",
    "training": "the optimizers, in train/",
}
NO_CASES = {
    "checkpoint": "tests/train/test_saver.py",
    "device_copy": "values between devices: tests/session/test_gpu.py",
    "packed_matmul": "tests/session/test_pack_weights.py",
    "qr": "tests/graph/test_init_ops.py",
    "summary": "tests/train/test_summary.py",
    "variable": "variables have state: tests/graph/test_variables.py, tests/session",
    "scatter": "assignments to variables: tests/train/test_scatter.py",
    "sparse_training": "updates of variables: tests/train",
    "training": "updates of variables: tests/train",
}
OPTIMIZERS = (
    "GradientDescent Momentum Adagrad AdagradV2 RMSProp CenteredRMSProp Adam AdaMax Adadelta Ftrl FtrlV2 PowerSign "
    "AddSign ProximalGradientDescent ProximalAdagrad AdagradDA"
).split()
DENSE_ONLY = ("GradientDescent", "Adam", "AdaMax", "PowerSign", "AddSign")
# Op types no row can cover, and what does.
NO_ROW: dict[str, str] = {
    "Qr": "tests/graph/test_init_ops.py",
    **dict.fromkeys(("SaveV2", "RestoreV2"), "tests/train/test_saver.py"),
    **dict.fromkeys(
        ("Assign", "AssignAdd", "AssignSub", "CountUpTo", "IsVariableInitialized", "Variable", "VariableV2"),
        "tests/graph/test_variables.py",
    ),
    **dict.fromkeys(
        ("AudioSummaryV2", "HistogramSummary", "ImageSummary", "MergeSummary", "ScalarSummary", "TensorSummaryV2"),
        "tests/train/test_summary.py",
    ),
    **{f"Apply{kind}": "tests/train/test_optimizer.py" for kind in OPTIMIZERS},
    **{f"SparseApply{kind}": "tests/train/test_optimizer.py" for kind in OPTIMIZERS if kind not in DENSE_ONLY},
    **{f"Scatter{kind}": "tests/train/test_scatter.py" for kind in "Update Add Sub Mul Div Min Max".split()},
    **{f"ScatterNd{kind}": "tests/train/test_scatter.py" for kind in "Update Add Sub Min Max".split()},
}

# What the files of each folder of csrc may include: themselves and these.
MAY_INCLUDE = {
    "core": (),
    "simd": (),
    "conv": ("core", "simd", "gemm"),
    "gemm": ("core", "simd"),
    "graph": ("core",),
    "passes": ("core", "graph", "ops"),  # ops/fused.h: the encoding of fused programs
    "runtime": ("core", "graph", "passes"),
    "ops": ("core", "simd", "conv", "gemm", "graph", "runtime"),
    "bindings": ("core", "simd", "conv", "gemm", "graph", "passes", "runtime", "ops"),
}
# Inner loops are compiled once per ISA: headers with inline functions or templates that the rest of the
# program uses too would leave weak symbols, and the linker might keep the copy of the newest ISA.
SIMD_SYSTEM_HEADERS = {
    "cmath",
    "cfloat",
    "cstddef",
    "cstdint",
    "cstring",
    "limits",
    "type_traits",
    "utility",
    "math.h",
    "stddef.h",
    "stdint.h",
    "string.h",
    "immintrin.h",
    "arm_neon.h",
}
INCLUDE_EXCEPTIONS = {
    ("core", "simd/isa.h"): "the description of the CPU device names its instruction set",
    ("core", "ops/families.def"): "the registry calls every family's register function; it names them, no more",
    ("simd", "core/dtype.h"): "enumerators and type lists; none of its functions",
    ("simd", "core/half.h"): "plain always-inline conversions",
    ("simd", "core/philox.h"): "the generator's constants and its always-inline scalar form",
}


def sources():
    skip = {"build", "dist", ".git", "node_modules", ".venv"}
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if parts[0] not in skip and path.suffix in {".py", ".cc", ".h", ".cu", ".cuh", ".cpp"} and path.is_file():
            yield path


def includes(path):
    """(the quoted ones, those in angle brackets)"""
    found = re.findall(r'^\s*#\s*include\s+(["<])([^">]+)[">]', path.read_text(), re.M)
    return [name for mark, name in found if mark == '"'], [name for mark, name in found if mark == "<"]


def families(table=CSRC / "ops/families.def"):
    return re.findall(r"^FAMILY\((\w+)\)", table.read_text(), re.M)


def test_no_long_files():
    long = {str(p.relative_to(ROOT)): n for p in sources() if (n := len(p.read_text().splitlines())) > MAX_LINES}
    long.pop(PUBLIC_NAMES, None)
    assert not long, f"split by meaning what is over {MAX_LINES} lines"


def test_families_are_listed():
    stems = {p.stem for p in (CSRC / "ops").glob("*.cc")}
    listed = families()
    assert listed == sorted(listed), "families.def is not in alphabetical order"
    registering = {s for s in stems if f"register_{s}(Registry" in (CSRC / f"ops/{s}.cc").read_text()}
    assert registering == set(listed)


@pytest.mark.parametrize("stem", families())
def test_one_stem_in_every_room(stem):
    assert stem in NO_PYTHON or (ROOT / f"python/tfmini/ops/{stem}.py").exists(), f"no python/tfmini/ops/{stem}.py"
    assert stem in NO_CASES or (ROOT / f"tests/cases/{stem}.py").exists(), f"no tests/cases/{stem}.py"


def test_exceptions_are_needed():
    assert not [s for s in NO_PYTHON if (ROOT / f"python/tfmini/ops/{s}.py").exists()]
    assert not [s for s in NO_CASES if (ROOT / f"tests/cases/{s}.py").exists()]
    assert not (set(NO_PYTHON) | set(NO_CASES)) - set(families())


def test_cuda_mirrors_csrc():
    stems = {p.stem for p in (ROOT / "cuda/ops").glob("*.cu")}
    assert not stems - {p.stem for p in (CSRC / "ops").glob("*.cc")}
    listed = families(ROOT / "cuda/ops/families.def")
    assert listed == sorted(listed), "families.def is not in alphabetical order"
    assert {s for s in stems if f"register_{s}_cuda(Registry" in (ROOT / f"cuda/ops/{s}.cu").read_text()} == set(listed)


@pytest.mark.parametrize("folder", sorted(MAY_INCLUDE))
def test_include_order(folder):
    wrong = []
    for path in sorted((CSRC / folder).glob("*.[ch]*")):
        for name in includes(path)[0]:
            room = name.split("/")[0]
            allowed = room == folder or room not in MAY_INCLUDE or room in MAY_INCLUDE[folder]
            if not allowed and (folder, name) not in INCLUDE_EXCEPTIONS:
                wrong.append(f"{path.name} includes {name}")
    assert not wrong


def test_every_folder_has_its_place():
    assert {p.name for p in CSRC.iterdir() if p.is_dir()} <= set(MAY_INCLUDE)


def test_simd_includes():
    wrong = []
    for path in sorted((CSRC / "simd").glob("*.[ch]*")):
        if path.name != "isa.cc":
            wrong += [f"{path.name} includes <{h}>" for h in includes(path)[1] if h not in SIMD_SYSTEM_HEADERS]
    assert not wrong


def test_simd_objects_have_no_weak_symbols():
    objects = sorted(ROOT.glob("build/dev/CMakeFiles/tfmini_simd_*.dir/**/*.o"))
    if not objects or not shutil.which("nm"):
        pytest.skip("no object files of a dev build at hand")
    wrong = []
    for obj in objects:
        table = subprocess.run(["nm", "-C", str(obj)], capture_output=True, text=True, check=True).stdout
        isa = next(part for part in obj.parts if part.startswith("tfmini_simd_"))
        wrong += [f"{isa}/{obj.name}: {line}" for line in table.splitlines() if re.search(r" [WVuw] ", line)]
    assert not wrong


# --- Python ---------------------------------------------------------------------------------------


def op_modules():
    return sorted(p for p in (ROOT / "python/tfmini/ops").glob("*.py") if p.stem != "__init__")


def test_op_modules_do_not_import_each_other():
    wrong = []
    for path in op_modules():
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""] + [f"{node.module}.{a.name}" for a in node.names]
            elif isinstance(node, ast.Import):
                names = [a.name for a in node.names]
            stems = {n.split(".")[2] for n in names if re.match(r"tfmini\.ops\.\w", n)}
            # A family in two files (control_flow, control_flow_grad) is one family.
            wrong += [f"{path.name} imports {s}" for s in stems if not path.stem.startswith(s + "_")]
    assert not sorted(set(wrong)), "go through tfmini.raw instead"


def test_public_functions_are_documented():
    wrong = []
    for path in op_modules():
        tree = ast.parse(path.read_text())
        names = [
            ast.literal_eval(n.value)
            for n in tree.body
            if isinstance(n, ast.Assign)
            and getattr(n.targets[0], "id", "") == "__all__"
            or isinstance(n, ast.AnnAssign)
            and n.value
            and getattr(n.target, "id", "") == "__all__"
        ]
        if not names:
            wrong.append(f"{path.name} has no __all__")
            continue
        for node in tree.body:
            public = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in names[0]
            if public and not ast.get_docstring(node):
                wrong.append(f"{path.name}: {node.name} has no docstring")
    assert not wrong


def test_every_op_has_a_row():
    from tests.test_ops import FILES  # lists the case files
    from tfmini import _core

    covered = set(NO_ROW)
    for stem in FILES:
        for case in importlib.import_module(f"tests.cases.{stem}").CASES:
            covered.update(case.ops)
    missing = set(op_names()) - covered
    assert not missing, f"{len(missing)} op types without a row: {sorted(missing)}"
    assert not covered - set(_core.op_names()), "rows name op types that do not exist"


def test_every_op_has_a_gradient_or_says_why_not():
    import tfmini.train  # noqa: F401 (the optimizers are imported when first used)
    from tfmini import autodiff

    missing = sorted(set(op_names()) - set(autodiff.registered()))
    assert not missing, f"{len(missing)} op types without gradient or not_differentiable(): {missing}"


def op_names():
    """Op types, less those that only the runtime makes (their names begin with "_")."""
    from tfmini import _core

    return sorted(name for name in _core.op_names() if not name.startswith("_"))
