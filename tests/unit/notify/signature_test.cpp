#include "jobcast/notify/signature.hpp"

#include <doctest/doctest.h>
#include <vector>

using namespace jobcast::notify;

namespace {

constexpr auto id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr auto timestamp = 1614265330;
constexpr auto body = R"({"test": 2432232314})";
const std::string secret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr auto expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

} // namespace

TEST_CASE("the test vector of Standard Webhooks is signed as published") {
  CHECK(signature(std::vector{secret}, id, timestamp, body) == expected);
  CHECK(signature(std::vector{"whsec_" + secret}, id, timestamp, body) == expected);
}

TEST_CASE("each of several secrets signs, so that a receiver may know only one of them") {
  std::string const next = "whsec_" + base64(std::string(32, 'n'));
  auto const both = signature(std::vector{secret, next}, id, timestamp, body);
  auto const alone = signature(std::vector{next}, id, timestamp, body);
  CHECK(both == std::string(expected) + " " + alone);
}

TEST_CASE("another id, time or body has another signature") {
  std::vector const secrets{secret};
  CHECK(signature(secrets, "msg_other", timestamp, body) != expected);
  CHECK(signature(secrets, id, timestamp + 1, body) != expected);
  CHECK(signature(secrets, id, timestamp, "{}") != expected);
}

TEST_CASE("a secret is base64 of 24 to 64 bytes") {
  CHECK(secret_key("whsec_" + base64(std::string(24, '\0')))->size() == 24);
  CHECK(secret_key(base64(std::string(64, 'x')))->size() == 64);
  for (std::string const& wrong : std::vector<std::string>{
           std::string(), std::string("whsec_"), std::string("whsec_secret"), base64(std::string(23, 'x')),
           base64(std::string(65, 'x')), "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS\n",
           "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS===="}) {
    CAPTURE(wrong);
    CHECK_FALSE(secret_key(wrong));
  }
}
