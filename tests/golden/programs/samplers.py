"""Candidate samplers and the losses built on them."""

from tests.golden.registry import evaluate, golden, numbers

TRUE_CLASSES = [[1, 2], [7, 0], [3, 3]]


def draws(tf, make, runs=3):
    """Samples and expected counts of successive runs, unique and not."""
    out = {}
    for unique in (True, False):
        sampler = make(tf.constant(TRUE_CLASSES, tf.int64), unique)
        with tf.Session() as sess:
            for run in range(runs):
                for key, value in zip(("sampled", "true", "counts"), sess.run(list(sampler))):
                    out[f"unique{unique}_run{run}_{key}"] = value
    return out


@golden(1e-6)
def uniform_sampler(tf):
    return draws(tf, lambda true, unique: tf.nn.uniform_candidate_sampler(true, 2, 6, unique, 50, seed=11))


@golden(1e-6)
def log_uniform_sampler(tf):
    return draws(tf, lambda true, unique: tf.nn.log_uniform_candidate_sampler(true, 2, 6, unique, 50, seed=11))


@golden(1e-6)
def fixed_unigram_sampler(tf):
    unigrams = [1.0, 5.0, 2.0, 8.0, 1.0, 1.0, 3.0, 9.0, 4.0, 2.0]
    return draws(
        tf,
        lambda true, unique: tf.nn.fixed_unigram_candidate_sampler(
            true, 2, 5, unique, 10, distortion=0.75, unigrams=unigrams, seed=4
        ),
    )


@golden()
def accidental_hits(tf):
    sampled = tf.constant([3, 9, 1, 7, 0], tf.int64)
    indices, ids, weights = tf.nn.compute_accidental_hits(tf.constant(TRUE_CLASSES, tf.int64), sampled, 2)
    return dict(zip(["indices", "ids", "weights"], evaluate(tf, [indices, ids, weights])))


def sampled_loss(tf, function, **kwargs):
    """A sampled loss and its gradients, with fixed parameters and seeded samples."""
    weights, biases = tf.constant(numbers(20, 4)), tf.constant(numbers(20, step=0.3))
    inputs = tf.constant(numbers(3, 4, step=0.7))
    labels = tf.constant([[2], [17], [5]], tf.int64)
    sampled = tf.nn.log_uniform_candidate_sampler(labels, 1, 5, True, 20, seed=21)
    loss = function(
        weights=weights, biases=biases, labels=labels, inputs=inputs, num_sampled=5, num_classes=20,
        sampled_values=sampled, **kwargs
    )  # fmt: skip
    gradients = [tf.convert_to_tensor(g) for g in tf.gradients(loss, [weights, biases, inputs])]
    return dict(zip(["loss", "dweights", "dbiases", "dinputs"], evaluate(tf, [loss, *gradients])))


@golden(1e-5)
def nce_loss(tf):
    return sampled_loss(tf, tf.nn.nce_loss)


@golden(1e-5)
def nce_loss_without_hits(tf):
    return sampled_loss(tf, tf.nn.nce_loss, remove_accidental_hits=True)


@golden(1e-5)
def sampled_softmax_loss(tf):
    return sampled_loss(tf, tf.nn.sampled_softmax_loss)


@golden(1e-5)
def sampled_softmax_loss_with_hits(tf):
    return sampled_loss(tf, tf.nn.sampled_softmax_loss, remove_accidental_hits=False)


@golden(1e-5)
def partitioned_embeddings(tf):
    """Lookups in tables split over several variables."""
    parts = [tf.constant(numbers(3, 2)), tf.constant(numbers(2, 2, step=0.7)), tf.constant(numbers(2, 2, step=0.9))]
    ids = tf.constant([[0, 6], [3, 1]])
    out = {s: tf.nn.embedding_lookup(parts, ids, partition_strategy=s) for s in ("mod", "div")}
    out["max_norm"] = tf.nn.embedding_lookup(parts[0], [2, 0], max_norm=0.5)
    for i, g in enumerate(tf.gradients(out["div"], parts)):
        out[f"gradient{i}"] = tf.convert_to_tensor(g)
    return dict(zip(out, evaluate(tf, list(out.values()))))
