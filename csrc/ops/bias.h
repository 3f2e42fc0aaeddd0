// What the bias kernels of all devices know about channels.
#pragma once

#include "core/attrs.h"
#include "core/shape.h"

namespace tfmini {

inline bool channels_first(const Attrs& attrs) {
  return attrs.has("data_format") && attrs.string("data_format") == "NCHW";
}

// A value seen as [outer, channels, inner].
struct ChannelLayout {
  int64_t outer, channels, inner;
  ChannelLayout(const Shape& s, bool first)
      : outer(first ? s[0] : s.product(0, s.rank() - 1)),
        channels(first ? s[1] : s.dim(-1)),
        inner(first ? s.product(2, s.rank()) : 1) {}
};

}  // namespace tfmini
