"""``tf.layers``: layers with their variables, as functions and as classes."""

from tfmini.layers.base import InputSpec, Layer
from tfmini.layers.convolutional import (
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    SeparableConv2D,
    conv1d,
    conv2d,
    conv2d_transpose,
    separable_conv2d,
)
from tfmini.layers.core import Dense, Dropout, Flatten, dense, dropout, flatten, fully_connected
from tfmini.layers.normalization import BatchNormalization, batch_norm, batch_normalization
from tfmini.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    MaxPooling1D,
    MaxPooling2D,
    average_pooling1d,
    average_pooling2d,
    max_pooling1d,
    max_pooling2d,
)
