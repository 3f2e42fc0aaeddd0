"""The file "checkpoint": TensorFlow's text format, relative paths, damage."""

import pytest

import tfmini as tf
from tfmini.train.checkpoint_management import CheckpointState

AWKWARD = 'tab\t "quoted" \\ ünï\n'


def test_text_format():
    state = CheckpointState("m-2", ["m-1", "m-2"], [1.5, 2.25], 0.5)
    text = str(state)
    assert text == (
        'model_checkpoint_path: "m-2"\nall_model_checkpoint_paths: "m-1"\nall_model_checkpoint_paths: "m-2"\n'
        "all_model_checkpoint_timestamps: 1.5\nall_model_checkpoint_timestamps: 2.25\nlast_preserved_timestamp: 0.5\n"
    )
    assert str(CheckpointState.parse(text)) == text
    assert CheckpointState.parse(str(CheckpointState(AWKWARD))).model_checkpoint_path == AWKWARD


def test_variants_of_the_format_parse():
    text = (
        "model_checkpoint_path:'a' 'b'"
        if False
        else "model_checkpoint_path : 'a'; all_model_checkpoint_paths:\"b\\303\\274\""
    )
    state = CheckpointState.parse(text)
    assert state.model_checkpoint_path == "a" and state.all_model_checkpoint_paths == ["bü"]


@pytest.mark.parametrize("text", ["x", "model_checkpoint_path: 3", 'nonsense: "x"', 'model_checkpoint_path: "x'])
def test_unreadable(tmp_path, text):
    with pytest.raises(ValueError):
        CheckpointState.parse(text)
    (tmp_path / "checkpoint").write_text(text)
    assert tf.train.get_checkpoint_state(tmp_path) is None and tf.train.latest_checkpoint(tmp_path) is None


def test_absent_and_empty(tmp_path):
    assert tf.train.get_checkpoint_state(tmp_path) is None and tf.train.latest_checkpoint(tmp_path) is None
    (tmp_path / "checkpoint").write_text("")
    with pytest.raises(ValueError, match="Invalid checkpoint state"):
        tf.train.get_checkpoint_state(tmp_path)
    tf.train.update_checkpoint_state(str(tmp_path), "gone")
    assert tf.train.latest_checkpoint(tmp_path) is None  # the file it names does not exist


def test_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    tf.train.update_checkpoint_state("d", "d/b", ["d/a", "d/b"])
    assert (tmp_path / "d/checkpoint").read_text().splitlines()[0] == 'model_checkpoint_path: "b"'
    state = tf.train.get_checkpoint_state("d")
    assert state.model_checkpoint_path == "d/b" and state.all_model_checkpoint_paths == ["d/a", "d/b"]
    tf.train.update_checkpoint_state(str(tmp_path / "d"), "b", ["a"], latest_filename="other")
    assert (tmp_path / "d/other").read_text().count("all_model") == 2
    with pytest.raises(RuntimeError, match="conflicts with path used for checkpoint state"):
        tf.train.update_checkpoint_state(str(tmp_path), str(tmp_path / "checkpoint"))
    with pytest.raises(ValueError, match="must match checkpoint paths"):
        tf.train.update_checkpoint_state("d", "b", ["b"], all_model_checkpoint_timestamps=[1.0, 2.0])
