// The distributions over class numbers [0, range) that candidate samplers draw from. Each gives
// TensorFlow's ids and probabilities for the same stream of random words.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/philox.h"

namespace tfmini {

struct UniformClasses {
  explicit UniformClasses(int64_t range)
      : range(range), probability_(static_cast<float>(1.0 / static_cast<double>(range))) {}
  int64_t sample(PhiloxStream& random) const {
    return static_cast<int64_t>(random.below64(static_cast<uint64_t>(range)));
  }
  float probability(int64_t) const { return probability_; }

  int64_t range;

 private:
  float probability_;
};

// Approximately Zipfian: P(k) = log((k + 2) / (k + 1)) / log(range + 1), for classes sorted by frequency.
struct LogUniformClasses {
  explicit LogUniformClasses(int64_t range) : range(range), log_range_(std::log1p(static_cast<double>(range))) {}
  int64_t sample(PhiloxStream& random) const {
    // The remainder catches a rounding of exp() up to range + 1.
    return (static_cast<int64_t>(std::exp(random.next_double() * log_range_)) - 1) % range;
  }
  float probability(int64_t k) const {
    const double x = static_cast<double>(k);
    return static_cast<float>(std::log((x + 2.0) / (x + 1.0)) / log_range_);
  }

  int64_t range;

 private:
  double log_range_;
};

// Weights that grow with the true classes seen: a binary tree of partial sums, the root at 1.
class LearnedClasses {
 public:
  explicit LearnedClasses(int64_t range);
  int64_t sample(PhiloxStream& random) const;
  float probability(int64_t k) const { return static_cast<float>(tree_[leaves_ + k]) / static_cast<float>(tree_[1]); }
  // One more occurrence of each; stops before the total overflows.
  void learn(const int64_t* classes, int64_t n);

  int64_t range;

 private:
  int64_t leaves_;  // a power of two >= range
  std::vector<int32_t> tree_;
};

// Given weights, raised to a power, by Walker's alias method: O(1) a sample.
class FixedClasses {
 public:
  struct Options {
    float distortion;
    int64_t reserved, num_shards, shard;  // ids [0, reserved) are never drawn; ids of other shards are left out
  };
  FixedClasses(int64_t range, const std::vector<float>& unigrams, const Options& options);
  int64_t sample(PhiloxStream& random) const {
    const float r = random.next_float();
    const Bucket& b = buckets_[random.below(static_cast<uint32_t>(buckets_.size()))];
    return r < b.keep ? &b - buckets_.data() : b.alias;
  }
  float probability(int64_t k) const { return weights_[static_cast<size_t>(k)] / total_; }
  int64_t num_possible() const { return possible_; }

  // The last comma-separated field of every line.
  static std::vector<float> read_vocabulary(const std::string& path);

  int64_t range;

 private:
  struct Bucket {
    float keep = 1.0f;
    int32_t alias = -1;
  };
  void add(float weight);
  void build_buckets();
  std::vector<float> weights_;
  float total_ = 0.0f;
  int64_t possible_ = 0;  // classes of positive weight
  std::vector<Bucket> buckets_;
};

}  // namespace tfmini
