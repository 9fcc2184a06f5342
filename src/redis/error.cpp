#include "jobcast/redis/client.hpp"

namespace jobcast::redis {

namespace {

// Boost's own base has a public destructor that is not virtual; the one instance is never deleted through it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
struct category final : boost::system::error_category {
  const char* name() const noexcept override { return "redis"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
    case errc::unavailable:
      return "no connection to Redis";
    case errc::lost:
      return "the connection to Redis was lost before the answer came";
    case errc::stopped:
      return "the Redis client was stopped";
    }
    return "unknown Redis error";
  }
};
#pragma GCC diagnostic pop

} // namespace

const boost::system::error_category& redis_category() {
  static const category instance;
  return instance;
}

} // namespace jobcast::redis
