#include "conv/split.h"

#include <algorithm>

#include "conv/panels.h"
#include "core/parallel.h"

namespace tfmini::conv {

Split choose_split(const Splitting& s) {
  constexpr double kProducts = 30, kBytes = 10;  // per nanosecond and thread, about
  constexpr double kWaiting = 0.1;               // of a task: how long threads wait for the last one, expected
  constexpr int64_t kTasks = 4;                  // per thread, more are not tried
  const int64_t threads = max_threads(), wanted = kTasks * threads;
  Split best{s.least, 1};
  double least = 0;
  for (int64_t ranges = s.least; ranges <= std::max(s.least, std::min(s.most, s.least + wanted)); ++ranges)
    for (int64_t splits = 1; splits <= std::clamp<int64_t>(ceil_div(wanted, ranges * s.others), 1, s.panels);
         ++splits) {
      const auto rounds = static_cast<double>(ceil_div(ranges * splits * s.others, threads));
      const auto task = static_cast<double>(ceil_div(s.units, ranges) * ceil_div(s.panels, splits)) * s.products;
      const double products =
          (rounds + kWaiting) * task + static_cast<double>(splits) * s.split_products / static_cast<double>(threads);
      const double bytes = static_cast<double>(ranges) * s.range_bytes + static_cast<double>(splits) * s.split_bytes;
      const double time = products / kProducts + bytes / (kBytes * static_cast<double>(threads));
      if (least > 0 && time >= least) continue;
      least = time;
      best = {ranges, splits};
    }
  return best;
}

}  // namespace tfmini::conv
