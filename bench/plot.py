"""Draws results: a dot per row and library, at its time over tfmini's."""

import os
from collections.abc import Sequence
from typing import Any

# Okabe and Ito's colours, which colour-blind readers tell apart; shapes differ too.
STYLE = {
    "tensorflow": ("TensorFlow", "o", "#0072B2"),
    "torch": ("PyTorch", "D", "#D55E00"),
    "torch-compile": ("torch.compile", "s", "#009E73"),
}


def draw(path: str | os.PathLike, title: str, rows: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """rows: (label, row), from top to bottom."""
    import matplotlib

    matplotlib.use("svg")
    # Text stays text, and the same figures give the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "tfmini", "font.size": 9})
    from matplotlib import pyplot, ticker

    fig, ax = pyplot.subplots(figsize=(8, 0.9 + 0.2 * len(rows)), layout="constrained")
    for lib, (name, marker, colour) in STYLE.items():
        points = [
            (row["seconds"][lib] / row["seconds"]["tfmini"], y)
            for y, (_, row) in enumerate(rows)
            if lib in row["seconds"]
        ]
        if points:
            ax.scatter(*zip(*points), marker=marker, color=colour, s=22, label=name, zorder=3)
    ax.axvline(1, color="black", linewidth=1)
    ax.set_xscale("log")
    low, high = ax.get_xlim()
    ax.set_xlim(min(low, 0.45), max(high, 2.2))
    ax.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(ticker.FormatStrFormatter("%g×"))
    ax.xaxis.set_minor_locator(ticker.NullLocator())
    ax.set_yticks(range(len(rows)), [label for label, _ in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(axis="both", color="#dddddd", linewidth=0.6)
    ax.set_xlabel("time over tfmini's: right of the line, tfmini is faster")
    ax.set_title(title, fontsize=10)
    ax.legend(loc="upper right", framealpha=0.9)
    fig.savefig(path, metadata={"Date": None})
    pyplot.close(fig)
