// Assert and Print: looking at values while a graph runs.
#include <atomic>
#include <cstdio>

#include "core/format.h"
#include "core/registry.h"

namespace tfmini {
namespace {

class Assert {
 public:
  explicit Assert(const Attrs& a) : summarize_(a.integer("summarize")) {}
  void operator()(KernelContext& c) const {
    if (*c.in<bool>(0)) return;
    std::string text = "assertion failed:";
    for (int i = 1; i < c.num_inputs(); ++i) text += " " + summarize(c.input(i), summarize_);
    invalid_argument(text);
  }

 private:
  int64_t summarize_;
};

class Print {
 public:
  explicit Print(const Attrs& a)
      : message_(a.string("message")), first_n_(a.integer("first_n")), summarize_(a.integer("summarize")) {}
  void operator()(KernelContext& c) const {
    auto& count = static_cast<Count&>(c.session_state(&make_count, nullptr)).value;
    if (first_n_ < 0 || count.fetch_add(1) < first_n_) {
      std::string text = message_;
      for (int i = 1; i < c.num_inputs(); ++i) {
        const std::string value = summarize(c.input(i), summarize_);
        text += c.input(i).rank() == 0 ? "[" + value + "]" : value;
      }
      std::fprintf(stderr, "%s\n", text.c_str());
    }
    c.set_output(0, c.take_input(0));
  }

 private:
  struct Count final : SessionState {
    std::atomic<int64_t> value{0};
  };
  static std::unique_ptr<SessionState> make_count(const void*) { return std::make_unique<Count>(); }

  std::string message_;
  int64_t first_n_, summarize_;
};

void assert_shape(InferContext& c) { c.with_rank(0, 0); }

}  // namespace

void register_checks(Registry& r) {
  r.op("Assert")
      .input("condition: bool")
      .input("data: T")
      .attr("T: list(type)")
      .attr("summarize: int = 3")
      .shape(assert_shape)
      .stateful()
      .host_input(0);
  r.kernel<Assert>("Assert", DeviceKind::kCPU, DType::kInvalid);
  r.op("Print")
      .input("input: T")
      .input("data: U")
      .output("output: T")
      .attr("T: type")
      .attr("U: list(type)")
      .attr("message: string = ''")
      .attr("first_n: int = -1")
      .attr("summarize: int = 3")
      .shape(shapes::unchanged)
      .stateful()
      .dynamic_output()
      .keeps_inputs();
  r.kernel<Print>("Print", DeviceKind::kCPU, DType::kInvalid);
}

}  // namespace tfmini
