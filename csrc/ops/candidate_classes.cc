// The two class distributions with tables; see candidate_sampler.h.
#include <bit>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "core/error.h"
#include "ops/candidate_sampler.h"

namespace tfmini {

LearnedClasses::LearnedClasses(int64_t range)
    : range(range),
      leaves_(static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(range)))),
      tree_(static_cast<size_t>(2 * leaves_), 0) {
  for (int64_t i = 0; i < range; ++i) tree_[leaves_ + i] = 1;
  for (int64_t i = leaves_ - 1; i > 0; --i) tree_[i] = tree_[2 * i] + tree_[2 * i + 1];
}

int64_t LearnedClasses::sample(PhiloxStream& random) const {
  int32_t rest = static_cast<int32_t>(random.below(static_cast<uint32_t>(tree_[1])));
  int64_t node = 1;
  while (node < leaves_) {
    node *= 2;
    if (rest >= tree_[node]) rest -= tree_[node++];
  }
  return node - leaves_;
}

void LearnedClasses::learn(const int64_t* classes, int64_t n) {
  for (int64_t i = 0; i < n && tree_[1] < std::numeric_limits<int32_t>::max(); ++i)
    for (int64_t node = leaves_ + classes[i]; node > 0; node /= 2) ++tree_[node];
}

FixedClasses::FixedClasses(int64_t range, const std::vector<float>& unigrams, const Options& o) : range(range) {
  check(o.shard < o.num_shards, "shard ", o.shard, " is not below num_shards ", o.num_shards);
  for (int64_t id = 0; id < o.reserved; ++id)
    if (id % o.num_shards == o.shard) weights_.push_back(0.0f);
  // TensorFlow numbers the listed words from the count of reserved ids in this shard.
  int64_t id = static_cast<int64_t>(weights_.size());
  for (float weight : unigrams)
    if (id++ % o.num_shards == o.shard) add(std::pow(weight, o.distortion));
  check(range == static_cast<int64_t>(weights_.size()), "range_max is ", range, ", but the vocabulary has ",
        weights_.size(), " classes (reserved ids included)");
  check(range < std::numeric_limits<int32_t>::max(), "range_max ", range, " is too large");
  check(possible_ > 0, "all classes have weight 0");
  build_buckets();
}

void FixedClasses::add(float weight) {
  check(std::isfinite(weight) && weight >= 0.0f, "weight ", weight, " of class ", weights_.size(),
        " is negative or not finite");
  weights_.push_back(weight);
  total_ += weight;
  if (weight > 0.0f) ++possible_;
}

// Fills every bucket that has less than its share 1/n from one that has more.
void FixedClasses::build_buckets() {
  const size_t n = weights_.size();
  buckets_.resize(n);
  double sum = 0.0;
  for (float w : weights_) sum += w;
  std::vector<double> share(n);
  std::vector<size_t> high, low;
  for (size_t i = 0; i < n; ++i) {
    share[i] = static_cast<double>(weights_[i] * static_cast<float>(n)) / sum;
    (share[i] < 1.0 ? low : high).push_back(i);
  }
  while (!high.empty() && !low.empty()) {
    const size_t l = low.back(), h = high.back();
    low.pop_back();
    high.pop_back();
    buckets_[l].alias = static_cast<int32_t>(h);
    share[h] -= 1.0 - share[l];
    (share[h] < 1.0 ? low : high).push_back(h);
  }
  // What is left over differs from 1 by rounding only: it keeps its whole bucket.
  for (size_t i = 0; i < n; ++i) buckets_[i].keep = static_cast<float>(share[i]);
  for (const auto* rest : {&high, &low})
    for (size_t i : *rest) buckets_[i] = Bucket{};
}

std::vector<float> FixedClasses::read_vocabulary(const std::string& path) {
  std::ifstream in(path);
  if (!in) fail(Code::kNotFound, "cannot open vocab_file '", path, "'");
  std::vector<float> weights;
  for (std::string line; std::getline(in, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    const char* field = line.c_str() + (line.rfind(',') == std::string::npos ? 0 : line.rfind(',') + 1);
    char* end = nullptr;
    const float weight = std::strtof(field, &end);
    check(end != field && *end == '\0', "vocab_file line ", weights.size() + 1, " '", line,
          "' does not end in a number");
    weights.push_back(weight);
  }
  return weights;
}

}  // namespace tfmini
