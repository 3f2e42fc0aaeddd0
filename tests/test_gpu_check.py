"""The script for machines with a GPU (bench/gpu_check.sh): what of it can be checked without one."""

import os
import pathlib
import re
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
| `cuda/gemm/wgmma.cuh`: products | yes | compiled only |
| `cuda/ops/softmax.cu`, `xent.cu`: rows | yes | compiled only |
| `cuda/ops/reduce.cu`, `training.cu` | yes | compiled only |

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


def test_programs(record, tmp_path):
    report = tmp_path / "programs.xml"
    report.write_text(
        '<testsuite><testcase name="cuda_wgmma_test"/><testcase name="cuda_conv_test"><failure/></testcase></testsuite>'
    )
    assert record.outcomes([report]) == {"cuda_wgmma_test": True, "cuda_conv_test": False}
    assert not record.stage_passed(report)


@pytest.mark.parametrize(
    ("passed", "rows"),
    [
        ({"softmax": True, "xent": True}, ["softmax"]),
        ({"softmax": True, "xent": False}, []),
        ({"reduce": True}, []),
        ({"reduce": True, "runtime": True}, ["core/`", "reduce"]),
        ({"cuda_wgmma_test": True}, ["wgmma"]),
    ],
)
def test_table(record, passed, rows):
    once = record.updated(TABLE, passed, "abc, h200, today")
    changed = [line for line in once.splitlines() if line.endswith("| yes | abc, h200, today |")]
    assert len(changed) == len(rows) and all(row in line for row, line in zip(rows, changed))
    assert once.count("compiled only") == 4 - len(rows) and once.endswith("\n\nText.\n")


def test_every_family_has_a_row(record):
    table = [line for line in record.DOC.read_text().splitlines() if line.startswith("| `c")]
    files = [file for line in table for file in re.findall(r"`([^`]+)`", line.split("|")[1])]
    families = re.findall(r"^FAMILY\((\w+)\)", (ROOT / "cuda/ops/families.def").read_text(), re.M)
    assert {f"{family}.cu" for family in families} <= {pathlib.PurePath(file).name for file in files}
    assert set(record.EVIDENCE) <= set(files)


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
