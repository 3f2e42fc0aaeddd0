// CRC-32C (Castagnoli), the checksum of TFRecords and of TensorFlow's checkpoints.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tfmini {

// The checksum of `size` bytes that follow bytes whose checksum is `crc` (0 for none).
uint32_t crc32c(const void* data, size_t size, uint32_t crc = 0);

}  // namespace tfmini
