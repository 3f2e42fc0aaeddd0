"""``tf.train``: optimizers, checkpoints, summaries' writer, coordination."""

from tfmini.train.checkpoint import CheckpointReader, NewCheckpointReader
from tfmini.train.checkpoint_management import (
    checkpoint_exists,
    generate_checkpoint_state_proto,
    get_checkpoint_mtimes,
    get_checkpoint_state,
    latest_checkpoint,
    remove_checkpoint,
    update_checkpoint_state,
)
from tfmini.train.checkpoint_utils import list_variables, load_checkpoint, load_variable
from tfmini.train.coordinator import Coordinator, LooperThread
from tfmini.train.saver import Saver
