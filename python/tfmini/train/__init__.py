"""``tf.train``: optimizers, checkpoints, summaries' writer, coordination."""

from tfmini.event_file import summary_iterator
from tfmini.io import write_graph
from tfmini.summary import FileWriter as SummaryWriter
from tfmini.train.adadelta import AdadeltaOptimizer
from tfmini.train.adagrad import AdagradOptimizer
from tfmini.train.adagrad_da import AdagradDAOptimizer
from tfmini.train.adam import AdamOptimizer
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
from tfmini.train.ftrl import FtrlOptimizer
from tfmini.train.gradient_descent import GradientDescentOptimizer
from tfmini.train.learning_rate_decay import (
    cosine_decay,
    cosine_decay_restarts,
    exponential_decay,
    inverse_time_decay,
    linear_cosine_decay,
    natural_exp_decay,
    noisy_linear_cosine_decay,
    piecewise_constant,
    piecewise_constant_decay,
    polynomial_decay,
)
from tfmini.train.momentum import MomentumOptimizer
from tfmini.train.moving_averages import ExponentialMovingAverage
from tfmini.train.optimizer import Optimizer
from tfmini.train.proximal import ProximalAdagradOptimizer, ProximalGradientDescentOptimizer
from tfmini.train.queue_runner import add_queue_runner, start_queue_runners
from tfmini.train.rmsprop import RMSPropOptimizer
from tfmini.train.saver import Saver
from tfmini.train.training_util import (
    assert_global_step,
    create_global_step,
    get_global_step,
    get_or_create_global_step,
    global_step,
)
