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
from tfmini.tensor_shape import Dimension, TensorShape
