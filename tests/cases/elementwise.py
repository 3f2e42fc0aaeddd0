"""Arithmetic of one and two tensors. Sizes cover vector tails; values avoid each function's kinks and poles, which
SPECIAL covers with literal values."""

import math

import numpy as np

import tfmini as tf
from tests.cases.table import ALL_FLOATS, FLOATS, NUMBERS, Bad, Case, distinct, ints, positive, rand
from tfmini import raw

TAIL = (3, 11)  # 33 elements: two vectors of 16 and one more
NAN, INF = math.nan, math.inf
vector = np.vectorize

# name of the function, op type, inputs, reference, keywords


@np.vectorize
def _zeta(s, q):
    """2000 terms and the first three of Euler and Maclaurin's remainder."""
    n = q + 2000
    return sum((q + k) ** -s for k in range(2000)) + n ** (1 - s) / (s - 1) + n**-s / 2 + s * n ** (-s - 1) / 12


_digamma = vector(lambda x: (math.lgamma(x + 1e-5) - math.lgamma(x - 1e-5)) / 2e-5)

UNARY = [
    ("abs", "Abs", distinct(*TAIL), np.abs, {}),
    ("acos", "Acos", rand(*TAIL, low=-0.95, high=0.95), np.arccos, {}),
    ("acosh", "Acosh", rand(*TAIL, low=1.1, high=9), np.arccosh, {}),
    ("asin", "Asin", rand(*TAIL, low=-0.95, high=0.95), np.arcsin, {}),
    ("asinh", "Asinh", rand(*TAIL, low=-9, high=9), np.arcsinh, {}),
    ("atan", "Atan", rand(*TAIL, low=-9, high=9), np.arctan, {}),
    ("atanh", "Atanh", rand(*TAIL, low=-0.9, high=0.9), np.arctanh, {}),
    ("cos", "Cos", rand(*TAIL, low=-30, high=30), np.cos, {}),
    ("cosh", "Cosh", rand(*TAIL), np.cosh, {}),
    ("digamma", "Digamma", positive(*TAIL), _digamma, {"tol": {"float64": 1e-8}, "second": False}),
    ("erf", "Erf", rand(*TAIL, low=-3), vector(math.erf), {}),
    ("erfc", "Erfc", rand(*TAIL, low=-3, high=3), vector(math.erfc), {}),
    ("exp", "Exp", rand(*TAIL), np.exp, {}),
    ("expm1", "Expm1", rand(*TAIL), np.expm1, {}),
    ("inv", "Inv", positive(*TAIL), lambda x: 1 / x, {}),
    ("lgamma", "Lgamma", positive(*TAIL), vector(math.lgamma), {}),
    ("log", "Log", positive(*TAIL), np.log, {}),
    ("log1p", "Log1p", positive(*TAIL), np.log1p, {}),
    ("negative", "Neg", rand(*TAIL), np.negative, {}),
    ("reciprocal", "Reciprocal", positive(*TAIL), lambda x: 1 / x, {}),
    ("rsqrt", "Rsqrt", positive(*TAIL), lambda x: 1 / np.sqrt(x), {}),
    ("sigmoid", "Sigmoid", rand(*TAIL, low=-9, high=9), lambda x: 1 / (1 + np.exp(-x)), {}),
    ("sin", "Sin", rand(*TAIL, low=-30, high=30), np.sin, {}),
    ("sinh", "Sinh", rand(*TAIL), np.sinh, {}),
    ("sqrt", "Sqrt", positive(*TAIL), np.sqrt, {}),
    ("square", "Square", rand(*TAIL), np.square, {}),
    ("tan", "Tan", rand(*TAIL, low=-1.4, high=1.4), np.tan, {}),
    ("tanh", "Tanh", rand(*TAIL), np.tanh, {}),
    ("log_sigmoid", "Softplus", rand(*TAIL, low=-9, high=9), lambda x: -np.log1p(np.exp(-x)), {}),
]  # fmt: skip

# The *Grad op behind each derivative, covered by that row's gradient tests.
GRAD_OPS = {"inv": "InvGrad", "reciprocal": "ReciprocalGrad", "rsqrt": "RsqrtGrad", "sigmoid": "SigmoidGrad",
            "sqrt": "SqrtGrad", "tanh": "TanhGrad"}  # fmt: skip

CASES = [
    Case(name, getattr(tf, name), [x], ref, dtypes=ALL_FLOATS, ops=(op, *[g for n, g in GRAD_OPS.items() if n == name]),
         **{"second": True, **keywords})
    for name, op, x, ref, keywords in UNARY
]  # fmt: skip


def _step(name, op, x, ref):
    """Functions that are constant between their steps."""
    return Case(name, getattr(tf, name), [x], ref, dtypes=FLOATS, ops=(op,), grad=False)


CASES += [
    _step("ceil", "Ceil", rand(*TAIL), np.ceil),
    _step("floor", "Floor", rand(*TAIL), np.floor),
    _step("rint", "Rint", np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4, 2.6, 1e9, -1e17]), np.rint),
    _step("round", "Round", np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4, 2.6, 1e9, -1e17]), np.rint),
    _step("sign", "Sign", np.array([-2.0, -0.0, 0.0, 3.0, INF, -INF]), np.sign),
    _step("is_nan", "IsNan", np.array([NAN, INF, -INF, 0.0, 1.0] * 7), np.isnan),
    _step("is_inf", "IsInf", np.array([NAN, INF, -INF, 0.0, 1.0] * 7), np.isinf),
    _step("is_finite", "IsFinite", np.array([NAN, INF, -INF, 0.0, 1.0] * 7), np.isfinite),
    Case("neg_int", tf.negative, [ints(37, low=-9)], np.negative, dtypes=()),
    Case("abs_int8", tf.abs, [ints(70, low=-120, high=120, dtype="int8")], np.abs, dtypes=()),
    Case("sign_int64", tf.sign, [ints(19, low=-3, high=3, dtype="int64")], np.sign, dtypes=()),
    Case("square_uint8", tf.square, [ints(70, dtype="uint8")], np.square, dtypes=()),
    Case("round_int", tf.round, [ints(5)], lambda x: x, dtypes=()),
    Case("invert", tf.bitwise.invert, [ints(37, dtype="uint16")], np.invert, dtypes=(), ops=("Invert",)),
]


def _pair(name, op, x, y, ref, **keywords):
    fn = keywords.pop("fn", None) or getattr(tf, name, None) or getattr(tf.math, name)
    return Case(name, fn, [x, y], ref, ops=(op,), **{"second": True, "dtypes": ALL_FLOATS, **keywords})


apart = distinct(*TAIL), distinct(*TAIL) + 0.02
CASES += [
    _pair("add", "Add", rand(*TAIL), rand(*TAIL), np.add),
    _pair("add_v2", "AddV2", rand(*TAIL), rand(*TAIL), np.add, fn=raw.AddV2),
    _pair("subtract", "Sub", rand(*TAIL), rand(*TAIL), np.subtract),
    _pair("multiply", "Mul", rand(*TAIL), rand(*TAIL), np.multiply),
    _pair("div", "RealDiv", rand(*TAIL), positive(*TAIL), np.divide),
    _pair("raw_div", "Div", rand(*TAIL), positive(*TAIL), np.divide, fn=raw.Div),
    _pair("div_no_nan", "DivNoNan", rand(*TAIL), positive(*TAIL), np.divide),
    _pair("multiply_no_nan", "MulNoNan", rand(*TAIL), positive(*TAIL), np.multiply),
    _pair("pow", "Pow", positive(*TAIL), rand(*TAIL), np.power),
    _pair("maximum", "Maximum", *apart, np.maximum),
    _pair("minimum", "Minimum", *apart, np.minimum),
    _pair("squared_difference", "SquaredDifference", rand(*TAIL), rand(*TAIL), lambda x, y: (x - y) ** 2),
    _pair("atan2", "Atan2", distinct(*TAIL), distinct(*TAIL), np.arctan2),
    _pair("xdivy", "Xdivy", rand(*TAIL), positive(*TAIL), np.divide),
    _pair("xlogy", "Xlogy", rand(*TAIL), positive(*TAIL), lambda x, y: x * np.log(y)),
    _pair("floordiv", "FloorDiv", rand(*TAIL), positive(*TAIL), lambda x, y: np.floor(x / y), grad=False,
          dtypes=FLOATS),
    _pair("mod", "FloorMod", rand(*TAIL), rand(*TAIL), np.mod, dtypes=FLOATS, second=False),
    _pair("truncatemod", "TruncateMod", rand(*TAIL), rand(*TAIL), np.fmod, dtypes=FLOATS, second=False),
    _pair("raw_mod", "Mod", rand(*TAIL), rand(*TAIL), np.fmod, fn=raw.Mod, dtypes=FLOATS, second=False),
    _pair("truncatediv", "TruncateDiv", rand(9), positive(9), lambda x, y: np.trunc(x / y), grad=False, dtypes=FLOATS),
    _pair("zeta", "Zeta", rand(7, low=2, high=6), positive(7), _zeta, grad=(1,), second=False, tol={"float64": 1e-10},
          dtypes=FLOATS),
    _pair("polygamma", "Polygamma", np.array([1.0, 2, 3, 1, 2]), positive(5) + 0.5,
          vector(lambda n, x: (-1) ** (n + 1) * math.factorial(int(n)) * float(_zeta(n + 1, x))),
          grad=(1,), second=False, tol={"float64": 1e-10}, dtypes=FLOATS),
]  # fmt: skip

# Every way of broadcasting, short and long runs.
BROADCASTS = [
    ((), (5,)), ((5,), ()), ((1,), (4, 3)), ((4, 3), (3,)), ((4, 1), (4, 300)), ((2, 300), (300,)), ((7, 1), (1, 5)),
    ((2, 3, 1, 5), (3, 4, 1)), ((3, 1, 5), (1, 4, 1)), ((0, 3), (3,)), ((2, 1), (2, 0)), ((1, 1), (1, 1)),
        ((6, 1, 200), (6, 5, 200)),
    ((40, 1, 3), (40, 50, 3)), ((1, 1, 2500), (2, 1, 1)),
    *[((801, 1), (801, width)) for width in (2, 3, 4, 5, 8, 9, 31, 33)],
]  # fmt: skip
CASES += [
    Case(f"broadcast_{'x'.join(map(str, a))}_{'x'.join(map(str, b))}", lambda x, y: tf.subtract(x, y) * x,
         [rand(*a), rand(*b)], lambda x, y: (x - y) * x, dtypes=("float32", "float64", "float16"))
    for a, b in BROADCASTS
]  # fmt: skip


def _integers(name, fn, ref, dtype="int32", low=-20, high=20, **keywords):
    y = ints(35, low=1, high=7, dtype=dtype) * (np.where(ints(35, high=2) == 1, -1, 1) if low < 0 else 1)
    return Case(
        f"{name}_{dtype}", fn, [ints(35, low=low, high=high, dtype=dtype), y.astype(dtype)], ref, dtypes=(), **keywords
    )


CASES += [
    _integers("floordiv", tf.floordiv, np.floor_divide),
    _integers("div", tf.div, np.floor_divide, "int64"),
    _integers("raw_div", raw.Div, lambda x, y: np.trunc(x / y).astype("int32")),
    _integers("mod", tf.mod, np.mod, "int16"),
    _integers("truncatemod", tf.truncatemod, np.fmod, "int32"),
    _integers("truncatediv", tf.truncatediv, lambda x, y: np.trunc(x / y).astype("int32")),
    _integers("floordiv", tf.floordiv, np.floor_divide, "uint8", low=0),
    _integers("add", tf.add, np.add, "uint16", low=0),
    _integers("multiply", tf.multiply, np.multiply, "int8", low=-9, high=9),
    _integers("maximum", tf.maximum, np.maximum, "int64"),
    _integers("truediv", tf.truediv, np.true_divide),
    Case("truediv_int16", tf.truediv, [ints(9, dtype="int16"), ints(9, low=1, dtype="int16")],
         lambda x, y: np.float32(x / y), dtypes=(), tol=1e-6),
    Case("pow_int", tf.pow, [ints(9, low=-4, high=4), ints(9, high=5)], np.power, dtypes=()),
    Case("bitwise_and", tf.bitwise.bitwise_and, [ints(33), ints(33)], np.bitwise_and, dtypes=(), ops=("BitwiseAnd",)),
    Case("bitwise_or", tf.bitwise.bitwise_or, [ints(33), ints(33)], np.bitwise_or, dtypes=(), ops=("BitwiseOr",)),
    Case("bitwise_xor", tf.bitwise.bitwise_xor, [ints(33), ints(33)], np.bitwise_xor, dtypes=(), ops=("BitwiseXor",)),
    Case("left_shift", tf.bitwise.left_shift, [ints(33), ints(33)], np.left_shift, dtypes=(), ops=("LeftShift",)),
    Case("right_shift", tf.bitwise.right_shift, [ints(33, low=-99, high=99), ints(33)], np.right_shift, dtypes=(),
         ops=("RightShift",)),
    Case("lowest_int_by_minus_one", tf.floordiv, [np.int32([-(2**31), 7]), np.int32([-1, -1])],
         lambda x, y: np.int32([-(2**31), -7]), dtypes=()),
    Case("shift_past_width", tf.bitwise.right_shift, [np.int8([-64, 64]), np.int8([100, 100])],
         lambda x, y: np.int8([-1, 0]), dtypes=()),
    Case("string_add", tf.add, [np.array([b"a", b"b"], object), np.array(b"c", object)],
         lambda x, y: np.array([b"ac", b"bc"], object), dtypes=()),
    Case("scalar_mul", lambda x: tf.scalar_mul(2.5, x), [rand(7)], lambda x: 2.5 * x, dtypes=NUMBERS[:4]),
    Case("polyval", lambda x: tf.polyval([2.0, 0.0, -1.0], x), [rand(7)], lambda x: 2 * x * x - 1),
    Case("reciprocal_no_nan", tf.math.reciprocal_no_nan, [np.array([2.0, 0, -4])], lambda x: np.array([0.5, 0, -0.25]),
         grad=False),
]  # fmt: skip


def _special(name, fn, inputs, want):
    """Literal values from TensorFlow 2.21."""
    arrays = [np.array(x, np.float64) for x in inputs]
    return Case(f"special_{name}", fn, arrays, lambda *_: np.array(want, np.float64), grad=False)


A = [NAN, 1, NAN, INF, -INF, 7, -7, 7, -7, 0, 0, INF, 5, -5, 5.5, -5.5]
B = [1, NAN, NAN, INF, INF, 3, 3, -3, -3, 0, NAN, 0, INF, INF, 0, 0]
CASES += [
    _special("maximum", tf.maximum, [A, B], [NAN, NAN, NAN, INF, INF, 7, 3, 7, -3, 0, NAN, INF, INF, INF, 5.5, 0]),
    _special("minimum", tf.minimum, [A, B], [NAN, NAN, NAN, INF, -INF, 3, -7, -3, -7, 0, NAN, 0, 5, -5, 0, -5.5]),
    _special("floordiv", tf.floordiv, [A, B],
             [NAN, NAN, NAN, NAN, NAN, 2, -3, -3, 2, NAN, NAN, INF, 0, -0.0, INF, -INF]),
    _special("mod", tf.mod, [A, B], [NAN, NAN, NAN, NAN, NAN, 1, 2, -2, -1, NAN, NAN, NAN, 5, INF, NAN, NAN]),
    _special("div_no_nan", tf.div_no_nan, [A, B],
             [NAN, NAN, NAN, NAN, NAN, 7 / 3, -7 / 3, -7 / 3, 7 / 3, 0, NAN, 0, 0, -0.0, 0, 0]),
    _special("multiply_no_nan", tf.math.multiply_no_nan, [A, B],
             [NAN, NAN, NAN, INF, -INF, 21, -21, -21, 21, 0, NAN, 0, INF, -INF, 0, 0]),
    _special("xdivy", tf.math.xdivy, [A, B],
             [NAN, NAN, NAN, NAN, NAN, 7 / 3, -7 / 3, -7 / 3, 7 / 3, 0, 0, INF, 0, -0.0, INF, -INF]),
    _special("xlogy", tf.math.xlogy, [A, B],
             [NAN, NAN, NAN, INF, -INF, 7 * math.log(3), -7 * math.log(3), NAN, NAN, 0, 0, -INF, INF, -INF, -INF, INF]),
    _special("pow", tf.pow, [A, B], [NAN, 1, NAN, INF, INF, 343, -343, 7.0**-3, -(7.0**-3), 1, NAN, 1, INF, INF, 1, 1]),
    _special("pow_one", tf.pow, [[1, NAN, -1, -8, 0, 0], [NAN, 0, INF, 1 / 3, -1, -2]], [1, 1, 1, NAN, INF, INF]),
    _special("log", tf.log, [[NAN, INF, -INF, 0, -0.0, 1, -1]], [NAN, INF, NAN, -INF, -INF, 0, NAN]),
    _special("log1p", tf.log1p, [[NAN, INF, -INF, 0, -1, -2]], [NAN, INF, NAN, 0, -INF, NAN]),
    _special("exp", tf.exp, [[NAN, INF, -INF, 0, 1000, -1000]], [NAN, INF, 0, 1, INF, 0]),
    _special("tanh", tf.tanh, [[NAN, INF, -INF, 0, 50, -50]], [NAN, 1, -1, 0, 1, -1]),
    _special("sigmoid", tf.sigmoid, [[NAN, INF, -INF, 0, 1000, -1000]], [NAN, 1, 0, 0.5, 1, 0]),
    _special("erf", tf.erf, [[NAN, INF, -INF, 0, 9]], [NAN, 1, -1, 0, 1]),
    _special("erfc", tf.erfc, [[NAN, INF, -INF, 0, 30]], [NAN, 0, 2, 1, 0]),
    Case("special_sin", tf.sin, [np.array([0, 1e10, -3e38])], np.sin, grad=False),
    Case("special_tan", tf.tan, [np.array([0, 1e10, -3e38])], np.tan, grad=False),
    _special("cos", tf.cos, [[NAN, INF, -INF, 0]], [NAN, NAN, NAN, 1]),
    _special("sqrt", tf.sqrt, [[NAN, INF, -1, 0]], [NAN, INF, NAN, 0]),
    _special("rsqrt", tf.rsqrt, [[NAN, INF, -1, 0, -0.0]], [NAN, 0, NAN, INF, -INF]),
    _special("sign", tf.sign, [[NAN, INF, -INF, -0.0]], [NAN, 1, -1, 0]),
    _special("atanh", tf.atanh, [[NAN, 1, -1, 2, 0]], [NAN, INF, -INF, NAN, 0]),
    _special("acosh", tf.acosh, [[NAN, 1, 0.5, INF]], [NAN, 0, NAN, INF]),
    _special("atan2", tf.atan2, [[0, 0, INF, -INF, NAN], [0, -1, INF, INF, 1]],
             [0, math.pi, math.pi / 4, -math.pi / 4, NAN]),
    _special("digamma", tf.digamma, [[NAN, INF, -INF, 0, -1, -1.5]], [NAN, INF, NAN, NAN, NAN, 0.7031566406452432]),
    _special("lgamma", tf.lgamma, [[NAN, INF, -INF, 0, -1, 1]], [NAN, INF, INF, INF, INF, 0]),
]  # fmt: skip


def _run(build):
    def fn():
        with tf.Session() as sess:
            sess.run(build())

    return fn


ZEROS = [tf.div, tf.floordiv, tf.mod, raw.Div, tf.truncatediv, tf.truncatemod]
BAD = [
    Bad(f"{f.__name__}_{i}_by_zero", _run(lambda f=f: f(tf.placeholder_with_default([1, 2], [2]), [1, 0])),
        tf.errors.InvalidArgumentError, "division by zero")
    for i, f in enumerate(ZEROS)
] + [
    Bad("negative_power", _run(lambda: tf.pow(tf.placeholder_with_default([2], [1]), [-1])),
        tf.errors.InvalidArgumentError, "negative integer powers"),
    Bad("shapes", lambda: tf.add(tf.zeros([2, 3]), tf.zeros([4])), ValueError, r"\[2,3\].*\[4\]"),
    Bad("shapes_at_run",
        _run(lambda: tf.add(tf.placeholder_with_default(np.zeros(3, "f"), [None]),
                            tf.placeholder_with_default(np.zeros(4, "f"), [None]))),
        tf.errors.InvalidArgumentError, r"\[3\].*\[4\]"),
    Bad("dtypes", lambda: tf.add(tf.zeros([2]), tf.zeros([2], tf.int32)), TypeError, "float32.*int32|int32.*float32"),
    Bad("truediv_dtypes", lambda: tf.truediv(tf.zeros([2]), tf.zeros([2], tf.int32)), TypeError, "same dtype"),
    Bad("operator_dtype", lambda: tf.zeros([2], tf.int32) + 1.5, TypeError, "int32"),
    Bad("sqrt_int", lambda: tf.sqrt(tf.zeros([2], tf.int32)), TypeError, "int32"),
    Bad("scalar_mul_of_vector", lambda: tf.scalar_mul([1.0, 2.0], tf.zeros([2])), ValueError, "Only scalar"),
    Bad("bool_truediv", lambda: tf.truediv(tf.constant([True]), tf.constant([True])), TypeError, "bool"),
]  # fmt: skip
