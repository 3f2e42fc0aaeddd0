"""Summaries and event files; what they contain is read back with TensorBoard's own messages where it is installed."""

import glob
import struct
import zlib

import numpy as np
import pytest

import tfmini as tf
from tfmini import _core, event_file, summary_kernels

event_pb2 = pytest.importorskip("tensorboard.compat.proto.event_pb2")


pytestmark = pytest.mark.usefixtures("graph")


def evaluate(summary, feeds=None):
    with tf.Session() as sess:
        return tf.summary.Summary.FromString(sess.run(summary, feeds))


def events(directory):
    found = []
    for path in sorted(glob.glob(f"{directory}/*tfevents*")):
        with open(path, "rb") as f:
            data = f.read()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            assert struct.unpack("<I", data[8:12])[0] == event_file.masked_crc(data[:8])
            content = data[12 : 12 + length]
            assert struct.unpack("<I", data[12 + length : 16 + length])[0] == event_file.masked_crc(content)
            found.append(event_pb2.Event.FromString(content))
            data = data[16 + length :]
    return found


def test_crc32c():
    assert _core.crc32c(b"123456789") == 0xE3069283 and _core.crc32c(b"") == 0
    assert _core.crc32c(bytes(32)) == 0x8A9136AA and _core.crc32c(b"\xff" * 32) == 0x62A8AB43


def test_names_and_tags():
    x = tf.constant(2.0)
    with tf.name_scope("tower"):
        first, second = tf.summary.scalar("loss", x), tf.summary.scalar("loss", x)
    family = tf.summary.histogram("a b%", [1.0], family="fam")
    merged = tf.summary.merge_all()
    ops = [first.op.name, second.op.name, family.op.name, merged.op.name]
    assert ops == ["tower/loss", "tower/loss_1", "fam/a_b_", "Merge/MergeSummary"]
    assert [v.tag for v in evaluate(merged).value] == ["tower/loss", "tower/loss_1", "fam/fam/a_b_"]
    assert tf.summary.merge_all("no such collection") is None


def test_scalars():
    value = evaluate(tf.summary.scalar("x", tf.constant(7, tf.int64))).value[0]
    assert value.tag == "x" and value.simple_value == 7
    values = evaluate(tf.scalar_summary(["a", "b"], [1.0, 2.0])).value
    assert [(v.tag, v.simple_value) for v in values] == [("a", 1), ("b", 2)]
    with pytest.raises(ValueError, match="not compatible"):
        tf.summary.scalar("x", [1.0, 2.0])
    x = tf.placeholder(tf.float32)
    with pytest.raises(tf.errors.InvalidArgumentError):
        evaluate(tf.summary.scalar("x", x), {x: [1.0]})


def test_histograms():
    # The numbers TensorFlow gives for these values.
    histo = evaluate(tf.summary.histogram("h", tf.constant([1.0, 2, 2, -3, 0, 1e-13]))).value[0].histo
    assert (histo.min, histo.max, histo.num, histo.sum_squares) == (-3, 2, 6, 18)
    np.testing.assert_allclose(
        histo.bucket_limit,
        [-3.1665833053880363, -2.8787120958073054, 0, 1e-12, 0.917246389039776, 1.0089710279437536, 1.9661990955585713,
         2.1628190051144287, 1.7976931348623157e308],
        rtol=1e-15,
    )  # fmt: skip
    assert list(histo.bucket) == [0, 1, 0, 2, 0, 1, 0, 2, 0]
    assert evaluate(tf.summary.histogram("e", tf.zeros([0]))).value[0].histo.num == 0
    x = tf.placeholder(tf.float32, [None])
    for bad, word in ((np.nan, "Nan"), (np.inf, "Infinity")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{word} in summary histogram for: x"):
            evaluate(tf.summary.histogram("x", x), {x: [bad]})


@pytest.mark.parametrize(
    "pixels, want",
    [
        ([0.1, 0.9], [28, 255]), ([1.0, 2.0], [127, 255]), ([-1.0, 0.5], [1, 191]), ([0.0, 0.0], [0, 0]),
        ([300.0, 100.0], [255, 85]), ([-1.0, 2.0], [64, 255]), ([-1.0, np.nan], [1, 255]),
    ],
)  # fmt: skip
def test_image_scaling(pixels, want):
    """The bytes TensorFlow makes of these floats."""
    image = np.array(pixels, np.float32).reshape(1, 1, -1, 1)
    got = decode_png(evaluate(tf.summary.image("i", image)).value[0].image.encoded_image_string)
    assert got.ravel().tolist() == want


def decode_png(data):
    """Of unfiltered 8-bit PNGs."""
    width, height, _, color = struct.unpack(">IIBB", data[16:26])
    start = data.index(b"IDAT")
    (size,) = struct.unpack(">I", data[start - 4 : start])
    depth = {0: 1, 2: 3, 6: 4}[color]
    rows = np.frombuffer(zlib.decompress(data[start + 4 : start + 4 + size]), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, depth)


def test_images():
    batch = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    values = evaluate(tf.summary.image("i", batch, max_outputs=5)).value
    assert [v.tag for v in values] == ["i/image/0", "i/image/1"]
    assert (values[0].image.height, values[0].image.width, values[0].image.colorspace) == (3, 4, 3)
    np.testing.assert_array_equal(decode_png(values[1].image.encoded_image_string), batch[1])
    assert [v.tag for v in evaluate(tf.image_summary("j", batch, max_images=1)).value] == ["j/image"]
    with pytest.raises(ValueError, match="1, 3 or 4 channels"):
        tf.summary.image("i", tf.zeros([1, 2, 2, 5]))
    with pytest.raises(ValueError, match="rank"):
        tf.summary.image("i", tf.zeros([2, 2]))


def test_audio_and_text():
    audio = evaluate(tf.summary.audio("a", tf.zeros([2, 10, 1]), 8000.0)).value
    assert [v.tag for v in audio] == ["a/audio/0", "a/audio/1"] and audio[0].audio.length_frames == 10
    assert audio[0].audio.encoded_audio_string[:4] == b"RIFF"
    text = evaluate(tf.summary.text("t", tf.constant(["x", "y"]))).value[0]
    assert list(text.tensor.string_val) == [b"x", b"y"] and text.metadata.plugin_data.plugin_name == "text"
    with pytest.raises(ValueError, match="dtype string"):
        tf.summary.text("t", tf.constant(1.0))


def test_merging():
    a = tf.scalar_summary("same", 1.0)
    b = tf.scalar_summary("same", 2.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Duplicate tag same"):
        evaluate(tf.merge_summary([a, b]))
    with pytest.raises((ValueError, TypeError)):
        tf.summary.merge([])
    nested = tf.merge_summary([tf.merge_summary([a]), tf.scalar_summary("other", 3.0)])
    assert [v.tag for v in evaluate(nested).value] == ["same", "other"]


def test_writer(tmp_path, graph):
    loss = tf.summary.scalar("loss", tf.Variable(1.0, name="w").initial_value)
    with tf.Session() as sess, tf.summary.FileWriter(tmp_path / "log", sess.graph) as writer:
        for step in range(3):
            writer.add_summary(sess.run(loss), step)
        writer.add_summary(tf.summary.Summary(value=[{"tag": "mine", "simple_value": 4.0}]))
    found = events(tmp_path / "log")
    assert found[0].file_version == "brain.Event:2"
    kinds = [e.WhichOneof("what") for e in found]
    assert kinds == ["file_version", "graph_def", "summary", "summary", "summary", "summary"]
    assert [e.step for e in found[2:5]] == [0, 1, 2] and found[5].summary.value[0].tag == "mine"
    with pytest.raises(RuntimeError, match="closed"):
        writer.add_summary(b"")
    writer.reopen()
    writer.flush()
    writer.close()
    assert len(glob.glob(f"{tmp_path}/log/*")) == 2


def test_directories_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(tf.errors.OpError, match="file"):
        tf.summary.FileWriter(tmp_path / "file")
    with pytest.raises(tf.errors.OpError, match="file"):
        tf.summary.FileWriter(tmp_path / "file" / "below")


def test_writer_takes_graphs_either_way(tmp_path, graph):
    tf.constant(1.0, name="c")
    for i, arguments in enumerate(
        ({"graph": graph}, {"graph_def": graph.as_graph_def()}, {"graph": graph.as_graph_def()})
    ):
        tf.summary.FileWriter(tmp_path / str(i), **arguments).close()
        assert b"Const" in events(tmp_path / str(i))[1].graph_def
    with pytest.raises(TypeError, match="must be an instance of `Graph`"):
        tf.summary.FileWriter(tmp_path / "x", graph=3)
    assert not (tmp_path / "x").exists()


def test_graph_def(graph):
    graph_pb2 = pytest.importorskip("tensorboard.compat.proto.graph_pb2")
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.control_dependencies([tf.no_op(name="before")]), tf.device("/cpu:0"):
        tf.reshape(x, [-1], name="y")
    tf.constant(["a", "b"], name="s")
    tf.constant(np.arange(4, dtype=np.int64), name="i")
    tf.Variable([True, False], name="v")
    definition = graph.as_graph_def(add_shapes=True)
    assert isinstance(definition, graph_pb2.GraphDef) and definition.versions.producer > 0
    nodes = {n.name: n for n in definition.node}
    assert list(nodes) == [op.name for op in graph.get_operations()]
    assert list(nodes["y"].input) == ["x", "y/shape"] and list(nodes["y/shape"].input) == ["^before"]
    assert "CPU:0" in nodes["y"].device
    assert [d.size for d in nodes["x"].attr["shape"].shape.dim] == [-1, 3]
    assert nodes["x"].attr["dtype"].type == 1 and nodes["y"].attr["Tshape"].type == 3
    assert list(nodes["s"].attr["value"].tensor.string_val) == [b"a", b"b"]
    assert np.frombuffer(nodes["i"].attr["value"].tensor.tensor_content, np.int64).tolist() == [0, 1, 2, 3]
    assert nodes["v"].op == "VariableV2" and nodes["v"].attr["_output_shapes"].list.shape[0].dim[0].size == 2
    assert graph.get_operation_by_name("y").node_def == nodes["y"] or "_output_shapes" in nodes["y"].attr


def test_without_tensorboard(monkeypatch, tmp_path, graph):
    """Summaries and event files need NumPy only; message objects say what to install."""
    import sys

    for module in list(sys.modules):
        if module.startswith("tensorboard"):
            monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    summary = tf.summary.scalar("x", 1.0)
    with tf.Session() as sess, tf.summary.FileWriter(tmp_path, graph) as writer:
        writer.add_summary(sess.run(summary), 1)
    with pytest.raises(ImportError, match=r"pip install tfmini\[tensorboard\]"):
        graph.as_graph_def()


def test_kernels_take_any_real_type():
    for dtype in (np.float16, np.int8, np.uint64):
        assert summary_kernels.histogram_summary(b"t", np.arange(3, dtype=dtype))


def test_reading_event_files_back(tmp_path):
    with tf.summary.FileWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="x", simple_value=step)]), step)
    (path,) = tmp_path.iterdir()
    found = list(tf.train.summary_iterator(path))
    assert [e.step for e in found[1:]] == [0, 1, 2] and found[3].summary.value[0].simple_value == 2
    data = path.read_bytes()
    path.write_bytes(data[:-3])  # the writer is in the middle of a record
    assert len(list(tf.train.summary_iterator(path))) == 3
    path.write_bytes(data[:-8] + b"x" + data[-7:])
    with pytest.raises(tf.errors.DataLossError, match="corrupted record"):
        list(tf.train.summary_iterator(path))


def test_write_graph(tmp_path, graph):
    tf.constant(1.0, name="c")
    text = tf.train.write_graph(graph, tmp_path / "sub", "g.pbtxt")
    binary = tf.io.write_graph(graph.as_graph_def(), str(tmp_path), "g.pb", as_text=False)
    with open(text) as f:
        assert 'name: "c"' in f.read()
    with open(binary, "rb") as f:
        assert tf.GraphDef.FromString(f.read()) == graph.as_graph_def()


def test_queue_runners_of_a_graph_without_queues(graph):
    with pytest.raises(ValueError, match="No default session"):
        tf.train.start_queue_runners()
    with tf.Session():
        assert tf.train.start_queue_runners(coord=tf.train.Coordinator()) == []


def test_functions_in_a_graph_def(graph):
    """Conditionals and loops take their functions along; TensorFlow itself runs such a GraphDef."""
    x = tf.placeholder(tf.float32, [3], name="x")
    chosen = tf.cond(tf.reduce_all(x > 0.0), lambda: tf.unstack(x)[1] + 0.0, lambda: tf.constant(0.0), name="choose")
    tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v + chosen), [tf.constant(0), x], name="loop")
    definition = graph.as_graph_def()
    nodes = {n.name: n for n in definition.node}
    functions = {f.signature.name: f for f in definition.library.function}
    names = {nodes["choose/If"].attr[a].func.name for a in ("then_branch", "else_branch")}
    loop = next(n for n in definition.node if n.op == "While")
    names |= {loop.attr[a].func.name for a in ("cond", "body")}
    assert names == set(functions) and len(names) == 4
    body = functions[loop.attr["body"].func.name]
    types = [a.type for a in body.signature.input_arg]
    assert types == [a.type for a in body.signature.output_arg] == list(loop.attr["T"].list.type)
    then = functions[nodes["choose/If"].attr["then_branch"].func.name]
    assert {n.op for n in then.node_def} >= {"Unpack"} and "_Arg" not in {n.op for n in then.node_def}
    unpack = next(n.name for n in then.node_def if n.op == "Unpack")
    assert any(f"{unpack}:output:1" in n.input for n in then.node_def)
