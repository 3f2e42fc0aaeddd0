#include "conv/conv.cuh"

#include "conv/axes.cuh"
#include "gemm/run.cuh"
#include "gemm/wgmma_run.cuh"

namespace tfmini::cuda {
namespace {

// Coordinates of a window are sums of a few such numbers.
void check_axis(const WindowAxis& w) {
  constexpr int64_t kMax = 1 << 26;
  if (w.in > kMax || w.out > kMax || w.pad > kMax || w.kernel * w.dilation > kMax || w.stride > kMax)
    fail(Code::kUnimplemented, "a window with kernel ", w.kernel, ", stride ", w.stride, ", dilation ", w.dilation,
         " over ", w.in, " pixels is too large for a GPU");
}

struct Sizes {
  int batch, in, out, group_in, group_out;  // channels
  explicit Sizes(const ConvGeometry& g)
      : batch(checked_int(g.batch, "batch")),
        in(checked_int(g.in_channels, "input channels")),
        out(checked_int(g.out_channels, "output channels")),
        group_in(static_cast<int>(g.group_in())),
        group_out(static_cast<int>(g.group_out())) {
    check_axis(g.h);
    check_axis(g.w);
    checked_int(g.batch * g.h.in * g.w.in, "input pixels");
    checked_int(g.batch * g.h.out * g.w.out, "output pixels");
    checked_int(g.h.kernel * g.w.kernel * std::max(g.group_in(), g.group_out()), "taps");
  }
};

// A convolution whose windows are single pixels, all of them in use, is a product of plain matrices.
bool is_product(const ConvGeometry& g) {
  const auto single = [](const WindowAxis& w) { return w.kernel == 1 && w.stride == 1 && w.pad == 0 && w.in == w.out; };
  return single(g.h) && single(g.w);
}

// The product of all groups; images are matrices with a row per pixel.
template <class T>
void matrix_product(const Place& place, int64_t groups, Gemm<T> g) {
  g.batch = groups;
  if (g.m > 0 && g.n > 0) gemm(place, g);
}

// B for the copy engine of sm_90a.
template <class T>
struct Boxes {
  WgmmaOperand<T> matrix{};
  BoxedB how;
  bool taps = false;  // `shape`, not `matrix`
  TensorShape shape{};
};

template <class A, class B>
void run(const Place& place, const GemmArgs<A, B>& args, int64_t groups, const Boxes<typename A::Element>& boxes) {
  using T = typename A::Element;
  if (args.out.m == 0 || args.out.n == 0) return;
  GemmSizes sizes{args.out.m, args.out.n, args.k, groups, sizeof(T), uses_tensor_cores<T>()};
  // 32-bit operands of wgmma lie along k.
  if constexpr (sizeof(T) < 8 && (A::kByK || sizeof(T) == 2)) {
    constexpr int kUnit = Unit<T>::kSize, kDepth = 128 / static_cast<int>(sizeof(T));
    sizes.gathered = true;
    sizes.wgmma = sizes.tensor_cores && place.chip.major == 9 && place.chip.minor == 0 && args.k > 0 &&
                  args.a.aligned(kUnit) && args.a_batch % kUnit == 0 && args.b.aligned(kUnit) &&
                  (!boxes.taps || boxes.how.channels.divisor() % kDepth == 0);
    const GemmPlan plan = choose_gemm(sizes, place.chip);
    if (plan.kernel == GemmKernel::kWgmma) {
      GatherArgs<A> gather;
      gather.a = args.a;
      gather.a_batch = args.a_batch;
      gather.b = boxes.how;
      gather.product.k = args.k;
      gather.product.out = args.out;
      if (run_wgmma_gather(place, gather, groups, plan, boxes.matrix, boxes.taps ? &boxes.shape : nullptr)) return;
    }
    sizes.wgmma = false;
  }
  run_gemm(place, args, groups, choose_gemm(sizes, place.chip));
}

}  // namespace

template <class T>
void conv_forward(const Place& place, const ConvGeometry& g, const T* input, const T* filter, T* output,
                  const Epilogue<T>& epilogue) {
  const Sizes s(g);
  Epilogue<T> finish = epilogue;
  finish.batch = s.group_out;
  if (is_product(g))
    return matrix_product<T>(place, g.groups,
                             {.m = g.batch * g.h.in * g.w.in,
                              .n = s.group_out,
                              .k = s.group_in,
                              .a = input,
                              .b = filter,
                              .c = output,
                              .lda = s.in,
                              .ldb = s.out,
                              .ldc = s.out,
                              .a_batch = s.group_in,
                              .b_batch = s.group_out,
                              .c_batch = s.group_out,
                              .epilogue = finish});
  GemmArgs<Operand<Patches<T>, true>, Dense<T, false>> args;
  args.a = Patches<T>(input, s.batch, forward_axis(g.h), forward_axis(g.w), s.group_in, s.in);
  args.k = args.a.cols;
  args.b = {filter, args.k, s.group_out, s.out};
  args.a_batch = s.group_in;
  args.b_batch = s.group_out;
  args.out.data = output;
  args.out.rows.ld = s.out;
  args.out.batch = s.group_out;
  args.out.m = args.a.rows;
  args.out.n = s.group_out;
  args.out.epilogue = finish;
  Boxes<T> boxes;
  boxes.matrix = {filter, false, s.out, args.k, s.out, 1, 0};
  boxes.how.batch = s.group_out;
  run(place, args, g.groups, boxes);
}

template <class T>
void conv_input_grad(const Place& place, const ConvGeometry& g, const T* filter, const T* grad, T* dinput) {
  const Sizes s(g);
  if (is_product(g))
    return matrix_product<T>(place, g.groups,
                             {.m = g.batch * g.h.in * g.w.in,
                              .n = s.group_in,
                              .k = s.group_out,
                              .a = grad,
                              .b = filter,
                              .c = dinput,
                              .transpose_b = true,
                              .lda = s.out,
                              .ldb = s.out,
                              .ldc = s.in,
                              .a_batch = s.group_out,
                              .b_batch = s.group_out,
                              .c_batch = s.group_in,
                              .epilogue = {}});
  const int64_t tap = int64_t{s.group_in} * s.out, line = g.w.in * s.in;
  for (int64_t py = 0; py < std::min(g.h.stride, g.h.in); ++py)
    for (int64_t px = 0; px < std::min(g.w.stride, g.w.in); ++px) {
      const GradPhase y = input_grad_axis(g.h, py), x = input_grad_axis(g.w, px);
      GemmArgs<Operand<Patches<T>, true>, Operand<FilterTaps<T>, true>> args;
      args.a = Patches<T>(grad, s.batch, y.axis, x.axis, s.group_out, s.out);
      args.k = args.a.cols;
      args.b.data = filter + (y.first_tap * g.w.kernel + x.first_tap) * tap;
      args.b.rows = s.group_in;
      args.b.cols = args.k;
      args.b.channels = FastDiv(std::max(1, s.group_out));
      args.b.taps_w = FastDiv(std::max(1, x.axis.taps));
      args.b.row_stride = s.out;
      args.b.tap_h = y.tap_step * g.w.kernel * tap;
      args.b.tap_w = x.tap_step * tap;
      args.a_batch = s.group_out;
      args.b_batch = s.group_out;
      OutputRows& rows = args.out.rows;
      rows.ld = s.in;
      rows.pixels = g.h.stride > 1 || g.w.stride > 1;
      rows.height = FastDiv(std::max(1, y.axis.out));
      rows.width = FastDiv(std::max(1, x.axis.out));
      rows.first = py * line + px * s.in;
      rows.image = g.h.in * line;
      rows.line = g.h.stride * line;
      rows.pixel = g.w.stride * s.in;
      args.out.data = dinput;
      args.out.batch = s.group_in;
      args.out.m = args.a.rows;
      args.out.n = s.group_in;
      Boxes<T> boxes;
      boxes.taps = boxes.how.by_taps = true;
      boxes.how.batch = s.group_out;
      boxes.how.channels = args.b.channels;
      boxes.how.taps_w = args.b.taps_w;
      boxes.how.first_tap = y.first_tap * static_cast<int>(g.w.kernel) + x.first_tap;
      boxes.how.tap_h = y.tap_step * static_cast<int>(g.w.kernel);
      boxes.how.tap_w = x.tap_step;
      constexpr int64_t kSize = sizeof(T);
      if constexpr (kSize < 8)
        boxes.shape = {tensor_element<T>(),     filter,        s.out,       s.group_in,
                       g.h.kernel * g.w.kernel, s.out * kSize, tap * kSize, 128};
      run(place, args, g.groups, boxes);
    }
}

template <class T>
void conv_filter_grad(const Place& place, const ConvGeometry& g, const T* input, const T* grad, T* dfilter) {
  const Sizes s(g);
  if (is_product(g))
    return matrix_product<T>(place, g.groups,
                             {.m = s.group_in,
                              .n = s.group_out,
                              .k = g.batch * g.h.in * g.w.in,
                              .a = input,
                              .b = grad,
                              .c = dfilter,
                              .transpose_a = true,
                              .lda = s.in,
                              .ldb = s.out,
                              .ldc = s.out,
                              .a_batch = s.group_in,
                              .b_batch = s.group_out,
                              .c_batch = s.group_out,
                              .epilogue = {}});
  GemmArgs<Operand<Patches<T>, false>, Dense<T, false>> args;
  args.a = Patches<T>(input, s.batch, forward_axis(g.h), forward_axis(g.w), s.group_in, s.in);
  args.k = args.a.rows;
  args.b = {grad, args.k, s.group_out, s.out};
  args.a_batch = s.group_in;
  args.b_batch = s.group_out;
  args.out.data = dfilter;
  args.out.rows.ld = s.out;
  args.out.batch = s.group_out;
  args.out.m = args.a.cols;
  args.out.n = s.group_out;
  Boxes<T> boxes;
  boxes.matrix = {grad, false, s.out, args.k, s.out, 1, 0};
  boxes.how.batch = s.group_out;
  run(place, args, g.groups, boxes);
}

#define TFMINI_CONV(T)                                                                                       \
  template void conv_forward(const Place&, const ConvGeometry&, const T*, const T*, T*, const Epilogue<T>&); \
  template void conv_input_grad(const Place&, const ConvGeometry&, const T*, const T*, T*);                  \
  template void conv_filter_grad(const Place&, const ConvGeometry&, const T*, const T*, T*);
TFMINI_CONV(float)
TFMINI_CONV(double)
TFMINI_CONV(Half)
TFMINI_CONV(BFloat16)
#undef TFMINI_CONV

}  // namespace tfmini::cuda
