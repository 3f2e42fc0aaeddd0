"""The file format of results: one file per machine, with rows of all programs.

{"sessions": {ID: {"commit", "cpu", "cores", "system", "versions": {LIB: VERSION}, "probe": {...}}},
 "rows": {NAME: {"session": ID, "seconds": {LIB: SECONDS}, "flops", "bytes", "disturbance"}}}

A session is one call of a program; its ID is when it began. A row belongs to one session whole, because ratios
between libraries mean something only within one.
"""

import datetime
import json
import os
import pathlib
import platform
import subprocess
from typing import Any


def cpu_model() -> str:
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def new_session() -> tuple[str, dict[str, Any]]:
    """(ID, what is known of the machine and the source tree)"""
    git = ["git", "-C", os.path.dirname(__file__), "describe", "--always", "--dirty", "--exclude", "*"]
    commit = subprocess.run(git, capture_output=True, text=True).stdout.strip()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    about = dict(commit=commit, cpu=cpu_model(), cores=cores, system=platform.system(), versions={}, probe={})
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), about


def load(path: str | os.PathLike) -> dict[str, Any]:
    file = pathlib.Path(path)
    return json.loads(file.read_text()) if file.exists() else dict(sessions={}, rows={})


def merge(path: str, session: str, about: dict[str, Any], rows: dict[str, dict[str, Any]]) -> None:
    """Adds the rows to the file, each in place of its older measurement."""
    kept = load(path)
    kept["sessions"][session] = about
    kept["rows"].update({name: dict(row, session=session) for name, row in rows.items()})
    used = {row["session"] for row in kept["rows"].values()}
    kept["sessions"] = {name: s for name, s in kept["sessions"].items() if name in used}
    pathlib.Path(path).write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def of_peak(row: dict[str, Any], probe: dict[str, Any], lib: str = "tfmini") -> float | None:
    """Per cent of the multiply-adds the machine can do."""
    if not row.get("flops") or lib not in row["seconds"] or not probe:
        return None
    return 100e-9 * row["flops"] / row["seconds"][lib] / probe["gflops"]


def of_bandwidth(row: dict[str, Any], probe: dict[str, Any], lib: str = "tfmini") -> float | None:
    """Per cent of what memory can move; more than 100 where a row fits into a cache."""
    if not row.get("bytes") or lib not in row["seconds"] or not probe:
        return None
    best = max(probe["read_gbytes"], probe["copy_gbytes"], probe["triad_gbytes"])
    return 100e-9 * row["bytes"] / row["seconds"][lib] / best
