// Summaries for TensorBoard. Declared here; their kernels are host ops (python/tfmini/summary_kernels.py), which
// serialise Summary messages. Stateful, as every call into Python is: never folded or merged.
#include "core/registry.h"

namespace tfmini {
namespace {

// A tag is one string.
void one_tag(InferContext& c) {
  c.with_rank(0, 0);
  c.set_output(0, Shape{});
}

void scalar_summary_shape(InferContext& c) {
  merge(c.input(0), c.input(1));  // one tag per value
  c.set_output(0, Shape{});
}

void image_summary_shape(InferContext& c) {
  const Shape images = c.with_rank(1, 4);
  if (images.known_rank()) {
    const int64_t depth = images.dim(3);
    check(depth == -1 || depth == 1 || depth == 3 || depth == 4,
          "images have 1, 3 or 4 channels (shape [batch, height, width, channels]), got shape ", images);
  }
  one_tag(c);
}

void audio_summary_shape(InferContext& c) {
  c.with_rank_at_least(1, 2);
  c.with_rank_at_most(1, 3);
  one_tag(c);
}

}  // namespace

void register_summary(Registry& r) {
  constexpr const char* kRealTypes =
      "{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}";
  const std::string real = std::string("T: ") + kRealTypes;
  r.op("ScalarSummary")
      .input("tags: string")
      .input("values: T")
      .output("summary: string")
      .attr(real)
      .shape(scalar_summary_shape)
      .dynamic_output()
      .stateful();
  r.op("HistogramSummary")
      .input("tag: string")
      .input("values: T")
      .output("summary: string")
      .attr(real + " = float")
      .shape(one_tag)
      .dynamic_output()
      .stateful();
  r.op("ImageSummary")
      .input("tag: string")
      .input("tensor: T")
      .output("summary: string")
      .attr("max_images: int >= 1 = 3")
      .attr("T: {uint8, float, half, double} = float")
      .attr("bad_color: tensor = [255, 0, 0, 255]")
      .shape(image_summary_shape)
      .dynamic_output()
      .stateful();
  r.op("AudioSummaryV2")
      .input("tag: string")
      .input("tensor: float")
      .input("sample_rate: float")
      .output("summary: string")
      .attr("max_outputs: int >= 1 = 3")
      .shape(audio_summary_shape)
      .dynamic_output()
      .stateful();
  r.op("TensorSummaryV2")
      .input("tag: string")
      .input("tensor: T")
      .input("serialized_summary_metadata: string")
      .output("summary: string")
      .attr("T: type")
      .shape(one_tag)
      .dynamic_output()
      .stateful();
  r.op("MergeSummary")
      .input("inputs: N * string")
      .output("summary: string")
      .attr("N: int >= 1")
      .shape(shapes::scalar)
      .dynamic_output()
      .stateful();
}

}  // namespace tfmini
