"""tfmini: TensorFlow 1's graphs and sessions, small and fast. `import tfmini as tf`."""

import importlib as _importlib
import typing as _typing

from tfmini import errors
from tfmini._core import DeviceArray
from tfmini.autodiff import (
    AggregationMethod,
    IndexedSlices,
    NoGradient,
    NotDifferentiable,
    RegisterGradient,
    UnconnectedGradients,
    gradients,
    hessians,
)
from tfmini.compat import (
    disable_control_flow_v2,
    disable_eager_execution,
    disable_resource_variables,
    disable_tensor_equality,
    disable_v2_behavior,
    disable_v2_tensorshape,
    enable_control_flow_v2,
    enable_eager_execution,
    enable_resource_variables,
    executing_eagerly,
)
from tfmini.config import ConfigProto, GPUOptions, GraphOptions, OptimizerOptions, RunMetadata, RunOptions
from tfmini.convert import constant, convert_to_tensor, register_tensor_conversion_function
from tfmini.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    complex64,
    complex128,
    double,
    float16,
    float32,
    float64,
    half,
    int8,
    int16,
    int32,
    int64,
    qint8,
    qint16,
    qint32,
    quint8,
    quint16,
    resource,
    string,
    uint8,
    uint16,
    uint32,
    uint64,
    variant,
)
from tfmini.dtypes import bool_ as bool
from tfmini.functional_ops import foldl, foldr, map_fn, scan
from tfmini.graph import (
    Graph,
    Operation,
    Tensor,
    colocate_with,
    container,
    control_dependencies,
    device,
    get_default_graph,
    get_default_session,
    name_scope,
    reset_default_graph,
)
from tfmini.graph_keys import GraphKeys, add_to_collection, add_to_collections, get_collection, get_collection_ref
from tfmini.init_ops import (
    constant_initializer,
    glorot_normal_initializer,
    glorot_uniform_initializer,
    ones_initializer,
    orthogonal_initializer,
    random_normal_initializer,
    random_uniform_initializer,
    truncated_normal_initializer,
    uniform_unit_scaling_initializer,
    variance_scaling_initializer,
    zeros_initializer,
)
from tfmini.ops import checkpoint as _checkpoint
from tfmini.ops import elementwise_grad as _elementwise_grad
from tfmini.ops import tensor_list as _tensor_list
from tfmini.ops import tensor_list_concat as _tensor_list_concat
from tfmini.ops.add_n import (
    accumulate_n,
    add_n,
)
from tfmini.ops.arg import arg_max, arg_min, argmax, argmin
from tfmini.ops.broadcast_args import (
    broadcast_dynamic_shape,
    broadcast_static_shape,
)
from tfmini.ops.cast import (
    cast,
    saturate_cast,
    to_bfloat16,
    to_double,
    to_float,
    to_int32,
    to_int64,
)
from tfmini.ops.checks import (
    Assert,
    Print,
    assert_equal,
    assert_greater,
    assert_greater_equal,
    assert_integer,
    assert_less,
    assert_less_equal,
    assert_near,
    assert_negative,
    assert_non_negative,
    assert_non_positive,
    assert_none_equal,
    assert_positive,
    assert_rank,
    assert_rank_at_least,
    assert_rank_in,
    assert_scalar,
    assert_type,
    is_non_decreasing,
    is_numeric_tensor,
    is_strictly_increasing,
)
from tfmini.ops.clip import clip_by_average_norm, clip_by_global_norm, clip_by_norm, global_norm
from tfmini.ops.compare import (
    approximate_equal,
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
)
from tfmini.ops.concat import concat, concat_v2, pack, parallel_stack, stack
from tfmini.ops.constant import group, no_op, placeholder, placeholder_with_default, sparse_placeholder, tuple
from tfmini.ops.contraction import einsum, tensordot
from tfmini.ops.control_flow import case, cond, while_loop
from tfmini.ops.control_flow_grad import __all__ as _control_flow_gradients
from tfmini.ops.diag import (
    batch_matrix_band_part,
    batch_matrix_diag,
    batch_matrix_diag_part,
    batch_matrix_set_diag,
    diag,
    diag_part,
    eye,
    matrix_band_part,
    matrix_diag,
    matrix_diag_part,
    matrix_set_diag,
)
from tfmini.ops.elementwise import (
    abs,
    acos,
    acosh,
    add,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    ceil,
    cos,
    cosh,
    digamma,
    div,
    div_no_nan,
    divide,
    erf,
    erfc,
    exp,
    expm1,
    floor,
    floor_div,
    floordiv,
    floormod,
    inv,
    is_finite,
    is_inf,
    is_nan,
    lgamma,
    log,
    log1p,
    log_sigmoid,
    maximum,
    minimum,
    mod,
    mul,
    multiply,
    neg,
    negative,
    polygamma,
    polyval,
    pow,
    realdiv,
    reciprocal,
    rint,
    round,
    rsqrt,
    scalar_mul,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    squared_difference,
    sub,
    subtract,
    tan,
    tanh,
    truediv,
    truncatediv,
    truncatemod,
    zeta,
)
from tfmini.ops.fill import broadcast_to, fill, ones, ones_like, zeros, zeros_like
from tfmini.ops.gather import batch_gather, gather, gather_nd
from tfmini.ops.identity import (
    check_numerics,
    ensure_shape,
    identity,
    identity_n,
    stop_gradient,
    verify_tensor_all_finite,
)
from tfmini.ops.linalg import (
    batch_cholesky,
    batch_matrix_determinant,
    batch_matrix_inverse,
    batch_matrix_solve,
    batch_matrix_triangular_solve,
    cholesky,
    cholesky_solve,
    cross,
    matrix_determinant,
    matrix_inverse,
    matrix_solve,
    matrix_triangular_solve,
    trace,
)
from tfmini.ops.matmul import batch_matmul, matmul
from tfmini.ops.norm import norm
from tfmini.ops.one_hot import one_hot
from tfmini.ops.pad import pad
from tfmini.ops.partition import dynamic_partition, dynamic_stitch, parallel_dynamic_stitch
from tfmini.ops.py_func import numpy_function, py_func
from tfmini.ops.qr import qr
from tfmini.ops.random import random_normal, random_uniform, truncated_normal
from tfmini.ops.random_discrete import multinomial, random_crop, random_shuffle
from tfmini.ops.random_gamma import random_gamma, random_poisson
from tfmini.ops.range import lin_space, linspace, meshgrid, range, sequence_mask
from tfmini.ops.reduce import (
    count_nonzero,
    reduce_all,
    reduce_any,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
)
from tfmini.ops.reshape import expand_dims, reshape, squeeze
from tfmini.ops.reverse import reverse, reverse_sequence, reverse_v2
from tfmini.ops.scan import cumprod, cumsum
from tfmini.ops.scatter import (
    scatter_add,
    scatter_div,
    scatter_max,
    scatter_min,
    scatter_mul,
    scatter_nd_add,
    scatter_nd_sub,
    scatter_nd_update,
    scatter_sub,
    scatter_update,
)
from tfmini.ops.scatter_nd import scatter_nd, sparse_to_dense
from tfmini.ops.segment import (
    segment_max,
    segment_mean,
    segment_min,
    segment_prod,
    segment_sum,
    unsorted_segment_max,
    unsorted_segment_mean,
    unsorted_segment_min,
    unsorted_segment_prod,
    unsorted_segment_sqrt_n,
    unsorted_segment_sum,
)
from tfmini.ops.select import (
    clip_by_value,
    select,
    where_v2,
)
from tfmini.ops.shape import rank, shape, shape_n, size
from tfmini.ops.slice import slice
from tfmini.ops.space import (
    batch_to_space,
    batch_to_space_nd,
    depth_to_space,
    space_to_batch,
    space_to_batch_nd,
    space_to_depth,
)
from tfmini.ops.split import split, split_v, unpack, unstack
from tfmini.ops.strided_slice import boolean_mask, newaxis, strided_slice
from tfmini.ops.summary import (
    audio_summary,
    histogram_summary,
    image_summary,
    merge_all_summaries,
    merge_summary,
    scalar_summary,
)
from tfmini.ops.tile import tile
from tfmini.ops.topk import argsort, sort
from tfmini.ops.transpose import batch_matrix_transpose, invert_permutation, matrix_transpose, transpose
from tfmini.ops.unique import listdiff, setdiff1d, unique, unique_with_counts
from tfmini.ops.variable import assign, assign_add, assign_sub, count_up_to
from tfmini.ops.where import where
from tfmini.random_seed import get_seed, set_random_seed
from tfmini.session import InteractiveSession, Session
from tfmini.template import make_template
from tfmini.tensor_array import TensorArray
from tfmini.tensor_shape import Dimension, TensorShape
from tfmini.variable_scope import (
    AUTO_REUSE,
    VariableScope,
    get_local_variable,
    get_variable,
    get_variable_scope,
    no_regularizer,
    op_scope,
    variable_op_scope,
    variable_scope,
)
from tfmini.variable_sets import (
    all_variables,
    assert_variables_initialized,
    global_variables,
    global_variables_initializer,
    initialize_all_variables,
    initialize_local_variables,
    initialize_variables,
    is_variable_initialized,
    local_variables,
    local_variables_initializer,
    model_variables,
    moving_average_variables,
    report_uninitialized_variables,
    trainable_variables,
    variables_initializer,
)
from tfmini.variables import Variable, VariableAggregation, VariableSynchronization
from tfmini.version import VERSION, __version__

# Imported when first used, to keep `import tfmini` fast.
_SUBMODULES = frozenset(
    """
    app bitwise compat contrib flags gfile initializers io layers linalg logging losses math nn random summary
    test train
    """.split()
)


# Classes of messages, which come with the package tensorboard, and the file each is in.
_MESSAGES = {
    "AttrValue": "attr_value",
    "Event": "event",
    "GraphDef": "graph",
    "HistogramProto": "histogram",
    "MetaGraphDef": "meta_graph",
    "NodeDef": "node_def",
    "SessionLog": "event",
    "Summary": "summary",
    "SummaryMetadata": "summary",
}


if _typing.TYPE_CHECKING:
    from tfmini import (
        app,
        bitwise,
        compat,
        contrib,
        flags,
        gfile,
        initializers,
        io,
        layers,
        linalg,
        logging,
        losses,
        math,
        nn,
        random,
        summary,
        test,
        train,
    )
else:

    def __getattr__(name: str) -> object:
        if name in _SUBMODULES:
            return _importlib.import_module(f"tfmini.{name}")
        if name in _MESSAGES:
            return _importlib.import_module("tfmini.graph_export").proto(_MESSAGES[name], name)
        raise AttributeError(f"module 'tfmini' has no attribute '{name}'")

    def __dir__() -> list[str]:
        return sorted({*globals(), *_SUBMODULES})
