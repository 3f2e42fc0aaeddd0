// Checked errors. Every failure the runtime can report is an Error with one of TensorFlow's
// status codes; the bindings map the code to the tf.errors class of the same name.
#pragma once

#include <exception>
#include <sstream>
#include <string>
#include <utility>

namespace tfmini {

// Values are those of TensorFlow's error codes (and of google.rpc.Code).
enum class Code : int {
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
};

class Error : public std::exception {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  const char* what() const noexcept override { return message_.c_str(); }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }

  // The graph node at fault; set once, by the innermost frame that knows it.
  const std::string& node() const { return node_; }
  void set_node(const std::string& node) {
    if (node_.empty()) node_ = node;
  }

 private:
  Code code_;
  std::string message_;
  std::string node_;
};

// An InvalidArgument that Python reports as TypeError while a graph is built.
class TypeMismatch : public Error {
 public:
  explicit TypeMismatch(std::string message) : Error(Code::kInvalidArgument, std::move(message)) {}
};

namespace detail {
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}
}  // namespace detail

template <class... Parts>
[[noreturn]] void fail(Code code, const Parts&... parts) {
  throw Error(code, detail::concat(parts...));
}

template <class... Parts>
[[noreturn]] void invalid_argument(const Parts&... parts) {
  fail(Code::kInvalidArgument, parts...);
}

// Throws InvalidArgumentError with the concatenated parts unless `ok`.
template <class... Parts>
inline void check(bool ok, const Parts&... parts) {
  if (!ok) [[unlikely]]
    invalid_argument(parts...);
}

}  // namespace tfmini
