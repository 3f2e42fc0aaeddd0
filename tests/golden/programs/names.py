"""Names: unique names, scopes, variables, optimizers, collections. Checkpoints and graph files hang on them."""

from tests.golden.registry import golden


@golden()
def unique_names(tf):
    a, b = tf.constant(1.0), tf.constant(2.0)
    made = [a, b, a + b, a + b, tf.add(a, b, name="sum"), tf.add(a, b, name="sum"), tf.add(a, b, name="sum_1")]
    made += [tf.add(a, b, name="Sum"), tf.identity(a, name="x"), tf.identity(a, name="x"), tf.identity(a, name="x_1")]
    made += [tf.identity(a, name="add"), tf.placeholder(tf.float32), tf.placeholder(tf.float32)]
    return {"names": [t.name for t in made]}


@golden()
def name_scopes(tf):
    names = []

    def note(name=None):
        names.append(tf.constant(0.0, name=name or "c").name)

    note()
    with tf.name_scope("a") as scope:
        names.append(scope)
        note()
        note()
        with tf.name_scope("b"):
            note()
        with tf.name_scope("b"):
            note()
    with tf.name_scope("a"):
        note()
    with tf.name_scope(scope):  # a name that ends in "/" is re-entered, not made unique
        note()
        with tf.name_scope("b"):
            note()
    with tf.name_scope("a/"):
        note("d")
    with tf.name_scope(None):
        note()
    with tf.name_scope("a"), tf.name_scope(None):
        note()
    with tf.name_scope("a/b/c"):
        note()
    with tf.name_scope(None, "default") as s:
        names.append(s)
        note()
    with tf.name_scope("given", "default") as s:
        names.append(s)
    graph = tf.get_default_graph()
    names += [graph.unique_name("fresh"), graph.unique_name("fresh"), graph.unique_name("c", mark_as_used=False)]
    return {"names": names}


PLACEHOLDERS = {"x": ("float32", [4, 4]), "i": ("int32", [4]), "p": ("bool", [4, 4])}
PLACEHOLDERS |= {"image": ("float32", [1, 4, 4, 4]), "kernel": ("float32", [1, 1, 4, 4])}

# Each expression's result, in a graph that holds only the placeholders.
ONE_NODE = """
x + 1.0 | x - 1.0 | x * 2.0 | x / 2.0 | x ** 2.0 | -x | abs(x) | x < 1.0 | x <= 1.0 | x > 1.0 | x >= 1.0 | x // 2.0
x % 2.0 | 1.0 - x | 2.0 * x | p & p | ~p | i // 2 | i / 2 | x[1] | x[1:]
tf.add(x, x) | tf.subtract(x, x) | tf.multiply(x, x) | tf.divide(x, x) | tf.maximum(x, x) | tf.minimum(x, x)
tf.square(x) | tf.sqrt(x) | tf.rsqrt(x) | tf.exp(x) | tf.log(x) | tf.tanh(x) | tf.sigmoid(x) | tf.sin(x) | tf.floor(x)
tf.round(x) | tf.sign(x) | tf.reciprocal(x) | tf.squared_difference(x, x) | tf.log1p(x) | tf.erf(x) | tf.pow(x, x)
tf.equal(x, x) | tf.not_equal(x, x) | tf.less(x, x) | tf.greater(x, x) | tf.logical_and(p, p) | tf.logical_not(p)
tf.matmul(x, x) | tf.reduce_sum(x) | tf.reduce_mean(x) | tf.reduce_max(x) | tf.reduce_min(x) | tf.reduce_prod(x)
tf.reduce_any(p) | tf.reduce_all(p) | tf.argmax(x, 0) | tf.argmin(x, 0) | tf.cumsum(x) | tf.reshape(x, [16])
tf.transpose(x) | tf.expand_dims(x, 0) | tf.squeeze(x) | tf.concat([x, x], 0) | tf.stack([x, x]) | tf.split(x, 2)[0]
tf.unstack(x)[0] | tf.tile(x, [2, 2]) | tf.pad(x, [[1, 1], [0, 0]]) | tf.slice(x, [0, 0], [1, 1]) | tf.gather(x, i)
tf.one_hot(i, 3) | tf.range(3) | tf.zeros([2]) | tf.ones([2]) | tf.fill([2], 1.0) | tf.zeros_like(x) | tf.ones_like(x)
tf.shape(x) | tf.size(x) | tf.rank(x) | tf.cast(x, tf.int32) | tf.where(p, x, x) | tf.where(p) | tf.identity(x)
tf.stop_gradient(x) | tf.to_float(i) | tf.reverse(x, [0]) | tf.add_n([x, x]) | tf.placeholder_with_default(1.0, [])
tf.nn.relu(x) | tf.nn.relu6(x) | tf.nn.elu(x) | tf.nn.softplus(x) | tf.nn.softsign(x) | tf.nn.softmax(x)
tf.nn.log_softmax(x) | tf.nn.sigmoid(x) | tf.nn.tanh(x) | tf.nn.bias_add(x, x[0]) | tf.nn.l2_loss(x)
tf.nn.conv2d(image, kernel, [1, 1, 1, 1], "SAME") | tf.nn.max_pool(image, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
tf.nn.avg_pool(image, [1, 2, 2, 1], [1, 2, 2, 1], "SAME") | tf.nn.top_k(x)[0] | tf.random_uniform([2])
tf.random_normal([2]) | tf.truncated_normal([2]) | tf.random_shuffle(x) | tf.gather_nd(x, [[0]])
tf.strided_slice(x, [0], [1]) | tf.constant(1) | tf.placeholder(tf.float32) | tf.no_op() | tf.group(x.op)
tf.clip_by_value(x, 0.0, 1.0) | tf.reduce_sum(x, name="total") | tf.matmul(x, x, name="product")
tf.matrix_diag(x) | tf.matrix_diag_part(x) | tf.matrix_set_diag(x, x[0]) | tf.eye(3) | tf.eye(2, 3)
tf.nn.softmax(x, 0) | tf.argsort(x, axis=0) | tf.unsorted_segment_mean(x, i, 4) | tf.nn.zero_fraction(x)
tf.nn.max_pool2d(image, 2, 2, "SAME") | tf.nn.avg_pool2d(image, 2, 2, "SAME")
"""

# Functions made of several nodes: only the scope they open is promised.
COMPOSITE = """
tf.reduce_logsumexp(x) | tf.nn.embedding_lookup(x, i) | tf.nn.dropout(x, keep_prob=0.5) | tf.nn.l2_normalize(x, 0)
tf.nn.moments(x, [0])[0]
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=i, logits=x) | tf.multinomial(x, 1) | tf.clip_by_norm(x, 1.0)
tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=x) | tf.global_norm([x]) | tf.norm(x)
tf.nn.separable_conv2d(image, tf.ones([1, 1, 4, 1]), kernel, [1, 1, 1, 1], "SAME")
tf.nn.batch_normalization(x, 0.0, 1.0, None, None, 1e-3) | tf.nn.log_poisson_loss(x, x) | tf.boolean_mask(x, p)
"""


def names_of(tf, expressions):
    names = []
    for expression in expressions.replace("\n", "|").split("|"):
        if not expression.strip():
            continue
        with tf.Graph().as_default():
            scope = {k: tf.placeholder(getattr(tf, d), s, name=k) for k, (d, s) in PLACEHOLDERS.items()}
            names.append(f"{expression.strip()}: {eval(expression.strip(), scope, {'tf': tf}).name}")
    return names


@golden()
def default_op_names(tf):
    """What a function calls its result when nobody names it."""
    return {"names": names_of(tf, ONE_NODE), "scopes": [n.rpartition("/")[0] or n for n in names_of(tf, COMPOSITE)]}


@golden()
def control_inputs(tf):
    """A node does not wait for what feeds it, nor for what one that feeds it waits for."""
    a, b = tf.constant(1.0, name="a"), tf.constant(2.0, name="b")
    with tf.control_dependencies([a, b]):
        made = [tf.identity(a), tf.negative(b)]
        made += [tf.add(made[0], b), tf.constant(3.0)]
        with tf.control_dependencies([made[1]]):
            made.append(tf.identity(made[0]))
    return {t.op.name: [op.name for op in t.op.control_inputs] for t in made}


@golden()
def variable_names(tf):
    names = [tf.Variable(1.0, name=name).name for name in (None, None, "w", "w")]
    with tf.name_scope("layer"):
        v = tf.Variable(1.0, name="w")
        names += [v.name, v.op.name, v.initializer.name, v.value().name, tf.Variable(0.0).name]
        names.append(tf.get_variable("got", []).name)  # name scopes do not touch get_variable
    names += [tf.Variable([1.0, 2.0], trainable=False, name="fixed").name]
    names.append(tf.global_variables_initializer().name)
    names.append(tf.variables_initializer([v], name="some").name)
    names.append(tf.assign(v, 2.0).name)
    names.append(v.assign_add(2.0).name)
    return {
        "names": names,
        "all": [v.name for v in tf.global_variables()],
        "trainable": [v.name for v in tf.trainable_variables()],
    }


@golden()
def variable_scopes(tf):
    names = []
    one = tf.ones_initializer()

    def note(name="v"):
        v = tf.get_variable(name, [2], initializer=one)
        names.extend([v.name, (v + 1.0).name])

    with tf.variable_scope("s") as scope:
        note()
        names += [scope.name, scope.original_name_scope]
        with tf.variable_scope("inner"):
            note()
    with tf.variable_scope("s", reuse=True):
        note()
        with tf.variable_scope("inner"):
            note()
    with tf.variable_scope(scope, reuse=True):
        note()
    with tf.variable_scope(scope):
        names.append(tf.get_variable_scope().name)
        tf.get_variable_scope().reuse_variables()
        note()
    for _ in range(2):
        with tf.variable_scope(None, default_name="block"):
            note()
    with tf.variable_scope("t", reuse=tf.AUTO_REUSE):
        note()
        note()
    with tf.variable_scope("s", reuse=True), tf.name_scope("n"):
        note()
    with tf.name_scope("outer"), tf.variable_scope("u"):
        note()
        names.append(tf.Variable(1.0, name="plain").name)
    with tf.variable_scope("auxiliary_name_scope", auxiliary_name_scope=False):
        note()
    names.append(tf.get_variable_scope().name)
    return {"names": names, "all": [v.name for v in tf.global_variables()]}


@golden()
def variable_scope_errors(tf):
    """Which misuse raises what."""
    kinds = []

    def attempt(fn):
        try:
            fn()
            kinds.append("fine")
        except Exception as e:
            kinds.append(type(e).__name__)

    def reuse(name, *args, **kwargs):
        with tf.variable_scope("", reuse=True):
            tf.get_variable(name, *args, **kwargs)

    tf.get_variable("v", [2])
    attempt(lambda: tf.get_variable("v", [2]))
    attempt(lambda: reuse("missing", [2]))
    attempt(lambda: reuse("v", [3]))
    attempt(lambda: reuse("v", [2], dtype=tf.int32))
    attempt(lambda: tf.get_variable("shapeless"))
    attempt(lambda: tf.variable_scope(None).__enter__())
    attempt(lambda: tf.get_variable("w", [2], initializer=tf.constant([1.0, 2.0])))
    attempt(lambda: tf.get_variable("u", initializer=tf.constant([1.0, 2.0])))
    attempt(lambda: reuse("u"))
    return {"kinds": kinds}


@golden()
def optimizer_names(tf):
    """Slots, accumulators, train ops, global step: what checkpoints of training runs contain."""
    out = {}
    train = tf.train
    makers = {
        "sgd": lambda: train.GradientDescentOptimizer(0.1),
        "momentum": lambda: train.MomentumOptimizer(0.1, 0.9),
        "adagrad": lambda: train.AdagradOptimizer(0.1),
        "rmsprop": lambda: train.RMSPropOptimizer(0.1),
        "rmsprop_centered": lambda: train.RMSPropOptimizer(0.1, centered=True),
        "adam": lambda: train.AdamOptimizer(),
    }
    for key, make in makers.items():
        with tf.Graph().as_default():
            with tf.variable_scope("net"):
                w = tf.get_variable("w", [2], initializer=tf.ones_initializer())
                b = tf.Variable(0.0, name="b")
            step = train.get_or_create_global_step()
            loss = tf.reduce_sum(tf.square(w * b))
            optimizer = make()
            ops = [optimizer.minimize(loss), make().minimize(loss, global_step=step, name="named")]
            out[key + "_ops"] = [op.name for op in ops]
            out[key + "_variables"] = [v.name for v in tf.global_variables()]
            out[key + "_slot_names"] = [str(s) for s in optimizer.get_slot_names()]
    return out


@golden()
def collections(tf):
    tf.get_variable("a", [1])
    tf.get_variable("b", [1], trainable=False, regularizer=lambda v: tf.reduce_sum(v, name="penalty"))
    tf.Variable(1.0, name="c", collections=[tf.GraphKeys.LOCAL_VARIABLES])
    tf.add_to_collection("mine", 1)
    tf.add_to_collection("mine", 2)
    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, tf.no_op(name="update"))
    graph = tf.get_default_graph()
    return {
        "keys": sorted(str(k) for k in graph.get_all_collection_keys()),
        "global": [v.name for v in tf.global_variables()],
        "local": [v.name for v in tf.local_variables()],
        "mine": tf.get_collection("mine"),
        "absent": tf.get_collection("absent") + [0],
        "regularization": [t.name for t in tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)],
        "scoped": [v.name for v in tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope="a")],
    }


@golden()
def graph_of_the_slides(tf):
    """Nodes, ops and inputs of the slides' forward network, as a GraphDef would list them."""
    x = tf.placeholder("float", [1, 3], name="x")
    w = tf.Variable(tf.random_normal([3, 3]), name="w")
    b = tf.Variable(tf.zeros([1, 3]), name="b")
    relu_out = tf.nn.relu(tf.matmul(x, w) + b)
    tf.nn.softmax(relu_out)
    ops = tf.get_default_graph().get_operations()
    return {"nodes": [f"{op.name} = {op.type}({', '.join(t.name for t in op.inputs)})" for op in ops]}


@golden()
def devices_and_scopes(tf):
    seen = []
    with tf.device("/cpu:0"):
        seen.append(tf.constant(0).device)
        with tf.device("/gpu:1"):
            seen.append(tf.constant(0).device)
        with tf.device(None):
            seen.append(tf.constant(0).device)
        with tf.device("/job:worker"):
            seen.append(tf.constant(0).device)
    with tf.device(lambda op: "/device:GPU:0" if op.type == "Const" else ""):
        seen += [tf.constant(0).device, tf.placeholder(tf.float32).device]
    with tf.device("/device:CPU:0"):
        seen.append(tf.constant(0).device)
    return {"devices": seen}
