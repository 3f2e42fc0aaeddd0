// Prints the figures of probe.h as one JSON object: bench_probe [THREADS]
#include "probe.h"

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : probe::cores();
  if (threads < 1) {
    std::fprintf(stderr, "usage: %s [THREADS]   (default: the cores this process may use)\n", argv[0]);
    return 2;
  }
  std::printf("{\"isa\": \"%s\", \"threads\": %d", probe::isa(), threads);
  for (int n : {1, threads}) {
    const char* suffix = n == 1 ? "_1" : "";
    probe::Memory memory(n);
    std::printf(", \"gflops%s\": %.4g", suffix, probe::peak_gflops(n));
    std::printf(", \"read_gbytes%s\": %.4g", suffix, memory.read());
    std::printf(", \"copy_gbytes%s\": %.4g", suffix, memory.copy());
    std::printf(", \"triad_gbytes%s\": %.4g", suffix, memory.triad());
  }
  std::printf("}\n");
}
