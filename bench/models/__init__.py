"""Training steps of small models, for tfmini and TensorFlow in graphs.py and for PyTorch in eager.py."""
