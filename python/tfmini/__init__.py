"""tfmini: TensorFlow 1's graphs and sessions, small and fast. `import tfmini as tf`."""

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
from tfmini.convert import constant, convert_to_tensor, register_tensor_conversion_function
from tfmini.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    bool_ as bool,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    string,
    uint8,
    uint16,
    uint32,
    uint64,
)
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
from tfmini.ops.concat import concat, concat_v2, pack, parallel_stack, stack
from tfmini.ops.fill import broadcast_to, fill, ones, ones_like, zeros, zeros_like
from tfmini.ops.gather import batch_gather, boolean_mask, gather, gather_nd
from tfmini.ops.identity import (
    check_numerics,
    ensure_shape,
    identity,
    identity_n,
    stop_gradient,
    verify_tensor_all_finite,
)
from tfmini.ops.range import lin_space, linspace, range
from tfmini.ops.reshape import expand_dims, reshape, squeeze
from tfmini.ops.shape import broadcast_dynamic_shape, broadcast_static_shape, rank, shape, shape_n, size
from tfmini.ops.slice import slice
from tfmini.ops.split import split, split_v, unpack, unstack
from tfmini.ops.strided_slice import newaxis, strided_slice
from tfmini.ops.transpose import invert_permutation, matrix_transpose, transpose
from tfmini.tensor_shape import Dimension, TensorShape
