#include "core/crc32c.h"

#include <array>
#include <bit>
#include <cstring>

namespace tfmini {
namespace {

using Table = std::array<std::array<uint32_t, 256>, 8>;

// table[k][b]: the effect of byte b when k more bytes follow it in an 8-byte step.
constexpr Table make_table() {
  Table table{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    table[0][b] = crc;
  }
  for (size_t k = 1; k < 8; ++k)
    for (uint32_t b = 0; b < 256; ++b) table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 255];
  return table;
}

constexpr Table kTable = make_table();

}  // namespace

uint32_t crc32c(const void* data, size_t size, uint32_t crc) {
  const auto* p = static_cast<const uint8_t*>(data);
  crc = ~crc;
  if constexpr (std::endian::native == std::endian::little) {
    for (; size >= 8; size -= 8, p += 8) {
      uint64_t word;
      std::memcpy(&word, p, 8);
      word ^= crc;
      crc = 0;
      for (size_t k = 0; k < 8; ++k) crc ^= kTable[7 - k][word >> (8 * k) & 255];
    }
  }
  for (; size > 0; --size, ++p) crc = crc >> 8 ^ kTable[0][(crc ^ *p) & 255];
  return ~crc;
}

}  // namespace tfmini
