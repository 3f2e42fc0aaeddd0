"""Saver: what is written, what is kept, what a restore refuses, and that it is all or nothing."""

import os

import numpy as np
import pytest

import tfmini as tf
from tfmini.train import checkpoint

pytestmark = pytest.mark.usefixtures("graph")


@pytest.fixture
def sess():
    with tf.Session() as sess:
        yield sess


def restored(path, *variables):
    """The values of variables made by `variables` after a restore in a graph of their own."""
    with tf.Graph().as_default(), tf.Session() as sess:
        made = [make() for make in variables]
        tf.train.Saver().restore(sess, path)
        return sess.run(made)


def test_nodes():
    tf.Variable([1.0], name="w")
    tf.Variable(2.0, name="a")
    tf.train.Saver()
    ops = {op.name: op for op in tf.get_default_graph().get_operations() if op.name.startswith("save")}
    want = """
        filename/input filename Const SaveV2/tensor_names SaveV2/shape_and_slices SaveV2 control_dependency
        RestoreV2/tensor_names RestoreV2/shape_and_slices RestoreV2 Assign Assign_1 restore_all
    """
    assert list(ops) == ["save/" + name for name in want.split()]
    assert [t.name for t in ops["save/SaveV2"].inputs[3:]] == ["a:0", "w:0"]
    assert [t.op.name for t in ops["save/Assign"].inputs] == ["a", "save/RestoreV2"]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", "uint8", "int32", "int64", "bool"])
def test_round_trip(sess, tmp_path, dtype):
    value = np.arange(6).reshape(2, 3).astype(dtype)
    v = tf.Variable(value, name="v")
    sess.run(v.initializer)
    path = tf.train.Saver().save(sess, tmp_path / "m")
    assert path == str(tmp_path / "m") and tf.train.list_variables(path) == [("v", [2, 3])]
    (got,) = restored(path, lambda: tf.Variable(np.zeros_like(value), name="v"))
    np.testing.assert_array_equal(got, value)
    assert got.dtype == value.dtype


def test_strings_scalars_and_empty_tensors(sess, tmp_path):
    texts = np.array([[b"", b"a\0b\0"], ["grün".encode(), b"x" * 1000]], dtype=object)
    tf.Variable(texts, name="s")
    tf.Variable(3, name="i")
    tf.Variable(np.zeros((0, 4), np.float32), name="e")
    sess.run(tf.global_variables_initializer())
    path = tf.train.Saver().save(sess, tmp_path / "m")
    assert tf.train.load_variable(path, "s").tolist() == texts.tolist()
    assert tf.train.load_variable(tmp_path, "i:0") == 3 and tf.train.load_variable(path, "e").shape == (0, 4)
    (got,) = restored(path, lambda: tf.Variable([["", ""], ["", ""]], name="s"))
    assert got.tolist() == texts.tolist()


def test_names(sess, tmp_path):
    a, b = tf.Variable(1.0, name="a"), tf.Variable(2.0, name="b")
    sess.run(tf.global_variables_initializer())
    path = tf.train.Saver({"x": a, "scope/y": b}).save(sess, tmp_path / "m")
    assert tf.train.NewCheckpointReader(path).get_variable_to_shape_map() == {"x": [], "scope/y": []}
    assert restored(path, lambda: tf.Variable(0.0, name="x")) == [1.0]


def test_how_many_are_kept(sess, tmp_path):
    v = tf.Variable(1.0, name="v")
    sess.run(v.initializer)
    saver = tf.train.Saver(max_to_keep=2)
    paths = [saver.save(sess, tmp_path / "m", global_step=i) for i in range(4)]
    assert saver.last_checkpoints == paths[2:] == [str(tmp_path / "m-2"), str(tmp_path / "m-3")]
    assert sorted(os.listdir(tmp_path)) == ["checkpoint", "m-2", "m-3"]
    assert tf.train.latest_checkpoint(tmp_path) == paths[3]
    state = tf.train.get_checkpoint_state(tmp_path)
    assert state.model_checkpoint_path == paths[3] and state.all_model_checkpoint_paths == paths[2:]
    # Another process goes on.
    later = tf.train.Saver(max_to_keep=2)
    later.recover_last_checkpoints([*paths])
    later.save(sess, tmp_path / "m", global_step=9)
    assert sorted(os.listdir(tmp_path)) == ["checkpoint", "m-3", "m-9"]


def test_keeping_all_and_keeping_by_time(sess, tmp_path):
    sess.run(tf.Variable(1.0).initializer)
    saver = tf.train.Saver(max_to_keep=None)
    for i in range(3):
        saver.save(sess, tmp_path / "all", global_step=i, latest_filename="state")
    assert {"all-0", "all-1", "all-2", "state"} <= set(os.listdir(tmp_path)) and saver.last_checkpoints == []
    hourly = tf.train.Saver(max_to_keep=1, keep_checkpoint_every_n_hours=0)
    for i in range(3):
        hourly.save(sess, tmp_path / "hourly", global_step=i)
    assert {"hourly-0", "hourly-1", "hourly-2"} <= set(os.listdir(tmp_path))


def test_global_steps_and_padding(sess, tmp_path):
    step = tf.Variable(7, name="step")
    sess.run(step.initializer)
    assert tf.train.Saver().save(sess, tmp_path / "m", step).endswith("m-7")
    assert tf.train.Saver(pad_step_number=True).save(sess, tmp_path / "m", 7).endswith("m-00000007")
    with pytest.raises(TypeError, match="global_step"):
        tf.train.Saver().save(sess, tmp_path / "m", "7")


def test_relative_paths(sess, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sess.run(tf.Variable(1.0).initializer)
    assert tf.train.Saver().save(sess, "sub/m") == "sub/m"  # the last directory is made
    with open("sub/checkpoint") as f:
        assert f.read() == 'model_checkpoint_path: "m"\nall_model_checkpoint_paths: "m"\n'
    assert tf.train.latest_checkpoint("sub") == "sub/m"
    tf.train.Saver(save_relative_paths=True).save(sess, tmp_path / "sub" / "n")
    os.rename("sub", "moved")
    assert tf.train.latest_checkpoint("moved") == "moved/n"


def test_restoring_instead_of_initializing_trains_on(tmp_path):
    with tf.Session() as sess:
        v = tf.Variable(1.0, name="v")
        more = v.assign_add(1.0)
        saver = tf.train.Saver()
        sess.run(v.initializer)
        sess.run(more)
        path = saver.save(sess, tmp_path / "m")
    with tf.Session() as sess:
        saver.restore(sess, path)
        assert sess.run(more) == 3.0


def test_a_finalized_graph_saves_and_restores(sess, tmp_path, graph):
    v = tf.Variable(1.0)
    saver = tf.train.Saver()
    graph.finalize()
    sess.run(v.initializer)
    saver.restore(sess, saver.save(sess, tmp_path / "m"))


def test_reshape(sess, tmp_path):
    sess.run(tf.Variable([[1.0, 2.0]], name="v").initializer)
    path = tf.train.Saver().save(sess, tmp_path / "m")
    with tf.Graph().as_default(), tf.Session() as other:
        v = tf.Variable([0.0, 0.0], name="v")
        tf.train.Saver(reshape=True).restore(other, path)
        assert other.run(v).tolist() == [1, 2]


def test_all_or_nothing(sess, tmp_path):
    tf.Variable([1.0, 2.0], name="a")
    tf.Variable([1.0, 2.0], name="b")
    sess.run(tf.global_variables_initializer())
    path = tf.train.Saver().save(sess, tmp_path / "m")
    wrong = [
        (lambda: tf.Variable([0.0] * 3, name="b"), tf.errors.InvalidArgumentError, r"b; the variable has shape \(3,\)"),
        (lambda: tf.Variable([0, 0], name="b"), tf.errors.InvalidArgumentError, "expected dtype int32"),
        (lambda: tf.Variable(0.0, name="c"), tf.errors.NotFoundError, "Key c not found in checkpoint"),
    ]
    for make, error, match in wrong:
        with tf.Graph().as_default(), tf.Session() as other:
            a = tf.Variable([0.0, 0.0], name="a")
            make()
            saver = tf.train.Saver()
            other.run(tf.global_variables_initializer())
            with pytest.raises(error, match=match) as caught:
                saver.restore(other, path)
            assert "Nothing was restored" in str(caught.value) and str(caught.value).count("\n") < 10
            assert other.run(a).tolist() == [0, 0]


def test_damage_is_found(sess, tmp_path):
    """Every truncation, and every changed byte of the header or of the data."""
    v = tf.Variable([1.0, 2.0], name="v")
    sess.run(v.initializer)
    saver = tf.train.Saver()
    path = saver.save(sess, tmp_path / "m")
    with open(path, "rb") as f:
        good = f.read()
    bad = [good[:n] for n in range(len(good))]
    used = [*range(20 + int.from_bytes(good[8:16], "little")), *range(len(good) - 8, len(good))]
    bad += [good[:i] + bytes([good[i] ^ 0x41]) + good[i + 1 :] for i in used]
    bad += [b"", b"x" * 1000, good[:8] + b"\xff" * 8 + good[16:]]
    for content in bad:
        with open(path, "wb") as f:
            f.write(content)
        with pytest.raises(tf.errors.DataLossError, match="damaged"):
            saver.restore(sess, path)
    assert sess.run(v).tolist() == [1, 2]


@pytest.mark.parametrize(
    "record",
    [
        '{"dtype":"float32","shape":[2],"at":0,"bytes":4,"crc":0}',
        '{"dtype":"float32","shape":[-2],"at":0,"bytes":8,"crc":0}',
        '{"dtype":"float32","shape":[4611686018427387904,4],"at":0,"bytes":0,"crc":0}',
        '{"dtype":"float32","shape":[2],"at":9999,"bytes":8,"crc":0}',
        '{"dtype":"float32","shape":2,"at":0,"bytes":8,"crc":0}',
        '{"dtype":"nonsense","shape":[2],"at":0,"bytes":8,"crc":0}',
        '{"dtype":"float32","shape":[2.0],"at":0,"bytes":8,"crc":0}',
        '{"dtype":"float32"}', '[]', '3', 'null', '[' * 100000,
    ],
)  # fmt: skip
def test_hostile_headers(tmp_path, record):
    import zlib

    header = ('{"size":1,"tensors":{"v":' + record + "}}").encode()
    path = tmp_path / "m"
    path.write_bytes(checkpoint._PREFIX.pack(checkpoint._MAGIC, len(header), zlib.crc32(header)) + header + b"\0" * 64)
    with pytest.raises(tf.errors.DataLossError):
        tf.train.NewCheckpointReader(path)


def test_a_failed_save_leaves_the_old_file(sess, tmp_path, monkeypatch):
    v = tf.Variable([1.0], name="v")
    sess.run(v.initializer)
    saver = tf.train.Saver()
    path = saver.save(sess, tmp_path / "m")
    sess.run(v.assign([2.0]))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(tf.errors.OpError, match="No space left"):
        saver.save(sess, tmp_path / "m")
    assert sorted(os.listdir(tmp_path)) == ["checkpoint", "m"] and tf.train.load_variable(path, "v").tolist() == [1]


@pytest.mark.parametrize(
    "attempt, error, match",
    [
        (lambda s, p: tf.train.Saver([]), ValueError, "No variables to save"),
        (lambda s, p: tf.train.Saver({"a": 3}), TypeError, "not a Variable"),
        (lambda s, p: tf.train.Saver(5), TypeError, "dict or a list"),
        (lambda s, p: tf.train.Saver([tf.global_variables()[0]] * 2), ValueError, "same name: v"),
        (lambda s, p: tf.train.Saver({n: tf.global_variables()[0] for n in "ab"}), ValueError, "two names: b"),
        (lambda s, p: tf.train.Saver([tf.global_variables()[0].value()]), TypeError, "not a Variable"),
        (lambda s, p: tf.train.Saver().save(3, p + "/m"), TypeError, "'sess' must be a Session"),
        (lambda s, p: tf.train.Saver().save(s, p + "/a/b/m"), ValueError, "Parent directory of .* doesn't exist"),
        (lambda s, p: tf.train.Saver().save(s, p + "/m", latest_filename="a/b"), ValueError, "path components"),
        (lambda s, p: tf.train.Saver().save(s, p + "/checkpoint"), ValueError, "collides with 'save_path'"),
        (lambda s, p: tf.train.Saver().restore(s, p + "/none"), ValueError, "not a valid checkpoint: .*none"),
        (lambda s, p: tf.train.Saver().restore(s, None), ValueError, "None"),
        (lambda s, p: tf.train.Saver(defer_build=True).save(s, p + "/m"), RuntimeError, "build"),
        (lambda s, p: tf.train.load_variable(p, "v"), ValueError, "Couldn't find 'checkpoint' file"),
        (lambda s, p: tf.train.NewCheckpointReader(p + "/none"), tf.errors.NotFoundError, "Failed to find any"),
    ],
)
def test_refusals(sess, tmp_path, attempt, error, match):
    sess.run(tf.Variable(1.0, name="v").initializer)
    with pytest.raises(error, match=match):
        attempt(sess, str(tmp_path))


def test_uninitialized_variables_are_not_saved(sess, tmp_path):
    tf.Variable(1.0, name="v")
    with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value v"):
        tf.train.Saver().save(sess, tmp_path / "m")
    assert os.listdir(tmp_path) == []


def test_nothing_to_save(sess, tmp_path):
    saver = tf.train.Saver(allow_empty=True)
    assert saver.save(sess, tmp_path / "m") is None
    saver.restore(sess, "anything")
