"""One or more working calls of every op, harvested from the rows of tests/cases: where wrong inputs start from."""

import dataclasses
import functools
import importlib
import pathlib
from typing import Any

import numpy as np

import tfmini as tf
from tfmini import _core

CASES = pathlib.Path(__file__).parent.parent / "cases"
PER_OP = 3  # samples of different attributes or ranks are worth more than many alike

# They own graphs, call Python, touch files, or are made by the runtime alone.
LEFT_OUT = {"If", "While", "PyFunc", "PyFuncStateless", "SaveV2", "RestoreV2", "_Arg", "_FusedElementwise"}

VARIABLE, ROWS = (4, 3), (2, 3)


@dataclasses.dataclass(frozen=True)
class Sample:
    op: str
    inputs: tuple[Any, ...]  # an array per input, or a list of arrays where the op takes a list
    attrs: dict[str, Any]


def _graph_of(case):
    """The case's graph with its gradient, and what to feed."""
    graph = tf.Graph()
    with graph.as_default():
        feeds = {}
        for a in map(np.asarray, case.inputs):
            a = a.astype(np.float32) if a.dtype == np.float64 else a
            feeds[tf.placeholder(tf.as_dtype(a.dtype), a.shape)] = a
        outputs = case.fn(*feeds)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        floats = [t for t in outputs if isinstance(t, tf.Tensor) and t.dtype.is_floating]
        if case.grad and floats:
            tf.gradients(floats, [x for x in feeds if x.dtype.is_floating])
    return graph, feeds


def _grouped(info, op, values):
    """Flat input values by argument of the op."""
    groups, at = [], 0
    attrs = op.graph._core.attrs(op._id)
    for arg in info["inputs"]:
        if arg["number_attr"] or arg["type_list_attr"]:
            n = attrs[arg["number_attr"]] if arg["number_attr"] else len(attrs[arg["type_list_attr"]])
            groups.append(list(values[at : at + n]))
            at += n
        else:
            groups.append(values[at])
            at += 1
    return tuple(groups)


def _free_attrs(info, op):
    """Attributes that do not follow from inputs."""
    bound = {a[k] for a in info["inputs"] for k in ("type_attr", "number_attr", "type_list_attr")}
    return {a["name"]: op.get_attr(a["name"]) for a in info["attrs"] if a["name"] not in bound}


@functools.cache
def samples() -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for path in sorted(CASES.glob("*.py")):
        if path.stem in ("__init__", "table"):
            continue
        for case in importlib.import_module(f"tests.cases.{path.stem}").CASES:
            if any(len(found.get(op, ())) < PER_OP for op in case.ops) or not case.ops:
                _harvest(case, found)
    for op in set(_core.op_names()) - set(found) - LEFT_OUT:
        found[op] = [_made_up(op)]
    return found


def _made_up(op) -> Sample:
    """A call of an op on variables, lists or summaries: they share names and meanings of arguments."""
    info = _core.op_info(op)
    sparse = any(a["name"] == "indices" for a in info["inputs"])
    by_name = {
        "grad": np.ones(ROWS if sparse else VARIABLE, np.float32),
        "delta": np.ones(VARIABLE, np.float32),
        "value": np.ones(VARIABLE, np.float32),
        "updates": np.ones(ROWS, np.float32),
        "indices": np.array([[0], [2]] if "Nd" in op else [0, 2], np.int32),
        "index": np.int32(1),
        "element_shape": np.array([3], np.int32),
        "tensor": np.ones(3, np.float32),
        "item": np.ones(3, np.float32),
        "size": np.int32(5),
        "inputs": [np.array(b"")],
    }

    def value(arg):
        if arg["is_ref"] or arg["dtype"] == tf.variant.as_datatype_enum:
            return np.ones(VARIABLE, np.int32 if op == "CountUpTo" else np.float32)
        if arg["dtype"] == tf.string.as_datatype_enum and arg["name"] not in by_name:
            return np.array(b"tag", object)
        dtype = tf.as_dtype(arg["dtype"] or tf.float32).as_numpy_dtype
        return by_name.get(arg["name"], np.array(0.5 if dtype is np.float32 else 1, dtype))

    made_up = {"int": 3, "list(int)": [1, 1, 1, 1], "string": b"SAME", "shape": [2, 3], "type": tf.float32}
    bound = {a[k] for a in info["inputs"] for k in ("type_attr", "number_attr", "type_list_attr")}
    attrs = {a["name"]: a["default"] if a["has_default"] else made_up.get(a["type"]) for a in info["attrs"]}
    return Sample(op, tuple(map(value, info["inputs"])), {k: v for k, v in attrs.items() if k not in bound})


def _harvest(case, found):
    try:
        graph, feeds = _graph_of(case)
    except (TypeError, ValueError, tf.errors.OpError):  # a row that needs float64
        return
    wanted = []
    for op in graph.get_operations():
        types = {t.dtype.base_dtype for t in op.inputs}
        if op.type in LEFT_OUT or tf.variant in types or len(found.get(op.type, ())) >= PER_OP:
            continue
        if sum(np.prod(t.shape.as_list()) if t.shape.is_fully_defined() else 1 for t in op.inputs) > 4096:
            continue
        found.setdefault(op.type, []).append(op)
        wanted.append(op)
    if not wanted:
        return
    with tf.Session(graph=graph) as sess:
        with graph.as_default():
            init = tf.global_variables_initializer()
        sess.run(init)
        values = sess.run([op.inputs for op in wanted], feeds)
    for op, flat in zip(wanted, values):
        info = _core.op_info(op.type)
        sample = Sample(op.type, _grouped(info, op, flat), _free_attrs(info, op))
        found[op.type][found[op.type].index(op)] = sample
