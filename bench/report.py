"""Puts a results file into the README: its table, and the charts in docs/images.

python bench/report.py bench/results/MACHINE.json
"""

import argparse
import pathlib
import re
from typing import Any

import models
import plot
import records
import rows
from timing import seconds

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- begin: written by bench/report.py -->\n", "<!-- end -->\n"

# The rows of the README's table.
TABLE = {
    "session/slide_net_run": "one layer of 3 neurons, `sess.run` with a feed",
    "session/slide_net_train": "the same, one training step",
    "session/while_loop": "`tf.while_loop`, per iteration",
    "mlp/b128_adam": "MLP 784-512-512-10, training step, batch 128",
    "convnet/mnist_b50_adam": "MNIST convnet, training step, batch 50",
    "lstm/ptb_small_b20x20_sgd": "PTB LSTM (small), training step, 20 x 20 words",
    "transformer/block_b8x64_adam": "transformer block with softmax, training step, 8 x 64 words",
    "word2vec/nce_b128_sgd": "word2vec with NCE, training step, batch 128",
    "dqn/train_b32_adam": "DQN, training step, batch 32",
    "dqn/act_b1": "DQN, one decision",
    "resnet50/frozen_b1": "ResNet-50 inference, batch 1",
    "inception_v3/frozen_b1": "Inception-v3 inference, batch 1",
    "gemm/1024x1024x1024_NN": "matrix product 1024³",
    "gemm/64x1024x1024_NT": "matrix product 64 x 1024 x 1024, B transposed",
    "gemm/1x4096x4096_NN": "vector times matrix 4096 x 4096",
    "conv/d_8x56x56x64_3x3x64_fwd_bwd": "3x3 convolution 8x56x56x64, forward and backward",
    "conv/e_1x112x112x32_depthwise_3x3_fwd_bwd": "depthwise 3x3 1x112x112x32, forward and backward",
    "softmax/xent_128x50000_fwd_bwd": "softmax cross entropy 128 x 50000 and gradient",
    "embedding/sparse_adagrad_4096": "sparse Adagrad, 4096 of 100000 rows",
    "elementwise/tanh_sigmoid_chain_4M_fwd": "chain of 6 elementwise ops on 4 M floats",
    "norm/layer_norm_4096x1024_fwd_bwd": "layer norm from elementary ops, 4096 x 1024, forward and backward",
    "transpose/transpose_4096x4096": "transpose 4096 x 4096",
}


def ratio(x: float) -> str:
    """Two digits, and never an exponent."""
    return f"{x:.2g}" if x < 100 else f"{x:.0f}"


def limit(row: dict[str, Any], probe: dict[str, Any]) -> str:
    """The nearer of the machine's two limits; neither says anything about calls of a few microseconds."""
    figures = [(records.of_peak(row, probe), "of peak"), (records.of_bandwidth(row, probe), "of bandwidth")]
    known = [(value, what) for value, what in figures if value is not None]
    if not known or row["seconds"]["tfmini"] < 1e-4:
        return ""
    value, what = max(known)
    return f"{value:.0f} % {what}"


def table(results: dict[str, Any]) -> str:
    text = "| work | tfmini | TensorFlow | PyTorch | tfmini reaches |\n|---|--:|--:|--:|--:|\n"
    for name, title in TABLE.items():
        row = results["rows"].get(name)
        if row is None or "tfmini" not in row["seconds"]:
            continue
        taken, own = row["seconds"], row["seconds"]["tfmini"]
        cells = [title, seconds(own).replace("us", "µs")]
        for lib in ("tensorflow", "torch"):
            cells.append(
                f"{seconds(taken[lib]).replace('us', 'µs')} ({ratio(taken[lib] / own)}×)" if lib in taken else ""
            )
        cells.append(limit(row, results["sessions"][row["session"]]["probe"]))
        text += f"| {' | '.join(cells)} |\n"
    return text


def caption(results: dict[str, Any]) -> str:
    last = results["sessions"][max(results["sessions"])]
    versions = last["versions"]
    probes = [s["probe"] for s in results["sessions"].values()]
    shown = sorted({results["rows"][name]["session"] for name in TABLE if name in results["rows"]})
    commits = list(dict.fromkeys(results["sessions"][s]["commit"].removesuffix("-dirty") for s in shown))
    days = sorted({session[:10] for session in shown})
    bandwidth = max(max(p["read_gbytes"], p["copy_gbytes"], p["triad_gbytes"]) for p in probes)
    return (
        f"{last['cpu']}, {last['cores']} cores, {last['probe']['isa'].upper()}, {max(p['gflops'] for p in probes):.0f} GFLOP/s, "
        f"{bandwidth:.0f} GB/s; TensorFlow {versions.get('tensorflow', '?')}, PyTorch {versions.get('torch', '?')}; "
        f"{', '.join(days)}, {'commits' if len(commits) > 1 else 'commit'} {', '.join(commits)}. Best medians of processes run in turn; in brackets the time over tfmini's.\n"
    )


def chart(results: dict[str, Any], families: tuple[str, ...], name: str, title: str) -> None:
    chosen = [
        (label, row)
        for family in families
        for label, row in sorted(results["rows"].items())
        if label.startswith(family + "/") and "tfmini" in row["seconds"] and len(row["seconds"]) > 1
    ]
    if chosen:
        plot.draw(ROOT / "docs/images" / name, title, chosen)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("file", help="what --json of the comparisons wrote")
    results = records.load(p.parse_args().file)
    (ROOT / "docs/images").mkdir(exist_ok=True)
    chart(results, ("session", *models.FAMILIES), "speed-models.svg", "Small runs, training steps, inference")
    chart(results, rows.FAMILIES, "speed-kernels.svg", "Kernels")
    readme = ROOT / "README.md"
    section = re.escape(BEGIN) + ".*?" + re.escape(END)
    text, count = re.subn(
        section, lambda _: f"{BEGIN}{table(results)}\n{caption(results)}{END}", readme.read_text(), flags=re.S
    )
    if count != 1:
        p.error(f"README.md lacks the lines {BEGIN.strip()} and {END.strip()}")
    readme.write_text(text)


if __name__ == "__main__":
    main()
