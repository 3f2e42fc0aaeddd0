"""Session options under the names of TensorFlow's protos, and `tf.config`'s list of devices.

Options that mean something here are honoured; those that would only have tuned TensorFlow's own
machinery are accepted and kept; those that promise what tfmini cannot do are refused.
"""

from __future__ import annotations

import types
from typing import Any, NamedTuple

from tfmini import _core, errors

__all__ = [
    "ConfigProto", "GPUOptions", "GraphOptions", "OptimizerOptions", "PhysicalDevice", "RunMetadata", "RunOptions",
    "experimental", "list_physical_devices",
]  # fmt: skip


class _Options:
    """A proto-like record: known fields only, keyword construction, nested records by attribute."""

    _fields: dict[str, Any] = {}

    def __init__(self, **kwargs: Any):
        for name, default in self._fields.items():
            object.__setattr__(self, name, default() if isinstance(default, type) else default)
        for name, value in kwargs.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._fields:
            raise AttributeError(f"{type(self).__name__} has no field '{name}'; it has {', '.join(self._fields)}")
        if value is not None:
            object.__setattr__(self, name, value)

    def CopyFrom(self, other: _Options) -> None:
        for name in self._fields:
            object.__setattr__(self, name, getattr(other, name))

    MergeFrom = CopyFrom

    def __getattr__(self, name: str) -> Any:  # only for fields that do not exist
        raise AttributeError(f"{type(self).__name__} has no field '{name}'; it has {', '.join(self._fields)}")

    def __repr__(self) -> str:
        fields = ", ".join(f"{k}={getattr(self, k)!r}" for k in self._fields)
        return f"{type(self).__name__}({fields})"


class _AnyOptions(types.SimpleNamespace):
    """A record of which no field means anything here: TensorFlow's experiments and its graph rewriter."""

    def CopyFrom(self, other: _AnyOptions) -> None:
        vars(self).update(vars(other))


class GPUOptions(_Options):
    """How CUDA devices are used.

    per_process_gpu_memory_fraction: how much of each GPU's memory this process may hold (0: all of it). Unless
      allow_growth is set, that much is taken when the session is made; without a fraction, memory is taken as needed.
    visible_device_list: "1,0": which GPUs there are, and which of them is /gpu:0.
    cuda_graphs: record what a plan does on a GPU and replay it as one CUDA graph.
    synchronous: wait for the GPU after every operation, so that an error names the one at fault. For debugging.
    """

    _fields = {
        "per_process_gpu_memory_fraction": 0.0,
        "allow_growth": False,
        "visible_device_list": "",
        "allocator_type": "",
        "deferred_deletion_bytes": 0,
        "polling_active_delay_usecs": 0,
        "force_gpu_compatible": False,
        "cuda_graphs": True,
        "synchronous": False,
        "experimental": _AnyOptions,
    }


class OptimizerOptions(_Options):
    """Which passes run. `opt_level` L0 (-1) turns folding, merging and fusion off."""

    L1, L0 = 0, -1
    DEFAULT, OFF, ON_1, ON_2 = 0, -1, 1, 2
    _fields = {
        "do_common_subexpression_elimination": True,
        "do_constant_folding": True,
        "do_function_inlining": True,
        "opt_level": 0,
        "global_jit_level": 0,
        "max_folded_constant_in_bytes": 0,
    }


class GraphOptions(_Options):
    _fields = {
        "optimizer_options": OptimizerOptions,
        "rewrite_options": _AnyOptions,
        "enable_recv_scheduling": False,
        "build_cost_model": 0,
        "build_cost_model_after": 0,
        "infer_shapes": False,
        "place_pruned_graph": False,
        "enable_bfloat16_sendrecv": False,
        "timeline_step": 0,
    }


class ConfigProto(_Options):
    """Options of a session.

    intra_op_parallelism_threads: threads one operation may use (0: all cores). There is one pool per
      process; sessions share it.
    inter_op_parallelism_threads: accepted; operations of one run execute in order.
    allow_soft_placement, log_device_placement, device_count, gpu_options: devices.
    graph_options.optimizer_options: which passes run.
    """

    _fields = {
        "allow_soft_placement": False,
        "log_device_placement": False,
        "device_count": dict,
        "intra_op_parallelism_threads": 0,
        "inter_op_parallelism_threads": 0,
        "use_per_session_threads": False,
        "session_inter_op_thread_pool": list,
        "placement_period": 0,
        "device_filters": list,
        "gpu_options": GPUOptions,
        "graph_options": GraphOptions,
        "operation_timeout_in_ms": 0,
        "cluster_def": None,
        "isolate_session_state": True,
        "share_cluster_devices_in_session": False,
        "experimental": _AnyOptions,
    }
    Experimental = _AnyOptions

    def _session_options(self) -> dict[str, Any]:
        """What `_core.Session` is told."""
        if self.operation_timeout_in_ms:
            raise errors.UnimplementedError(None, None, "operation_timeout_in_ms is not implemented")
        if self.cluster_def is not None:
            raise errors.UnimplementedError(None, None, "cluster_def: tfmini runs in one process")
        threads = self.intra_op_parallelism_threads
        if threads < 0:
            raise errors.InvalidArgumentError(
                None, None, f"intra_op_parallelism_threads must not be negative, got {threads}"
            )
        options = self.graph_options.optimizer_options
        on = options.opt_level >= 0
        gpu = self.gpu_options
        return {
            "threads": threads,
            "fold": on and options.do_constant_folding,
            "cse": on and options.do_common_subexpression_elimination,
            "fuse": on,
            "soft_placement": self.allow_soft_placement,
            "log_placement": self.log_device_placement,
            "record": gpu.cuda_graphs,
            "synchronous": gpu.synchronous,
            "visible_gpus": gpu.visible_device_list,
            "max_gpus": self.device_count.get("GPU", -1),
            "memory_fraction": gpu.per_process_gpu_memory_fraction,
            "reserve_memory": not gpu.allow_growth,
        }


class RunOptions(_Options):
    """Options of one run. Nothing is traced, so most are accepted only.

    fetch_on_device: fetched tensors that are made on a GPU stay there: the run returns tf.DeviceArray objects, which
      CuPy, PyTorch and JAX take without a copy, and which can be fed again.
    """

    NO_TRACE, SOFTWARE_TRACE, HARDWARE_TRACE, FULL_TRACE = 0, 1, 2, 3
    _fields = {
        "trace_level": 0,
        "timeout_in_ms": 0,
        "inter_op_thread_pool": 0,
        "output_partition_graphs": False,
        "debug_options": None,
        "report_tensor_allocations_upon_oom": False,
        "experimental": None,
        "fetch_on_device": False,
    }


class RunMetadata(_Options):
    _fields = {"step_stats": None, "cost_graph": None, "partition_graphs": list}


class PhysicalDevice(NamedTuple):
    """A device of this machine."""

    name: str
    device_type: str


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices of this machine, or those of one type, "CPU" or "GPU"."""
    from tfmini.device import list_devices

    found = [PhysicalDevice("/physical_device" + d.name.removeprefix("/device"), d.device_type) for d in list_devices()]
    return [d for d in found if device_type in (None, d.device_type)]


class experimental:
    """`tf.config.experimental`."""

    @staticmethod
    def enable_tensor_float_32_execution(enabled: bool) -> None:
        """Lets GPUs round the factors of float32 matrix products and convolutions to 10 bits of fraction, or not.

        They may by default, as in TensorFlow: tensor cores need it. Runs that were recorded already keep what they have.
        """
        _core.set_tensor_float_32(bool(enabled))

    @staticmethod
    def tensor_float_32_execution_enabled() -> bool:
        """Whether they may."""
        return _core.tensor_float_32()
