"""The recurrent cells; programs see them as `tf.nn.rnn_cell` (module rnn_cell)."""
