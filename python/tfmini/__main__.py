"""`tfmini devices`, also `python -m tfmini devices`: what tfmini can run on, or why it cannot."""

from __future__ import annotations

import argparse


def describe_devices() -> str:
    """The devices of this machine, one a line, and why there is no GPU among them if there is none."""
    from tfmini.device import gpu_status, list_devices

    lines = []
    for d in list_devices():
        memory = f", {d.memory_limit / 2**30:.1f} GiB" if d.memory_limit else ""
        lines.append(f"{d.name}: {d.physical_device_desc}{memory}")
    if reason := gpu_status():
        lines.append(f"no GPU: {reason}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """The command `tfmini`."""
    from tfmini.version import __version__

    parser = argparse.ArgumentParser(
        prog="tfmini", description="TensorFlow 1's graphs and sessions on a small runtime."
    )
    parser.add_argument("--version", action="version", version=f"tfmini {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("devices", help="list the devices that sessions can use, or say why a GPU cannot be used")
    parser.parse_args(argv)
    print(describe_devices())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
