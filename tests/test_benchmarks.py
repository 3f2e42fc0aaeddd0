"""Benchmarks whose rows fail: the others are kept, and the exit status says so."""

import json
import pathlib
import sys

import pytest

BENCH = pathlib.Path(__file__).resolve().parents[1] / "bench"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    import compare
    import timing

    return compare, timing


def writes(rows, status):
    """A program that ends like a benchmark."""
    return [
        sys.executable,
        "-c",
        f"import sys; open(sys.argv[-1], 'w').write({json.dumps(dict(version='1', rows=rows))!r}); sys.exit({status})",
    ]


GOOD = dict(median=2.0, check=[1.0])
BAD = dict(error="ValueError: no such row")


@pytest.mark.parametrize("rows, status", [({"a": GOOD}, 0), ({"a": GOOD, "b": BAD}, 1)])
def test_a_suite_ends_with_its_rows(bench, tmp_path, capsys, rows, status):
    suite = bench[1].Suite(budget=0)
    suite.rows = rows
    with pytest.raises(SystemExit) as end:
        suite.end(str(tmp_path / "rows.json"), "1")
    assert end.value.code == status
    assert json.loads((tmp_path / "rows.json").read_text()) == dict(version="1", rows=rows)
    assert ("1 of 2 rows failed: b" in capsys.readouterr().err) == bool(status)


@pytest.mark.parametrize(
    "command, kept, failures",
    [
        (writes({"a": GOOD}, 0), ["a"], []),
        (writes({"a": GOOD, "b": BAD}, 1), ["a"], ["torch: b"]),
        (writes({"a": GOOD}, 3), ["a"], ["torch, a whole process"]),  # after it had written
        ([sys.executable, "-c", "raise SystemExit('no library')"], [], ["torch, a whole process"]),
    ],
)
def test_a_comparison_keeps_what_did_not_fail(bench, command, kept, failures):
    compare, _ = bench
    rows = {}
    assert compare.collect(rows, "torch", compare.run(command)) == failures
    assert sorted(rows) == kept
