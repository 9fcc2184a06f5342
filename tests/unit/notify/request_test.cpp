#include "jobcast/notify/request.hpp"

#include <doctest/doctest.h>

using namespace jobcast;
using namespace jobcast::notify;

namespace {

notify_settings config() {
  notify_settings c;
  c.secrets = {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
  c.smtp_url = "smtp://relay.example.com";
  return c;
}

std::string field_at_fault(std::string_view json, const notify_settings& c = config()) {
  auto const problem = check_request(json, c);
  return problem ? problem->field : "";
}

} // namespace

TEST_CASE("a job may name a webhook, an address, both or none") {
  CHECK(field_at_fault(R"({"webhook":"https://example.com/hook"})") == "");
  CHECK(field_at_fault(R"({"email":"zoe@example.com"})") == "");
  CHECK(field_at_fault(R"({"webhook":"https://example.com/hook","email":"zoe@example.com"})") == "");
  CHECK(field_at_fault("{}") == "");
}

TEST_CASE("what is wrong is named") {
  CHECK(field_at_fault("[]") == "notify");
  CHECK(field_at_fault("\"zoe@example.com\"") == "notify");
  CHECK(field_at_fault(R"({"mail":"zoe@example.com"})") == "notify.mail");
  CHECK(field_at_fault(R"({"webhook":7})") == "notify.webhook");
  CHECK(field_at_fault(R"({"webhook":"ftp://example.com"})") == "notify.webhook");
  CHECK(field_at_fault(R"({"webhook":"http://10.0.0.1/"})") == "notify.webhook");
  CHECK(field_at_fault(R"({"email":"zoe"})") == "notify.email");
  CHECK(field_at_fault(R"({"email":"Zoe <zoe@example.com>"})") == "notify.email");
  CHECK(field_at_fault(R"({"email":"zoe@example.com\r\nBcc: eve@example.com"})") == "notify.email");
  CHECK(field_at_fault(R"({"email":"zoe@example.com","email":"eve@example.com"})") == "notify.email");
  CHECK(field_at_fault(R"({"email":"zoe@example.com","webhook":"https://example.com","email":"eve@example.com"})") ==
        "notify.email");
}

TEST_CASE("what this gateway cannot deliver is refused with the key to set") {
  auto c = config();
  c.secrets.clear();
  CHECK(check_request(R"({"webhook":"https://example.com"})", c)->detail.find("notify.secrets") != std::string::npos);
  c = config();
  c.smtp_url.clear();
  CHECK(check_request(R"({"email":"zoe@example.com"})", c)->detail.find("notify.smtp_url") != std::string::npos);
}
