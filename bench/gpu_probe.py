"""What a GPU can do at best, by the toolkit's own libraries: a copy within its memory, and cuBLAS's matrix product.

Nothing is linked: libcudart and libcublas are loaded from the toolkit ($CUDA_HOME, else the loader's path).
"""

import ctypes
import glob
import json
import os
from typing import Any

COPY_BYTES = 1 << 30
N = 8192
REPEATS = 5
R_32F, R_16BF = 0, 14  # cudaDataType_t
COMPUTE_32F, COMPUTE_32F_TF32 = 68, 77  # cublasComputeType_t
DEFAULT_ALGORITHM = -1


def library(stem: str) -> ctypes.CDLL:
    home = os.environ.get("CUDA_HOME", "/usr/local/cuda")
    found = sorted(glob.glob(f"{home}/lib64/lib{stem}.so*")) or [f"lib{stem}.so"]
    return ctypes.CDLL(found[0])


class GpuProbe:
    """Each call measures again and keeps the best."""

    def __init__(self) -> None:
        self.cuda, self.blas = library("cudart"), library("cublas")
        self.best: dict[str, Any] = {}

    def check(self, status: int) -> None:
        if status:
            raise RuntimeError(f"the CUDA probe failed with status {status}")

    def allocate(self, size: int) -> ctypes.c_void_p:
        memory = ctypes.c_void_p()
        self.check(self.cuda.cudaMalloc(ctypes.byref(memory), ctypes.c_size_t(size)))
        self.check(self.cuda.cudaMemset(memory, 0, ctypes.c_size_t(size)))
        return memory

    def seconds(self, call: Any) -> float:
        """Of one call, the best of a few."""
        events = [ctypes.c_void_p(), ctypes.c_void_p()]
        for event in events:
            self.check(self.cuda.cudaEventCreate(ctypes.byref(event)))
        best = float("inf")
        for _ in range(REPEATS):
            self.check(self.cuda.cudaEventRecord(events[0], None))
            self.check(call())
            self.check(self.cuda.cudaEventRecord(events[1], None))
            self.check(self.cuda.cudaEventSynchronize(events[1]))
            milliseconds = ctypes.c_float()
            self.check(self.cuda.cudaEventElapsedTime(ctypes.byref(milliseconds), *events))
            best = min(best, milliseconds.value / 1e3)
        return best

    def product(self, handle: ctypes.c_void_p, dtype: int, compute: int, a: Any, b: Any, c: Any) -> float:
        """GFLOP/s of one n x n x n product."""
        n, one, zero = ctypes.c_int(N), ctypes.c_float(1), ctypes.c_float(0)
        side = lambda p: (p, ctypes.c_int(dtype), n)  # noqa: E731
        call = lambda: self.blas.cublasGemmEx(  # noqa: E731
            handle, 0, 0, n, n, n, ctypes.byref(one), *side(a), *side(b), ctypes.byref(zero), *side(c),
            ctypes.c_int(compute), ctypes.c_int(DEFAULT_ALGORITHM),
        )  # fmt: skip
        return 2 * N**3 / self.seconds(call) / 1e9

    def measure(self) -> dict[str, Any]:
        size = ctypes.c_size_t(COPY_BYTES)
        a, b, c = (self.allocate(COPY_BYTES) for _ in range(3))
        device_to_device = 3
        copy = (
            2 * COPY_BYTES / self.seconds(lambda: self.cuda.cudaMemcpyAsync(a, b, size, device_to_device, None)) / 1e9
        )
        handle = ctypes.c_void_p()
        self.check(self.blas.cublasCreate_v2(ctypes.byref(handle)))
        figures = dict(
            gflops=self.product(handle, R_32F, COMPUTE_32F, a, b, c),
            tf32_gflops=self.product(handle, R_32F, COMPUTE_32F_TF32, a, b, c),
            bf16_gflops=self.product(handle, R_16BF, COMPUTE_32F, a, b, c),
            copy_gbytes=copy,
            read_gbytes=copy,
            triad_gbytes=copy,
        )
        for memory in (a, b, c):
            self.check(self.cuda.cudaFree(memory))
        self.check(self.blas.cublasDestroy_v2(handle))
        for key, value in figures.items():
            self.best[key] = max(value, self.best.get(key, 0))
        return {**self.best, "isa": "GPU", "threads": 0}


if __name__ == "__main__":
    print(json.dumps(GpuProbe().measure(), indent=1))
