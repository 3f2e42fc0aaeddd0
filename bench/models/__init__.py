"""Models, a file each: the same network as a graph and in PyTorch, started from the same parameters."""

FAMILIES = ("mlp", "convnet", "lstm", "transformer", "word2vec", "dqn", "resnet50", "inception_v3")
