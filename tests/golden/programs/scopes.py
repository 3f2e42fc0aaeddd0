"""Random walks through name scopes, variable scopes and templates: every name and every refusal as TensorFlow's."""

import random

from tests.golden.registry import golden


class Walk:
    def __init__(self, tf, seed):
        self.tf = tf
        self.random = random.Random(seed)
        self.log = []
        self.scopes = []

    def note(self, *what):
        self.log.append(" ".join(str(w) for w in what))

    def zeros(self, shape, dtype=None, partition_info=None):
        return self.tf.zeros(shape, dtype)

    def block(self, depth):
        for _ in range(self.random.randint(1, 4)):
            steps = [self.variable] * 3 + [self.plain, self.constant, self.here]
            if depth < 5:
                steps += [self.name_scope, self.scope, self.scope, self.default_scope, self.template]
                steps += [self.known_scope] * (2 if self.scopes else 0)
            try:
                self.random.choice(steps)(self.random.choice("abcA"), depth)
            except (ValueError, TypeError) as e:
                # Up to where the two tell about source lines in their own ways.
                self.note(type(e).__name__, str(e).split("\n")[0].split(" Originally")[0])

    def variable(self, name, _):
        v = self.tf.get_variable(name, [2], initializer=self.zeros)
        self.note("get", v.name, v.initializer.name, v.value().name, v.initial_value.name)

    def plain(self, name, _):
        self.note("variable", self.tf.Variable(1.0, name=self.random.choice([name, None])).name)

    def constant(self, name, _):
        self.note("constant", self.tf.constant(1.0, name=name).name)

    def here(self, *_):
        scope = self.tf.get_variable_scope()
        if self.random.random() < 0.2:
            scope.reuse_variables()
        self.note("here", scope.name, scope.original_name_scope, bool(scope.reuse))

    def name_scope(self, name, depth):
        with self.tf.name_scope(self.random.choice([name, None, name + "/"])) as scope:
            self.note("name scope", scope)
            self.block(depth + 1)

    def enter(self, depth, *args, **kwargs):
        auxiliary = self.random.choice([True, True, False])
        with self.tf.variable_scope(*args, auxiliary_name_scope=auxiliary, **kwargs) as scope:
            self.note("scope", scope.name, scope.original_name_scope, bool(scope.reuse))
            self.scopes.append(scope)
            self.block(depth + 1)

    def scope(self, name, depth):
        self.enter(depth, name, reuse=self.random.choice([None, None, False, True, self.tf.AUTO_REUSE]))

    def default_scope(self, name, depth):
        self.enter(depth, None, default_name=name)

    def known_scope(self, _, depth):
        self.enter(depth, self.random.choice(self.scopes), reuse=self.random.choice([None, True]))

    def template(self, name, _):
        unique_name = self.random.choice([None, None, name + "u"])
        template = self.tf.make_template(
            name, self.in_template, create_scope_now_=self.random.random() < 0.5, unique_name_=unique_name
        )
        for _ in range(self.random.randint(1, 3)):
            template()
        self.note("template", template.variable_scope_name)

    def in_template(self):
        v = self.tf.get_variable("t", [1], initializer=self.zeros)
        self.note("in template", v.name, self.tf.constant(1.0).name)


@golden()
def random_scopes(tf):
    out = {}
    for seed in range(60):
        with tf.Graph().as_default():
            walk = Walk(tf, seed)
            walk.block(0)
            walk.note("all", *(v.name for v in tf.global_variables()))
            walk.note("of a", *(v.name for v in tf.trainable_variables(scope="a")))
        out[str(seed)] = walk.log
    return out
