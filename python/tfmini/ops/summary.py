"""Summary ops for TensorBoard, under the names they had before TensorFlow 1.0; the newer ones are in tfmini.summary."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfmini import raw
from tfmini.autodiff import not_differentiable
from tfmini.graph import Tensor, name_scope
from tfmini.graph_keys import GraphKeys, add_to_collections, get_collection
from tfmini.host_ops import register_host_op

__all__ = [
    "audio_summary", "histogram_summary", "image_summary", "merge_all_summaries", "merge_summary", "scalar_summary",
]  # fmt: skip

not_differentiable(
    "AudioSummaryV2", "HistogramSummary", "ImageSummary", "MergeSummary", "ScalarSummary", "TensorSummaryV2"
)


def collect(summary: Tensor, collections: Any, default: tuple[str, ...] = (GraphKeys.SUMMARIES,)) -> Tensor:
    """Adds a summary to the collections `merge_all` looks into."""
    add_to_collections(list(default if collections is None else collections), summary)
    return summary


def scalar_summary(tags: Any, values: Any, collections: Any = None, name: str | None = None) -> Tensor:
    """Numbers under the names `tags`, which have the shape of `values`. Gives a serialized Summary, a string scalar."""
    with name_scope(name, "ScalarSummary", [tags, values]) as scope:
        return collect(raw.ScalarSummary(tags, values, name=scope), collections)


def histogram_summary(tag: Any, values: Any, collections: Any = None, name: str | None = None) -> Tensor:
    """The distribution of `values`, of any shape. At run time InvalidArgumentError for NaN and infinities."""
    with name_scope(name, "HistogramSummary", [tag, values]) as scope:
        return collect(raw.HistogramSummary(tag, values, name=scope), collections)


def image_summary(
    tag: Any, tensor: Any, max_images: int = 3, collections: Any = None, name: str | None = None
) -> Tensor:
    """The first images of a batch [batch, height, width, channels], uint8 or scaled to the range of their values."""
    with name_scope(name, "ImageSummary", [tag, tensor]) as scope:
        return collect(raw.ImageSummary(tag, tensor, max_images=max_images, name=scope), collections)


def audio_summary(
    tag: Any, tensor: Any, sample_rate: Any, max_outputs: int = 3, collections: Any = None, name: str | None = None
) -> Tensor:
    """The first clips of a batch [batch, frames(, channels)] of samples in [-1, 1]."""
    with name_scope(name, "AudioSummary", [tag, tensor]) as scope:
        summary = raw.AudioSummaryV2(tag, tensor, sample_rate, max_outputs=max_outputs, name=scope)
        return collect(summary, collections)


def merge_summary(inputs: Any, collections: Any = None, name: str | None = None) -> Tensor:
    """One Summary with the values of all `inputs`. At run time InvalidArgumentError if a tag occurs twice."""
    with name_scope(name, "MergeSummary", inputs):
        return collect(raw.MergeSummary(list(inputs), name=name), collections, default=())


def merge_all_summaries(key: str = GraphKeys.SUMMARIES) -> Tensor | None:
    """All summaries of the default graph in one; None if there are none."""
    summaries = get_collection(key)
    return merge_summary(summaries) if summaries else None


def _host_kernel(function: str, *attr_names: str) -> Any:
    """A host op that calls a function of summary_kernels.py, imported when the first summary is computed."""

    def kernel(attrs: dict[str, Any], *arrays: Any) -> np.ndarray:
        from tfmini import summary_kernels

        content = getattr(summary_kernels, function)(*arrays, **{name: attrs[name] for name in attr_names})
        return np.array(content, dtype=object)

    return kernel


register_host_op("ScalarSummary", _host_kernel("scalar_summary"))
register_host_op("HistogramSummary", _host_kernel("histogram_summary"))
register_host_op("ImageSummary", _host_kernel("image_summary", "max_images", "bad_color"))
register_host_op("AudioSummaryV2", _host_kernel("audio_summary", "max_outputs"))
register_host_op("TensorSummaryV2", _host_kernel("tensor_summary"))
register_host_op("MergeSummary", _host_kernel("merge_summary"))
