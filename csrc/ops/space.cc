// SpaceToDepth, DepthToSpace, SpaceToBatchND, BatchToSpaceND: blocks of space moved into channels
// or into the batch and back.
#include "core/infer.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

// Positions of batch, height, width and channels.
struct Layout {
  explicit Layout(const Attrs& attrs) : nchw(attrs.string("data_format") == "NCHW") {}
  bool nchw;
  int height() const { return nchw ? 2 : 1; }
  int width() const { return nchw ? 3 : 2; }
  int channels() const { return nchw ? 1 : 3; }
};

int64_t divided(int64_t dim, int64_t factor, const char* what) {
  check(dim < 0 || dim % factor == 0, what, " of size ", dim, " is not divisible by ", factor);
  return dim < 0 ? dim : dim / factor;
}

// The copy between the tensor with deep channels and the one with wide space.
class DepthCopy {
 public:
  explicit DepthCopy(const Attrs& attrs) : layout_(attrs), block_(attrs.integer("block_size")) {}

  void run(KernelContext& c, bool to_depth) const {
    const Tensor& x = c.input(0);
    Tensor& y = c.output(0);
    const Shape &deep = to_depth ? y.shape() : x.shape(), &wide = to_depth ? x.shape() : y.shape();
    const auto d = row_major_strides(deep), w = row_major_strides(wide);
    const int H = layout_.height(), W = layout_.width(), C = layout_.channels();
    const int64_t depth = wide[C];
    StridedCopy copy;
    const auto add = [&](int64_t size, int64_t deep_stride, int64_t wide_stride) {
      if (to_depth)
        copy.dim(size, wide_stride, deep_stride);
      else
        copy.dim(size, deep_stride, wide_stride);
    };
    const auto block_rows = [&] { add(block_, block_ * depth * d[C], w[H]); };
    const auto block_cols = [&] { add(block_, depth * d[C], w[W]); };
    const auto rows = [&] { add(deep[H], d[H], block_ * w[H]); };
    const auto cols = [&] { add(deep[W], d[W], block_ * w[W]); };
    const auto channels = [&] { add(depth, d[C], w[C]); };
    // In the order of the destination, so that writes are consecutive.
    add(deep[0], d[0], w[0]);
    if (to_depth && layout_.nchw) {
      block_rows(), block_cols(), channels(), rows(), cols();
    } else if (to_depth) {
      rows(), cols(), block_rows(), block_cols(), channels();
    } else if (layout_.nchw) {
      channels(), rows(), block_rows(), cols(), block_cols();
    } else {
      rows(), block_rows(), cols(), block_cols(), channels();
    }
    copy(c, x.dtype(), x.raw(), y.raw());
  }

 private:
  Layout layout_;
  int64_t block_;
};

struct SpaceToDepth : DepthCopy {
  using DepthCopy::DepthCopy;
  void operator()(KernelContext& c) const { run(c, true); }
};
struct DepthToSpace : DepthCopy {
  using DepthCopy::DepthCopy;
  void operator()(KernelContext& c) const { run(c, false); }
};

void space_to_depth_shape(InferContext& c) {
  const Layout l(c.attrs());
  const int64_t block = c.attrs().integer("block_size");
  Shape s = c.with_rank(0, 4);
  s.set_dim(l.height(), divided(s[l.height()], block, "height"));
  s.set_dim(l.width(), divided(s[l.width()], block, "width"));
  s.set_dim(l.channels(), multiply_dims(s[l.channels()], multiply_dims(block, block)));
  c.set_output(0, s);
}

void depth_to_space_shape(InferContext& c) {
  const Layout l(c.attrs());
  const int64_t block = c.attrs().integer("block_size");
  Shape s = c.with_rank(0, 4);
  s.set_dim(l.height(), multiply_dims(s[l.height()], block));
  s.set_dim(l.width(), multiply_dims(s[l.width()], block));
  s.set_dim(l.channels(), divided(s[l.channels()], multiply_dims(block, block), "depth"));
  c.set_output(0, s);
}

// Both directions of space <-> batch; `pads` are paddings or crops.
void batch_shape(InferContext& c, bool to_batch) {
  const Shape& in = c.with_rank_at_least(0, 1);
  const Shape block_shape = c.with_rank(1, 1);
  const Shape pad_shape = c.with_rank(2, 2);
  const char* pad_name = to_batch ? "paddings" : "crops";
  check(pad_shape[1] < 0 || pad_shape[1] == 2, pad_name, " must have shape [M, 2], got ", pad_shape);
  const int64_t m = merge_dims(block_shape[0], pad_shape[0], "the number of block sizes and of paddings or crops");
  if (!in.known_rank() || m < 0) return c.set_output(0, Shape::unknown());
  check(m + 1 <= in.rank(), "block_shape has ", m, " elements, which needs an input of rank ", m + 1, " or more, got ",
        in);
  Shape out = in;
  const auto block = constant_ints(c, 1), pads = constant_ints(c, 2);
  int64_t product = 1;
  for (int i = 0; block && i < m; ++i) {
    check((*block)[i] >= 1, "block_shape[", i, "] = ", (*block)[i], " must be positive");
    product = multiply_dims(product, (*block)[i]);
  }
  for (int i = 0; pads && i < 2 * m; ++i) check((*pads)[i] >= 0, pad_name, " must not be negative, got ", (*pads)[i]);
  int64_t batch = Shape::kUnknownDim;
  if (block && in[0] >= 0) batch = to_batch ? multiply_dims(in[0], product) : divided(in[0], product, "batch");
  out.set_dim(0, batch);
  for (int i = 0; i < m; ++i) {
    int64_t size = Shape::kUnknownDim;
    if (block && pads && in[i + 1] >= 0) {
      const int64_t border = add_dims((*pads)[2 * i], (*pads)[2 * i + 1]);
      if (to_batch) {
        size = divided(add_dims(in[i + 1], border), (*block)[i], "padded dimension");
      } else {
        const int64_t whole = multiply_dims(in[i + 1], (*block)[i]);
        check(whole >= border, "crops[", i, "] cut away more than there is: ", border, " of ", whole);
        size = whole - border;
      }
    }
    out.set_dim(i + 1, size);
  }
  c.set_output(0, out);
}

void space_to_batch_shape(InferContext& c) { batch_shape(c, true); }
void batch_to_space_shape(InferContext& c) { batch_shape(c, false); }

// Wide index = narrow index * block + offset - pad: one strided copy per offset inside the block,
// over the narrow indices whose wide index exists.
void copy_blocks(KernelContext& c, bool to_batch) {
  const Tensor& x = c.input(0);
  Tensor& y = c.output(0);
  const auto block = c.input(1).to_ints(), pads = c.input(2).to_ints();
  const int m = static_cast<int>(block.size());
  const Shape &wide = to_batch ? x.shape() : y.shape(), &narrow = to_batch ? y.shape() : x.shape();
  const auto w = row_major_strides(wide), n = row_major_strides(narrow);
  if (to_batch) zero_run(c, y.dtype(), y.raw(), y.num_elements());
  int64_t offsets = 1;
  for (int64_t b : block) offsets *= b;
  for (int64_t o = 0; o < offsets; ++o) {
    int64_t wide_at = 0, narrow_at = o * wide[0] * n[0];
    StridedCopy copy;
    const auto add = [&](int64_t size, int64_t wide_stride, int64_t narrow_stride) {
      if (to_batch)
        copy.dim(size, wide_stride, narrow_stride);
      else
        copy.dim(size, narrow_stride, wide_stride);
    };
    add(wide[0], w[0], n[0]);
    int64_t offset[Shape::kMaxRank], rest = o;
    for (int i = m - 1; i >= 0; --i) {
      offset[i] = rest % block[i];
      rest /= block[i];
    }
    bool empty = false;
    for (int i = 0; i < m; ++i) {
      const int64_t shift = offset[i] - pads[2 * i], b = block[i];
      const int64_t first = shift >= 0 ? 0 : (-shift + b - 1) / b;
      const int64_t room = wide[i + 1] - shift;  // first narrow index outside: ceil(room / b)
      const int64_t last = std::min(narrow[i + 1], room <= 0 ? 0 : (room + b - 1) / b);
      empty |= last <= first;
      add(std::max<int64_t>(last - first, 0), b * w[i + 1], n[i + 1]);
      wide_at += (first * b + shift) * w[i + 1];
      narrow_at += first * n[i + 1];
    }
    for (int i = m + 1; i < x.rank(); ++i) add(wide[i], w[i], n[i]);
    if (empty) continue;
    copy(c, x.dtype(), element(x, to_batch ? wide_at : narrow_at), element(y, to_batch ? narrow_at : wide_at));
  }
}

void space_to_batch_kernel(KernelContext& c) { copy_blocks(c, true); }
void batch_to_space_kernel(KernelContext& c) { copy_blocks(c, false); }

}  // namespace

void register_space(Registry& r) {
  for (const char* name : {"SpaceToDepth", "DepthToSpace"})
    r.op(name)
        .input("input: T")
        .output("output: T")
        .attr("T: type")
        .attr("block_size: int >= 2")
        .attr("data_format: {'NHWC', 'NCHW'} = 'NHWC'")
        .shape(name[0] == 'S' ? space_to_depth_shape : depth_to_space_shape);
  any_device_kernel<SpaceToDepth>(r, "SpaceToDepth");
  any_device_kernel<DepthToSpace>(r, "DepthToSpace");

  r.op("SpaceToBatchND")
      .input("input: T")
      .input("block_shape: Tblock_shape")
      .input("paddings: Tpaddings")
      .output("output: T")
      .attr("T: type")
      .attr("Tblock_shape: {int32, int64} = int32")
      .attr("Tpaddings: {int32, int64} = int32")
      .shape(space_to_batch_shape)
      .host_input(1)
      .host_input(2);
  any_device_kernel(r, "SpaceToBatchND", space_to_batch_kernel);

  r.op("BatchToSpaceND")
      .input("input: T")
      .input("block_shape: Tblock_shape")
      .input("crops: Tcrops")
      .output("output: T")
      .attr("T: type")
      .attr("Tblock_shape: {int32, int64} = int32")
      .attr("Tcrops: {int32, int64} = int32")
      .shape(batch_to_space_shape)
      .host_input(1)
      .host_input(2);
  any_device_kernel(r, "BatchToSpaceND", batch_to_space_kernel);
}

}  // namespace tfmini
