"""The script for machines with a GPU (bench/gpu_check.sh): what of it can be checked without one."""

import os
import pathlib
import subprocess
import sys

import pytest

import tfmini as tf

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "bench/gpu_check.sh"

REPORT = """<testsuites><testsuite>
<testcase classname="tests.test_ops" name="test_values[softmax-rows-float32]"/>
<testcase classname="tests.test_ops" name="test_values[softmax-tail-float32]"/>
<testcase classname="tests.test_ops" name="test_values[reduce-sum-float32]"><failure message="differs"/></testcase>
<testcase classname="tests.test_ops" name="test_isa[bias-nhwc-avx512]"><skipped/></testcase>
</testsuite></testsuites>"""

TABLE = """# CUDA

| code | simulated | last run on hardware |
|---|---|---|
| `cuda/core/`: devices | yes | compiled only |
| `cuda/ops/softmax.cu`: rows | yes | compiled only |

Text.
"""


@pytest.fixture
def record(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import gpu_record

    return gpu_record


def test_script_parses():
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)


def test_unknown_stages_are_refused():
    done = subprocess.run(["bash", str(SCRIPT), "no_such_stage"], capture_output=True, text=True)
    assert done.returncode == 2 and "no stage 'no_such_stage'" in done.stdout


def test_outcomes(record, tmp_path):
    reports = [tmp_path / name for name in ("ops.xml", "ops_rest.xml")]
    reports[0].write_text(REPORT)
    reports[1].write_text(REPORT.replace("reduce", "xent"))
    assert record.outcomes(reports[:1]) == {"softmax": True, "reduce": False}
    assert record.outcomes(reports) == {"softmax": True, "reduce": False, "xent": False}


def test_table(record):
    once = record.updated(TABLE, {"cuda/ops/softmax.cu": "abc, h200, today", "cuda/ops/xent.cu": "abc, h200, today"})
    assert (
        "| `cuda/ops/softmax.cu`: rows | yes | abc, h200, today |\n| `cuda/ops/xent.cu` | yes | abc, h200, today |"
        in once
    )
    assert "| `cuda/core/`: devices | yes | compiled only |" in once and once.endswith("\n\nText.\n")
    assert record.updated(once, {}) == once


def test_names(record):
    line = "/device:CPU:0: kernels for avx2\n/device:GPU:0: NVIDIA H100 80GB HBM3, compute capability 9.0, 79.1 GiB"
    assert record.gpu_name(line) == "nvidia-h100-80gb-hbm3"
    assert record.gpu_name("/device:CPU:0: kernels for avx2\nno GPU: none") == ""


def test_devices_stage():
    """Fails where there is no GPU, and says why."""
    done = subprocess.run(
        ["bash", str(SCRIPT), "--simulate", "devices"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHON": sys.executable},
    )
    assert done.returncode == (0 if tf.test.is_gpu_available() else 1), done.stdout + done.stderr
    assert "/device:CPU:0" in done.stdout
