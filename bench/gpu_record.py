"""Puts what bench/gpu_check.sh found on a GPU into bench/results/GPU and into the table of docs/cuda.md.

A family of kernels counts as run on hardware at a commit if all rows of its case file passed there.
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


def commit() -> str:
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude", "*"]
    return subprocess.run(git, capture_output=True, text=True).stdout.strip()


def gpu_name(devices: str) -> str:
    """ "NVIDIA H200" as a folder's name, from what `tfmini devices` printed."""
    match = re.search(r"/device:GPU:0: (.+?), compute capability", devices)
    return re.sub(r"[^a-z0-9]+", "-", match[1].lower()).strip("-") if match else ""


def outcomes(reports: list[pathlib.Path]) -> dict[str, bool]:
    """Case file -> did all its rows pass? From the reports of tests/test_ops.py."""
    passed: dict[str, bool] = collections.defaultdict(lambda: True)
    for case in (c for report in reports for c in ElementTree.parse(report).iter("testcase")):
        match = re.search(r"\[(\w+)-", case.get("name", ""))
        if match and case.find("skipped") is None:
            wrong = case.find("failure") is not None or case.find("error") is not None
            passed[match[1]] = passed[match[1]] and not wrong
    return dict(passed)


def families() -> list[str]:
    return re.findall(r"^FAMILY\((\w+)\)", (ROOT / "cuda/ops/families.def").read_text(), re.M)


def updated(text: str, rows: dict[str, str]) -> str:
    """The document with `cell` as the last cell of the table's rows for these files; rows that are missing are added."""
    lines = text.splitlines()
    head = next(i for i, line in enumerate(lines) if "last run on hardware" in line and line.startswith("|"))
    columns = lines[head].count("|") - 1
    end = head + 2
    for file, cell in rows.items():
        at = next((i for i, line in enumerate(lines) if line.startswith(f"| `{file}`")), None)
        if at is None:
            while lines[end].startswith("|"):
                end += 1
            lines.insert(end, f"| `{file}` |" + " yes |" * (columns - 2) + f" {cell} |")
        else:
            lines[at] = "|".join(lines[at].split("|")[:-2]) + f"| {cell} |"
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
    reports = [args.work / name for name in ("ops.xml", "ops_rest.xml")]
    missing = [report.stem for report in reports if not report.exists()]
    if missing:
        print(f"no kernels are recorded: stage {' and '.join(missing)} has not run in full")
    passed = {} if missing else outcomes(reports)
    rows = {f"cuda/ops/{f}.cu": f"{at}, {gpu}, {today}" for f in families() if passed.get(f)}
    failed = sorted(f for f in families() if passed.get(f) is False)
    summary = dict(commit=at, date=today, gpu=gpu, passed=sorted(rows), failed=failed)
    print(json.dumps(summary, indent=1))
    text = updated(DOC.read_text(), rows)
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
