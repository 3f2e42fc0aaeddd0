"""`tf.contrib`: what TensorFlow 1 kept there and tfmini has."""

from tfmini.contrib import rnn

__all__ = ["rnn"]
