// What the benchmark programs share. A program is a list of rows:
//
//   int main(int argc, char** argv) {
//     tfmini::bench::Suite suite(argc, argv, "Matrix products.");
//     suite.row("relu_4M", {.flops = 0, .bytes = 8.0 * n}, [=] {
//       auto data = std::make_shared<std::vector<float>>(n);  // made when the row's turn comes, gone after it
//       return [=] { relu(data->data(), n); };                // what is timed
//     });
//     return suite.run();
//   }
//
// Where Google Benchmark is installed, it does the timing and its own options (--benchmark_format=json, ...) work too.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace tfmini::bench {

// What one call does at least. Zero: not worth a column.
struct Work {
  double flops = 0;
  double bytes = 0;
};

class Suite {
 public:
  using Call = std::function<void()>;
  // Where a program's rows run. On the GPU, what is timed only queues work; the harness waits for it.
  enum class On { kCpu, kGpu };

  // Reads the options (--help lists them); ends the program when they are wrong or only ask for help, and when there is
  // no GPU to run on.
  Suite(int argc, char** argv, const char* what, On on = On::kCpu);

  void row(std::string name, Work work, std::function<Call()> make);

  // Times the rows asked for and prints them; the program's exit status.
  int run();

 private:
  struct Row {
    std::string name;
    Work work;
    std::function<Call()> make;
  };

  std::vector<Row> rows_;
  std::vector<char*> left_over_;  // options for Google Benchmark
  std::string only_;
  On on_;
  Call settle_;  // waits for what was queued
  double budget_ = 0.5;
  bool list_ = false;
};

}  // namespace tfmini::bench
