"""Puts what bench/gpu_check.sh found on a GPU into bench/results/GPU and into the table of docs/cuda.md.

A row of the table counts as run on hardware at a commit if what EVIDENCE names passed there or, without an entry, the
case files of the row's families; families without one are those of training and of variables, which `runtime` tests.
"""

import argparse
import collections
import datetime
import json
import pathlib
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOC = ROOT / "docs/cuda.md"
REPORTS = ("programs", "ops", "ops_rest", "runtime")
# First file of a row -> a program of tests/cpp, a case file or a stage.
EVIDENCE = {
    "cuda/core/": "runtime",
    "cuda/core/tensor_map.cu": "cuda_wgmma_test",
    "cuda/gemm/simt.cuh": "cuda_gemm_test",
    "cuda/gemm/mma.cuh": "cuda_gemm_test",
    "cuda/gemm/wgmma.cuh": "cuda_wgmma_test",
    "cuda/conv/": "cuda_conv_test",
    "cuda/core/sort.cu": "segment",
    "csrc/ops/tensor_list.cc": "tensor_list",
}


def commit() -> str:
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude", "*"]
    return subprocess.run(git, capture_output=True, text=True).stdout.strip()


def gpu_name(devices: str) -> str:
    """ "NVIDIA H200" as a folder's name, from what `tfmini devices` printed."""
    match = re.search(r"/device:GPU:0: (.+?), compute capability", devices)
    return re.sub(r"[^a-z0-9]+", "-", match[1].lower()).strip("-") if match else ""


def cases_of(report: pathlib.Path) -> list[ElementTree.Element]:
    return list(ElementTree.parse(report).iter("testcase"))


def outcomes(reports: list[pathlib.Path]) -> dict[str, bool]:
    """Case file of tests/test_ops.py, or program of tests/cpp -> did all of it pass? From the reports of the stages."""
    passed: dict[str, bool] = collections.defaultdict(lambda: True)
    for case in (c for report in reports for c in cases_of(report)):
        match = re.search(r"\[(\w+)-|^(cuda_\w+)$", case.get("name", ""))
        if match and case.find("skipped") is None:
            wrong = case.find("failure") is not None or case.find("error") is not None
            passed[match[1] or match[2]] = passed[match[1] or match[2]] and not wrong
    return dict(passed)


def stage_passed(report: pathlib.Path) -> bool:
    return not any(c.find("failure") is not None or c.find("error") is not None for c in cases_of(report))


def evidence(files: list[str]) -> set[str]:
    """What has to pass for a row of the table, which begins with these files, to have run."""
    if files[0] in EVIDENCE:
        return {EVIDENCE[files[0]]}
    stems = {pathlib.PurePath(file).stem for file in files}
    return {stem if (ROOT / f"tests/cases/{stem}.py").exists() else "runtime" for stem in stems}


def updated(text: str, passed: dict[str, bool], cell: str) -> str:
    """The document with `cell` as the last cell of the table's rows whose evidence is there."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if "last run on hardware" in line and line.startswith("|"))
    for i in range(start + 2, len(lines)):
        if not lines[i].startswith("|"):
            break
        cells = lines[i].split("|")
        if all(passed.get(name) for name in evidence(re.findall(r"`([^`]+)`", cells[1]))):
            lines[i] = "|".join([*cells[:-2], f" {cell} |"])
    return "\n".join(lines) + "\n"


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("work", type=pathlib.Path, help="the folder with the results of the stages")
    p.add_argument("--dry-run", action="store_true", help="say what would be written")
    args = p.parse_args()
    gpu = gpu_name((args.work / "devices.txt").read_text())
    if not gpu:
        raise SystemExit("no GPU was found, so there is nothing to record")
    today, at = datetime.date.today().isoformat(), commit()
    reports = {stage: args.work / f"{stage}.xml" for stage in REPORTS}
    missing = [stage for stage, report in reports.items() if not report.exists()]
    if missing:
        print(f"no kernels are recorded: stage {' and '.join(missing)} has not run in full")
    passed = {} if missing else outcomes(list(reports.values())) | {"runtime": stage_passed(reports["runtime"])}
    summary = dict(
        commit=at,
        date=today,
        gpu=gpu,
        passed=sorted(name for name, ok in passed.items() if ok),
        failed=sorted(name for name, ok in passed.items() if not ok),
    )
    print(json.dumps(summary, indent=1))
    text = updated(DOC.read_text(), passed, f"{at}, {gpu}, {today}")
    if args.dry_run:
        return
    folder = ROOT / "bench/results" / gpu
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "check.json").write_text(json.dumps(summary, indent=1) + "\n")
    for name in ("kernels.json", "models.json", "without_graphs.json", "stages.txt"):
        if (args.work / name).exists():
            shutil.copy(args.work / name, folder / name)
    DOC.write_text(text)


if __name__ == "__main__":
    main()
