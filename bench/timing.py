"""Timing for all benchmarks: how a call is measured, how results are kept, how libraries are compared.

Absolute times drift on shared machines, so a comparison runs the libraries in turn, A B A B, each time in a new
process, and quotes ratios of the best medians.
"""

import argparse
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

# Calls shorter than this are timed several at once, so that reading the clock does not count.
SHORTEST_SAMPLE = 20e-6


def measure(fn: Callable[[], Any], budget: float = 0.5) -> dict[str, float]:
    """Calls fn for about `budget` seconds after a warm-up. Seconds per call: median, min, p90; samples: how many."""
    fn()
    start = time.perf_counter()
    fn()
    once = time.perf_counter() - start
    inner = max(1, int(SHORTEST_SAMPLE / max(once, 1e-9)))
    warm_until = time.perf_counter() + min(0.2 * budget, 0.5)
    while time.perf_counter() < warm_until:
        fn()
    samples = []
    gc.collect()
    gc.disable()
    try:
        end = time.perf_counter() + budget
        while len(samples) < 5 or time.perf_counter() < end:
            start = time.perf_counter()
            for _ in range(inner):
                fn()
            samples.append((time.perf_counter() - start) / inner)
    finally:
        gc.enable()
    samples.sort()
    p90 = samples[int(0.9 * (len(samples) - 1))]
    return dict(median=statistics.median(samples), min=samples[0], p90=p90, samples=len(samples))


def seconds(value: float) -> str:
    """A duration for people."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def machine() -> dict[str, Any]:
    """What the numbers were taken on."""
    model = platform.processor()
    try:
        with open("/proc/cpuinfo") as f:
            model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), model)
    except OSError:
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return dict(cpu=model, cores=cores, python=platform.python_version(), system=platform.platform())


class Suite:
    """The rows of one process: name -> what measure() gave and what else is known."""

    def __init__(self, budget: float, only: str = ""):
        self.budget = budget
        self.only = only
        self.rows: dict[str, dict[str, Any]] = {}

    def wants(self, name: str) -> bool:
        return self.only in name

    def time(self, name: str, fn: Callable[[], Any], per: int = 1, **known: float) -> None:
        """Measures fn; `per`: operations or iterations in one call. known: flops, bytes of one call."""
        row = {key: value / per if key != "samples" else value for key, value in measure(fn, self.budget).items()}
        if "flops" in known:
            row["gflops"] = known["flops"] / row["median"] / 1e9
        if "bytes" in known:
            row["gbytes"] = known["bytes"] / row["median"] / 1e9
        self.rows[name] = row
        extra = "".join(
            f"  {row[k]:8.1f} {unit}" for k, unit in (("gflops", "GFLOP/s"), ("gbytes", "GB/s")) if k in row
        )
        print(f"{name:40} {seconds(row['median']):>10}  (min {seconds(row['min'])}){extra}", flush=True)

    def failed(self, name: str, error: Exception) -> None:
        self.rows[name] = dict(error=f"{type(error).__name__}: {error}"[:300])
        print(f"{name:40} {self.rows[name]['error'].splitlines()[0]}", flush=True)

    def save(self, path: str, **about: Any) -> None:
        with open(path, "w") as f:
            json.dump(dict(machine=machine(), **about, rows=self.rows), f, indent=1, sort_keys=True)
            f.write("\n")


def parser(doc: str | None, libraries: tuple[str, ...] = ("tfmini", "tensorflow", "torch")) -> argparse.ArgumentParser:
    """The options all comparisons share."""
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--lib", default="tfmini", choices=libraries, help="what to measure in this process")
    p.add_argument("--only", default="", help="rows whose name contains this")
    p.add_argument("--budget", type=float, default=0.5, help="seconds per row (default 0.5)")
    p.add_argument("--json", help="write the rows to this file")
    p.add_argument(
        "--peer", action="append", default=[], metavar="LIB=PYTHON",
        help="compare: run LIB under that interpreter in turn with the others; may be given several times",
    )  # fmt: skip
    p.add_argument("--rounds", type=int, default=3, help="turns per library in a comparison (default 3)")
    return p


def compare(script: str, args: argparse.Namespace) -> None:
    """Runs `script --lib L` for tfmini and each peer in turn and prints medians and ratios to tfmini."""
    peers = {"tfmini": sys.executable, **dict(peer.split("=", 1) for peer in args.peer)}
    best: dict[str, dict[str, float]] = {}
    for turn in range(args.rounds):
        for lib, python in peers.items():
            with tempfile.NamedTemporaryFile(suffix=".json") as out:
                command = [python, script, "--lib", lib, "--only", args.only]
                command += ["--budget", str(args.budget), "--json", out.name]
                print(f"turn {turn + 1} of {args.rounds}: {lib}", file=sys.stderr)
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                rows = json.load(open(out.name))["rows"]
            for name, row in rows.items():
                if "median" in row:
                    columns = best.setdefault(name, {})
                    columns[lib] = min(columns.get(lib, float("inf")), row["median"])
    print(
        f"{'':40} " + "".join(f"{lib:>12}" for lib in peers) + "".join(f"{lib + '/tfmini':>20}" for lib in [*peers][1:])
    )
    for name, row in best.items():
        times = "".join(f"{seconds(row[lib]) if lib in row else '-':>12}" for lib in peers)
        own = row.get("tfmini")
        ratios = "".join(f"{row[lib] / own:20.2f}" if own and lib in row else f"{'-':>20}" for lib in [*peers][1:])
        print(f"{name:40} {times}{ratios}")
    if args.json:
        with open(args.json, "w") as f:
            json.dump(dict(machine=machine(), best_medians=best, rounds=args.rounds), f, indent=1, sort_keys=True)
            f.write("\n")


def load(lib: str) -> Any:
    """The module that stands for `tf`, or torch."""
    if lib == "tensorflow":
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import tensorflow.compat.v1 as tf  # type: ignore[import-not-found]

        tf.disable_v2_behavior()
        tf.logging.set_verbosity(tf.logging.ERROR)
        return tf
    if lib == "torch":
        import torch  # type: ignore[import-not-found]

        return torch
    import tfmini

    return tfmini
