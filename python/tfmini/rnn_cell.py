"""`tf.nn.rnn_cell`: recurrent cells, for use in loops of your own or with the functions of module rnn."""

from tfmini.rnn_cells.base import RNNCell
from tfmini.rnn_cells.basic import BasicRNNCell, GRUCell
from tfmini.rnn_cells.lstm import BasicLSTMCell, LSTMCell, LSTMStateTuple
from tfmini.rnn_cells.wrappers import DeviceWrapper, DropoutWrapper, MultiRNNCell, ResidualWrapper

__all__ = [
    "BasicLSTMCell",
    "BasicRNNCell",
    "DeviceWrapper",
    "DropoutWrapper",
    "GRUCell",
    "LSTMCell",
    "LSTMStateTuple",
    "MultiRNNCell",
    "RNNCell",
    "ResidualWrapper",
]
