"""Libraries compared on one machine: in turn, A B A B, each time in a new process.

Absolute times drift on shared machines, so what counts is the ratio of the best medians within one session.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import records
from gpu_probe import GpuProbe
from libraries import LIBRARIES
from probe import Probe
from timing import seconds

# Cores kept busy by others from which on figures are suspect: one is enough to slow OpenMP down ten times.
DISTURBED = 0.15


def parser(doc: str | None) -> argparse.ArgumentParser:
    """The options all programs share."""
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--lib", default="tfmini", choices=LIBRARIES, help="what to measure, alone, in this process")
    p.add_argument("--on", default="cpu", choices=("cpu", "gpu"), help="the device, for every library (default cpu)")
    p.add_argument("--no-graphs", action="store_true", help="on a GPU, tfmini does without CUDA graphs")
    p.add_argument("--only", default="", help="rows whose name contains this text, or one of several, comma-separated")
    p.add_argument("--budget", type=float, default=0.5, help="seconds per row and turn (default 0.5)")
    p.add_argument(
        "--peer", action="append", default=[], metavar="LIB=PYTHON",
        help="compare with LIB, run by that interpreter; may be given several times",
    )  # fmt: skip
    p.add_argument("--rounds", type=int, default=3, help="turns per library in a comparison (default 3)")
    p.add_argument("--json", help="a comparison's rows are merged into this file, e.g. bench/results/MACHINE.json")
    return p


def peers(args: argparse.Namespace) -> dict[str, str]:
    """Library -> interpreter, tfmini first."""
    found = dict(peer.split("=", 1) if "=" in peer else (peer, "") for peer in args.peer)
    for lib, python in found.items():
        if lib not in LIBRARIES or not python:
            sys.exit(f"--peer {lib}={python}: expected LIB=PYTHON with LIB one of {', '.join(LIBRARIES[1:])}")
    return {"tfmini": sys.executable, **found}


def others_cpu() -> float:
    """Seconds of processor time used so far by anything but this process and its finished children."""
    try:
        with open("/proc/stat") as f:
            user, nice, system, _, _, irq, softirq, steal = map(int, f.readline().split()[1:9])
    except OSError:
        return 0.0
    busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return busy - sum(usage.ru_utime + usage.ru_stime for usage in usages)


def one_turn(command: Sequence[str]) -> dict[str, Any]:
    """What one process measured, whether it broke off, and how many cores others kept busy meanwhile."""
    start, others = time.perf_counter(), others_cpu()
    result = run(command)
    return dict(result, disturbance=max(0.0, (others_cpu() - others) / (time.perf_counter() - start)))


def run(command: Sequence[str]) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        done = subprocess.run(
            [*command, "--json", out.name], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        written = out.read()
    result = json.loads(written) if written else dict(rows={})
    # A process of which some rows failed exits with 1, too, and has written all of them.
    result["broke_off"] = done.returncode != 0 and not any("error" in row for row in result["rows"].values())
    if result["broke_off"]:
        print(f"failed: {' '.join(command)}\n{done.stderr[-2000:]}", file=sys.stderr)
    return result


def collect(rows: dict[str, Any], lib: str, result: dict[str, Any]) -> list[str]:
    """Adds what one process measured; returns what failed in it."""
    failures = [f"{lib}, a whole process"] if result["broke_off"] else []
    for name, new in result["rows"].items():
        if "error" in new:
            print(f"{lib}: {name}: {new['error']}", file=sys.stderr)
            failures.append(f"{lib}: {name}")
            continue
        row = rows.setdefault(name, dict(seconds={}, checks={}))
        row["seconds"][lib] = min(new["median"], row["seconds"].get(lib, float("inf")))
        row["checks"][lib] = new["check"]
        row.update({k: new[k] for k in ("flops", "bytes", "tolerance") if new.get(k)})
    return failures


def disagreements(row: dict[str, Any]) -> list[str]:
    """Libraries whose numbers are not tfmini's."""
    own = row["checks"].get("tfmini", [])
    return [
        f"{lib} computes {check}, tfmini {own}"
        for lib, check in row["checks"].items()
        if len(check) == len(own)
        and any(abs(x - y) > row.get("tolerance", 1e-3) * max(abs(x), abs(y)) for x, y in zip(check, own))
    ]


def heading(libraries: Sequence[str]) -> str:
    ratios = "".join(f"{lib + ' /':>15}" for lib in libraries[1:])
    return f"{'':44}" + "".join(f"{lib:>14}" for lib in libraries) + ratios + f"{'% peak':>8}{'% memory':>9}"


def line(name: str, row: dict[str, Any], libraries: Sequence[str], probe: dict[str, Any]) -> str:
    taken = row["seconds"]
    text = f"{name:44}" + "".join(f"{seconds(taken[lib]) if lib in taken else '-':>14}" for lib in libraries)
    for lib in libraries[1:]:
        text += f"{taken[lib] / taken['tfmini']:15.2f}" if {lib, "tfmini"} <= taken.keys() else f"{'-':>15}"
    for width, figure in ((8, records.of_peak(row, probe)), (9, records.of_bandwidth(row, probe))):
        text += f"{'' if figure is None else f'{figure:.0f}':>{width}}"
    return text


def compare(script: str, args: argparse.Namespace, groups: Sequence[Sequence[str]] = ((),)) -> bool:
    """Runs `script GROUP --lib L` in turns, prints times, ratios to tfmini and how near tfmini is to the machine's
    limits. Groups are compared one after the other, so that the turns of a row lie close together. True if no row
    failed and every library computed the same."""
    libraries = peers(args)
    session, about = records.new_session()
    about["on"] = args.on
    probe = Probe() if args.on == "cpu" else GpuProbe()
    print(heading([*libraries]), flush=True)
    well = True
    failures: set[str] = set()
    for group in groups:
        rows: dict[str, Any] = {}
        disturbance: dict[str, float] = {}  # of each library's quietest turn
        for turn in range(args.rounds):
            about["probe"] = probe.measure()
            for lib, python in list(libraries.items())[:: -1 if turn % 2 else 1]:
                command = [
                    python,
                    script,
                    *group,
                    "--lib",
                    lib,
                    "--only",
                    args.only,
                    "--budget",
                    str(args.budget),
                    "--on",
                    args.on,
                ]
                command += ["--no-graphs"] if args.no_graphs else []
                result = one_turn(command)
                failures.update(collect(rows, lib, result))
                disturbance[lib] = min(disturbance.get(lib, float("inf")), result["disturbance"])
                if "version" in result:
                    about["versions"][lib] = result["version"]
        for name, row in rows.items():
            print(line(name, row, [*libraries], about["probe"]), flush=True)
            for text in disagreements(row):
                well = False
                print(f"    values differ: {text}", flush=True)
            del row["checks"]
            row["disturbance"] = round(max(disturbance.values()), 2)
        for lib, cores in disturbance.items():
            if cores > DISTURBED:
                print(f"    {lib} was disturbed: others kept {cores:.1f} cores busy; measure again", flush=True)
        if args.json:
            records.merge(args.json, session, about, rows)
    figures = about["probe"]
    print(
        f"peak {figures['gflops']:.0f} GFLOP/s ({figures['isa']}, {figures['threads']} threads); memory, GB/s: read "
        f"{figures['read_gbytes']:.0f}, copy {figures['copy_gbytes']:.0f}, triad {figures['triad_gbytes']:.0f}"
    )
    if failures:
        print(f"failed: {', '.join(sorted(failures))}")
    return well and not failures
