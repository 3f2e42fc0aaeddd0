// How a convolution is cut into tasks: ranges of its pixels times splits of its panels of channels.
#pragma once

#include <cstdint>

namespace tfmini::conv {

struct Splitting {
  int64_t units;              // pixels, or tiles of them
  int64_t panels;             // of destination channels
  int64_t others;             // independent parts, cut alike
  int64_t least, most;        // ranges: so that one fits a cache; so that one is worth it
  double products;            // multiply-adds of a unit with a panel
  double range_bytes;         // read anew for every range: the filter
  double split_bytes;         // read anew for every split: the images
  double split_products = 0;  // done anew for every split, in multiply-adds
};

struct Split {
  int64_t ranges, splits;
};

// The one that should take the least time on max_threads() threads.
Split choose_split(const Splitting& s);

}  // namespace tfmini::conv
