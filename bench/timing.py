"""How one call is measured, and the rows of one process."""

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

# Calls shorter than this are timed several at once, so that reading the clock does not count; nor waiting for a GPU.
SHORTEST_SAMPLE = 20e-6
SHORTEST_GPU_SAMPLE = 2e-3


def measure(fn: Callable[[], Any], budget: float = 0.5, finish: Callable[[], Any] | None = None) -> dict[str, float]:
    """Calls fn for about `budget` seconds after a warm-up. Seconds per call: median, min, p90; samples: how many.
    finish: waits for what fn has queued; it is called once per sample."""
    shortest = SHORTEST_GPU_SAMPLE if finish else SHORTEST_SAMPLE
    finish = finish or (lambda: None)
    fn()
    fn()  # a plan is recorded at its second run
    finish()
    start = time.perf_counter()
    fn()
    finish()
    once = time.perf_counter() - start
    inner = max(1, int(shortest / max(once, 1e-9)))
    warm_until = time.perf_counter() + min(0.2 * budget, 0.5)
    while time.perf_counter() < warm_until:
        fn()
        finish()
    samples = []
    gc.collect()
    gc.disable()
    try:
        end = time.perf_counter() + budget
        while len(samples) < 5 or time.perf_counter() < end:
            start = time.perf_counter()
            for _ in range(inner):
                fn()
            finish()
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


class Suite:
    """The rows of one process: name -> what measure() gave and what else is known."""

    def __init__(self, budget: float, only: str = "", finish: Callable[[], Any] | None = None):
        self.budget = budget
        self.finish = finish
        self.only = only.split(",")
        self.rows: dict[str, dict[str, Any]] = {}

    def wants(self, name: str) -> bool:
        return any(text in name for text in self.only)

    def time(self, name: str, fn: Callable[[], Any], per: int = 1, check: Sequence[float] = (), **known: float) -> None:
        """Measures fn. per: operations or iterations in one call. check: numbers every library must reproduce.
        known: flops and bytes of one call, tolerance of the check."""
        row: dict[str, Any] = {
            k: v / per if k != "samples" else v for k, v in measure(fn, self.budget, self.finish).items()
        }
        row.update(known, check=[float(x) for x in check])
        self.rows[name] = row
        text = f"{name:40} {seconds(row['median']):>10}  (min {seconds(row['min'])})"
        for key, unit in (("flops", "GFLOP/s"), ("bytes", "GB/s")):
            if known.get(key):
                text += f"  {known[key] / row['median'] / 1e9:8.1f} {unit}"
        print(text, flush=True)

    def failed(self, name: str, error: Exception) -> None:
        self.rows[name] = dict(error=f"{type(error).__name__}: {error}"[:300])
        print(f"{name:40} {self.rows[name]['error'].splitlines()[0]}", flush=True)

    def end(self, path: str | None, version: str) -> NoReturn:
        """Writes the rows into the file, if there is one to write, and ends the process: with 1 if some failed."""
        if path:
            with open(path, "w") as f:
                json.dump(dict(version=version, rows=self.rows), f)
        failed = [name for name, row in self.rows.items() if "error" in row]
        if failed:
            print(f"{len(failed)} of {len(self.rows)} rows failed: {', '.join(failed)}", file=sys.stderr)
        sys.exit(1 if failed else 0)
