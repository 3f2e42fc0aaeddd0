"""``tf.initializers``: initializers of variables under their short names."""

from tfmini.init_ops import (
    Initializer,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
)
from tfmini.init_ops import (
    constant_initializer as constant,
)
from tfmini.init_ops import (
    glorot_normal_initializer as glorot_normal,
)
from tfmini.init_ops import (
    glorot_uniform_initializer as glorot_uniform,
)
from tfmini.init_ops import (
    identity_initializer as identity,
)
from tfmini.init_ops import (
    ones_initializer as ones,
)
from tfmini.init_ops import (
    orthogonal_initializer as orthogonal,
)
from tfmini.init_ops import (
    random_normal_initializer as random_normal,
)
from tfmini.init_ops import (
    random_uniform_initializer as random_uniform,
)
from tfmini.init_ops import (
    truncated_normal_initializer as truncated_normal,
)
from tfmini.init_ops import (
    uniform_unit_scaling_initializer as uniform_unit_scaling,
)
from tfmini.init_ops import (
    variance_scaling_initializer as variance_scaling,
)
from tfmini.init_ops import (
    zeros_initializer as zeros,
)
from tfmini.variable_sets import (
    global_variables_initializer as global_variables,
)
from tfmini.variable_sets import (
    local_variables_initializer as local_variables,
)
from tfmini.variable_sets import (
    variables_initializer as variables,
)

__all__ = [
    "Initializer", "constant", "global_variables", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform",
    "identity", "lecun_normal", "lecun_uniform", "local_variables", "ones", "orthogonal", "random_normal",
    "random_uniform", "truncated_normal", "uniform_unit_scaling", "variables", "variance_scaling", "zeros",
]  # fmt: skip
