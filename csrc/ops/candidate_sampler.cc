// Candidate samplers (classes to contrast with the true ones in sampled losses) and
// ComputeAccidentalHits.
#include "ops/candidate_sampler.h"

#include <algorithm>
#include <bit>
#include <cfloat>
#include <limits>
#include <memory>
#include <mutex>

#include "core/registry.h"
#include "ops/random.h"

namespace tfmini {
namespace {

// Ids mapped to small numbers, by open addressing: a few hundred ids, rebuilt every run.
class IdTable {
 public:
  explicit IdTable(int64_t capacity) : slots_(std::bit_ceil(static_cast<uint64_t>(2 * capacity + 1)), Slot{0, kFree}) {}
  // False if the id was there already; its value is replaced either way.
  bool set(int64_t id, int32_t value) {
    Slot& s = slot(id);
    const bool added = s.value == kFree;
    s = {id, value};
    return added;
  }
  // -1 if absent.
  int32_t find(int64_t id) { return slot(id).value; }

 private:
  static constexpr int32_t kFree = -1;
  struct Slot {
    int64_t id;
    int32_t value;
  };
  Slot& slot(int64_t id) {
    const size_t mask = slots_.size() - 1;
    size_t i = static_cast<size_t>(static_cast<uint64_t>(id) * 0x9E3779B97F4A7C15u >> 20) & mask;
    while (slots_[i].value != kFree && slots_[i].id != id) i = (i + 1) & mask;
    return slots_[i];
  }
  std::vector<Slot> slots_;
};

void sampler_shape(InferContext& c) {
  const Shape classes = c.with_rank(0, 2);
  const Attrs& a = c.attrs();
  const int64_t num_true = a.integer("num_true"), num_sampled = a.integer("num_sampled");
  check(classes[1] == num_true || classes[1] == Shape::kUnknownDim, "true_classes of shape ", classes,
        " must have num_true = ", num_true, " columns");
  if (a.has("range_max")) {
    check(a.integer("range_max") > 0, "range_max must be positive, got ", a.integer("range_max"));
    check(!a.flag("unique") || num_sampled <= a.integer("range_max"), "cannot draw num_sampled = ", num_sampled,
          " unique classes from range_max = ", a.integer("range_max"));
  }
  c.set_output(0, {num_sampled});
  c.set_output(1, {classes[0], num_true});
  c.set_output(2, {num_sampled});
}

// How often a class of probability p is expected among n samples that took `tries` draws.
float expected_count(float p, int n, int tries) {
  if (tries == n) return p * static_cast<float>(n);
  return -std::expm1(static_cast<float>(tries) * std::log1p(-p));
}

template <class Classes>
void check_true_classes(const KernelContext& c, const Classes& classes) {
  const int64_t* id = c.in<int64_t>(0);
  for (int64_t i = 0; i < c.input(0).num_elements(); ++i)
    check(id[i] >= 0 && id[i] < classes.range, "true_classes[", i / c.input(0).dim(1), ",", i % c.input(0).dim(1),
          "] = ", id[i], " is not in [0, ", classes.range, ")");
}

template <class Classes>
void sample(KernelContext& c, const Classes& classes, bool unique, RandomState& state) {
  check_true_classes(c, classes);
  const int n = static_cast<int>(c.output(0).num_elements());
  PhiloxStream random(state.reserve_words(2048 * static_cast<uint64_t>(n)));
  int64_t* ids = c.out<int64_t>(0);
  int tries = 0;
  if (unique) {
    IdTable seen(n);
    for (int picked = 0; picked < n; ++tries) {
      if (tries == std::numeric_limits<int>::max()) fail(Code::kResourceExhausted, "gave up after 2^31 draws");
      const int64_t id = classes.sample(random);
      if (seen.set(id, 0)) ids[picked++] = id;
    }
  } else {
    for (; tries < n; ++tries) ids[tries] = classes.sample(random);
  }
  const auto counts = [&](const int64_t* id, const Tensor& like, float* out) {
    for (int64_t i = 0; i < like.num_elements(); ++i) out[i] = expected_count(classes.probability(id[i]), n, tries);
  };
  counts(c.in<int64_t>(0), c.input(0), c.out<float>(1));
  counts(ids, c.output(0), c.out<float>(2));
}

template <class Classes>
class Sampler {
 public:
  explicit Sampler(const Attrs& a) : classes_(a.integer("range_max")), seeds_(a), unique_(a.flag("unique")) {}
  void operator()(KernelContext& c) const { sample(c, classes_, unique_, seeds_.state(c)); }

 private:
  Classes classes_;
  Seeds seeds_;
  bool unique_;
};

// The weights are part of the session: they learn from run to run.
class LearnedSampler {
 public:
  explicit LearnedSampler(const Attrs& a) : seeds_(a), range_(a.integer("range_max")), unique_(a.flag("unique")) {
    check(range_ < std::numeric_limits<int32_t>::max() / 2, "range_max ", range_,
          " is too large for a learned sampler");
  }
  void operator()(KernelContext& c) const {
    const auto make = [](const void* self) -> std::unique_ptr<SessionState> {
      return std::make_unique<State>(*static_cast<const LearnedSampler*>(self));
    };
    State& state = static_cast<State&>(c.session_state(make, this));
    std::lock_guard lock(state.mutex);
    sample(c, state.classes, unique_, state.random);
    state.classes.learn(c.in<int64_t>(0), c.input(0).num_elements());
  }

 private:
  struct State : SessionState {
    explicit State(const LearnedSampler& s) : random(s.seeds_.generator()), classes(s.range_) {}
    std::mutex mutex;
    RandomState random;
    LearnedClasses classes;
  };
  Seeds seeds_;
  int64_t range_;
  bool unique_;
};

class FixedSampler {
 public:
  explicit FixedSampler(const Attrs& a)
      : classes_(a.integer("range_max"), weights(a),
                 {a.real("distortion"), a.integer("num_reserved_ids"), a.integer("num_shards"), a.integer("shard")}),
        seeds_(a),
        unique_(a.flag("unique")) {
    check(!unique_ || a.integer("num_sampled") <= classes_.num_possible(),
          "cannot draw num_sampled = ", a.integer("num_sampled"), " unique classes: only ", classes_.num_possible(),
          " have a positive weight");
  }
  void operator()(KernelContext& c) const { sample(c, classes_, unique_, seeds_.state(c)); }

 private:
  static std::vector<float> weights(const Attrs& a) {
    const std::string& file = a.string("vocab_file");
    const auto& unigrams = a.get<std::vector<float>>("unigrams");
    check(file.empty() != unigrams.empty(), "give either vocab_file or unigrams");
    return file.empty() ? unigrams : FixedClasses::read_vocabulary(file);
  }
  FixedClasses classes_;
  Seeds seeds_;
  bool unique_;
};

// All classes [0, num_sampled), for comparing sampled with full losses.
void all_candidates(KernelContext& c) {
  struct All {
    int64_t range;
  } all{c.output(0).num_elements()};
  check_true_classes(c, all);
  for (int64_t i = 0; i < all.range; ++i) c.out<int64_t>(0)[i] = i;
  std::fill_n(c.out<float>(1), c.output(1).num_elements(), 1.0f);
  std::fill_n(c.out<float>(2), c.output(2).num_elements(), 1.0f);
}

void hits_shape(InferContext& c) {
  const Shape classes = c.with_rank(0, 2);
  const int64_t num_true = c.attrs().integer("num_true");
  check(classes[1] == num_true || classes[1] == Shape::kUnknownDim, "true_classes of shape ", classes,
        " must have num_true = ", num_true, " columns");
  c.with_rank(1, 1);
  for (int i = 0; i < 3; ++i) c.set_output(i, Shape::unknown_of_rank(1));
}

// Positions (row, sample) where a sampled class equals a true one of the row; of equal samples the
// last. The weight removes the sample from a softmax when added to its logit.
void compute_accidental_hits(KernelContext& c) {
  const int64_t rows = c.input(0).dim(0), num_true = c.input(0).dim(1), num_sampled = c.input(1).dim(0);
  const int64_t* classes = c.in<int64_t>(0);
  const int64_t* sampled = c.in<int64_t>(1);
  IdTable position(num_sampled);
  for (int64_t i = 0; i < num_sampled; ++i) position.set(sampled[i], static_cast<int32_t>(i));
  std::vector<std::pair<int32_t, int32_t>> hits;
  for (int64_t i = 0; i < rows * num_true; ++i)
    if (const int32_t at = position.find(classes[i]); at >= 0)
      hits.emplace_back(static_cast<int32_t>(i / num_true), at);
  const Shape shape{static_cast<int64_t>(hits.size())};
  int32_t* row = c.allocate_output(0, shape).data<int32_t>();
  int64_t* id = c.allocate_output(1, shape).data<int64_t>();
  float* weight = c.allocate_output(2, shape).data<float>();
  for (size_t i = 0; i < hits.size(); ++i) {
    row[i] = hits[i].first;
    id[i] = hits[i].second;
    weight[i] = -FLT_MAX;
  }
}

OpBuilder sampler_op(Registry& r, const char* name) {
  return r.op(name)
      .input("true_classes: int64")
      .output("sampled_candidates: int64")
      .output("true_expected_count: float")
      .output("sampled_expected_count: float")
      .attr("num_true: int >= 1")
      .attr("num_sampled: int >= 1")
      .attr("unique: bool")
      .attr("seed: int = 0")
      .attr("seed2: int = 0")
      .stateful()
      .shape(sampler_shape);
}

}  // namespace

void register_candidate_sampler(Registry& r) {
  constexpr DeviceKind kCPU = DeviceKind::kCPU;
  constexpr DType kAny = DType::kInvalid;
  for (const char* name : {"UniformCandidateSampler", "LogUniformCandidateSampler", "LearnedUnigramCandidateSampler",
                           "ThreadUnsafeUnigramCandidateSampler"})
    sampler_op(r, name).attr("range_max: int >= 1");
  r.kernel<Sampler<UniformClasses>>("UniformCandidateSampler", kCPU, kAny);
  r.kernel<Sampler<LogUniformClasses>>("LogUniformCandidateSampler", kCPU, kAny);
  r.kernel<LearnedSampler>("LearnedUnigramCandidateSampler", kCPU, kAny);
  r.kernel<LearnedSampler>("ThreadUnsafeUnigramCandidateSampler", kCPU, kAny);

  sampler_op(r, "FixedUnigramCandidateSampler")
      .attr("range_max: int >= 1")
      .attr("vocab_file: string = ''")
      .attr("distortion: float = 1.0")
      .attr("num_reserved_ids: int = 0")
      .attr("num_shards: int >= 1 = 1")
      .attr("shard: int >= 0 = 0")
      .attr("unigrams: list(float) = []");
  r.kernel<FixedSampler>("FixedUnigramCandidateSampler", kCPU, kAny);

  sampler_op(r, "AllCandidateSampler");
  r.kernel("AllCandidateSampler", kCPU, kAny, all_candidates);

  r.op("ComputeAccidentalHits")
      .input("true_classes: int64")
      .input("sampled_candidates: int64")
      .output("indices: int32")
      .output("ids: int64")
      .output("weights: float")
      .attr("num_true: int")
      .attr("seed: int = 0")
      .attr("seed2: int = 0")
      .dynamic_output()
      .shape(hits_shape);
  r.kernel("ComputeAccidentalHits", kCPU, kAny, compute_accidental_hits);
}

}  // namespace tfmini
