"""Flags, tf.app.run, files, logging and tf.compat."""

import io
import sys

import pytest

import tfmini as tf
from tfmini import flags


@pytest.fixture
def values():
    v = flags.FlagValues()
    flags.DEFINE_string("name", "x", "a name", flag_values=v)
    flags.DEFINE_integer("count", 3, "how many", flag_values=v, lower_bound=0)
    flags.DEFINE_float("rate", 1, flag_values=v)
    flags.DEFINE_boolean("verbose", False, flag_values=v)
    flags.DEFINE_enum("mode", "a", ["a", "b"], flag_values=v)
    flags.DEFINE_list("items", "p,q", flag_values=v)
    flags.DEFINE_multi_integer("multi", [1], flag_values=v)
    return v


@pytest.mark.parametrize(
    "arguments, want",
    [
        ([], {"name": "x", "count": 3, "rate": 1.0, "verbose": False, "items": ["p", "q"], "multi": [1]}),
        (["--name=y", "--count", "5", "-rate=0.5"], {"name": "y", "count": 5, "rate": 0.5}),
        (["--verbose"], {"verbose": True}), (["--verbose=false"], {"verbose": False}),
        (["--verbose", "False"], {"verbose": False}), (["--verbose", "--noverbose"], {"verbose": False}),
        (["--mode=b", "--items=", "--multi=2", "--multi=3"], {"mode": "b", "items": [], "multi": [2, 3]}),
        (["--count=0x10", "--name="], {"count": 16, "name": ""}), (["--rate", "-1e-3"], {"rate": -1e-3}),
    ],
)  # fmt: skip
def test_parsing(values, arguments, want):
    assert values(["prog", *arguments]) == ["prog"]
    assert {k: getattr(values, k) for k in want} == want
    assert type(values.rate) is float


def test_leftovers(values):
    assert values(["prog", "file", "--count=4", "--", "--count=5"]) == ["prog", "file", "--count=5"]
    assert values(["prog", "--unknown=1", "--name", "z"], known_only=True) == ["prog", "--unknown=1"]
    assert values.name == "z"


@pytest.mark.parametrize(
    "arguments", [["--count=x"], ["--count=-1"], ["--mode=c"], ["--verbose=maybe"], ["--unknown"], ["--name"]]
)
def test_bad_arguments(values, arguments):
    with pytest.raises(flags.Error, match=arguments[0].partition("=")[0].strip("-")):
        values(["prog", *arguments])


def test_attributes(values):
    values(["prog"])
    values.count = 9
    values.undeclared = [1]
    assert values.count == 9 and values.undeclared == [1] and "count" in values and values["count"].default == 3
    assert values.flag_values_dict()["count"] == 9 and set(values) >= {"name", "rate"}
    with pytest.raises(AttributeError, match="Unknown flag 'missing'"):
        _ = values.missing


def test_definition_twice(values):
    flags.DEFINE_string("name", "again", flag_values=values)  # the same module may run again
    assert values(["prog"]) and values.name == "again"
    with pytest.raises(flags.DuplicateFlagError, match="'name' is defined twice"):
        exec("DEFINE_string('name', 'z', flag_values=v)", {"__name__": "elsewhere", "v": values, **vars(flags)} | {
            "__name__": "elsewhere"})  # fmt: skip


def test_required(values):
    flags.DEFINE_string("needed", None, flag_values=values)
    flags.mark_flag_as_required("needed", values)
    with pytest.raises(flags.Error, match="needed must have a value"):
        values(["prog"])
    values(["prog", "--needed=1"])


def test_parsed_when_first_read(monkeypatch):
    v = flags.FlagValues()
    flags.DEFINE_integer("late", 1, flag_values=v)
    monkeypatch.setattr(sys, "argv", ["prog", "--late=7", "--other", "positional"])
    assert v.late == 7
    flags.DEFINE_integer("other", 2, flag_values=v)
    monkeypatch.setattr(sys, "argv", ["prog", "--late=x"])
    with pytest.raises(SystemExit, match="Flags parsing error"):
        _ = v.other


def test_run(monkeypatch):
    monkeypatch.setattr(flags, "FLAGS", flags.FlagValues())
    flags.DEFINE_integer("steps", 1)
    seen = []

    def main(argv):
        seen.append((argv, flags.FLAGS.steps))
        return 3

    with pytest.raises(SystemExit) as e:
        tf.app.run(main, ["prog", "--steps=5", "rest"])
    assert e.value.code == 3 and seen == [(["prog", "rest"], 5)]
    monkeypatch.setattr(sys.modules["__main__"], "main", lambda _: None, raising=False)
    with pytest.raises(SystemExit) as e:
        tf.app.run(argv=["prog"])
    assert not e.value.code
    with pytest.raises(SystemExit):
        tf.app.run(main, ["prog", "--help"])
    assert tf.flags is tf.app.flags


def test_files(tmp_path):
    g = tf.gfile
    a, b = str(tmp_path / "a"), str(tmp_path / "sub/b")
    with g.GFile(a, "w") as f:
        f.write("one\ntwö\n")
    with g.FastGFile(a) as f:
        assert f.readline() == "one\n" and f.read() == "twö\n" and f.size() == 9
    assert g.GFile(a, "rb").read(3) == b"one" and list(g.Open(a)) == ["one\n", "twö\n"]
    g.MakeDirs(str(tmp_path / "sub"))
    g.Copy(a, b)
    with pytest.raises(tf.errors.AlreadyExistsError):
        g.Copy(a, b)
    g.Copy(a, b, overwrite=True)
    assert g.Exists(b) and g.IsDirectory(tmp_path) and g.ListDirectory(tmp_path) == ["a", "sub"]
    assert g.Glob(str(tmp_path / "*")) == [a, str(tmp_path / "sub")]
    assert [(d, s, f) for d, s, f in g.Walk(tmp_path)][0] == (str(tmp_path), ["sub"], ["a"])
    g.Rename(a, a + "2")
    g.Remove(a + "2")
    assert not g.Exists(a) and g.Stat(b).length == 9
    g.DeleteRecursively(str(tmp_path / "sub"))
    assert g.ListDirectory(tmp_path) == []


@pytest.mark.parametrize(
    "attempt, error",
    [
        (lambda p: tf.gfile.GFile(p + "/none").read(), "NotFoundError"),
        (lambda p: tf.gfile.Remove(p + "/none"), "NotFoundError"),
        (lambda p: tf.gfile.ListDirectory(p + "/none"), "NotFoundError"),
        (lambda p: tf.gfile.GFile(p + "/x", "w").read(), "PermissionDeniedError"),
        (lambda p: tf.gfile.GFile(p + "/x", "q"), "InvalidArgumentError"),
        (lambda p: tf.gfile.MkDir(p), "AlreadyExistsError"),
        (lambda p: tf.gfile.GFile(p).read(), "FailedPreconditionError"),
    ],
)
def test_file_errors(tmp_path, attempt, error):
    with pytest.raises(getattr(tf.errors, error)):
        attempt(str(tmp_path))


def test_logging(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    old = tf.logging.get_verbosity()
    try:
        tf.logging.set_verbosity(tf.logging.INFO)
        tf.logging.info("step %d", 3)
        tf.logging.debug("hidden")
        for _ in range(5):
            tf.logging.log_first_n(tf.logging.WARN, "twice", 2)
            tf.logging.log_every_n(tf.logging.WARN, "every third", 3)
    finally:
        tf.logging.set_verbosity(old)
    lines = out.getvalue().splitlines()
    if lines:  # nothing, if the host has configured logging itself
        assert lines[0] == "INFO:tensorflow:step 3" and len(lines) == 5


def test_compat():
    c = tf.compat
    assert c.as_bytes("ä") == "ä".encode() and c.as_text(b"x") == c.as_str("x") == "x" and c.as_str_any(3) == "3"
    with pytest.raises(TypeError, match="Expected binary or unicode string"):
        c.as_bytes(3)
    assert c.v1 is tf
