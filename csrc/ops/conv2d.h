// Window attributes and geometry of two-dimensional convolutions and poolings: the one place where
// strides, dilations, padding and data format become numbers. Shared by conv2d, depthwise_conv2d
// and pool2d, and by their CUDA kernels.
#pragma once

#include "conv/geometry.h"
#include "core/op.h"

namespace tfmini {

// A float image batch's axes in its shape.
struct ImageFormat {
  bool nchw = false;
  int h() const { return nchw ? 2 : 1; }
  int w() const { return nchw ? 3 : 2; }
  int c() const { return nchw ? 1 : 3; }
  Shape shape(int64_t n, int64_t height, int64_t width, int64_t channels) const {
    return nchw ? Shape{n, channels, height, width} : Shape{n, height, width, channels};
  }
};

// "NHWC" or "NCHW".
ImageFormat image_format(const Attrs& attrs);

struct Window2D {
  enum class Padding { kSame, kValid, kExplicit };

  // Reads strides, padding, data_format and, where the op has them, dilations, explicit_paddings
  // and ksize. Throws unless strides and dilations are positive, and 1 for batch and channels.
  explicit Window2D(const Attrs& attrs);

  ImageFormat format;
  int64_t ksize[2] = {1, 1};  // height, width
  int64_t stride[2] = {1, 1};
  int64_t dilation[2] = {1, 1};
  Padding padding = Padding::kValid;
  int64_t explicit_pad[2][2] = {};  // [height, width][before, after]

  // Windows along height (0) or width (1); `in` and `kernel` may be -1 (unknown), then so is `out`
  // unless it does not depend on them. Throws if no window fits.
  WindowAxis axis(int which, int64_t in, int64_t kernel) const;
};

// Geometry of Conv2D for these shapes, which may be partly unknown (-1); throws what TensorFlow
// throws for channels, filters and windows that do not fit each other.
ConvGeometry conv_geometry(const Window2D& window, const Shape& input, const Shape& filter);
// The same with a depthwise filter [height, width, channels, multiplier].
ConvGeometry depthwise_geometry(const Window2D& window, const Shape& input, const Shape& filter);

}  // namespace tfmini
