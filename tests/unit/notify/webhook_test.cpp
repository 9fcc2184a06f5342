#include "jobcast/notify/webhook.hpp"

#include <doctest/doctest.h>

using namespace jobcast::notify;

namespace {

delivery example() {
  return {.id = "hook.shop/1/done/5/a",
          .channel = "hook.shop",
          .job = "a",
          .type = "export",
          .status = "done",
          .attempt = 1,
          .tries = 1,
          .claim = "1",
          .created = 5,
          .finished = 784'111'777'042,
          .record = R"({"id":"a"})"};
}

const std::vector<std::string> secrets{"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};

std::string problem_of(std::string_view url, const std::vector<std::string>& allowed = {}) {
  return check_webhook_url(url, address_rules(allowed));
}

} // namespace

TEST_CASE("the body tells what happened, when, and holds the record as it is") {
  CHECK(webhook_body(example()) == R"({"type":"job.done","timestamp":"1994-11-06T08:49:37.042Z","data":{"id":"a"}})");
}

TEST_CASE("a try has the message's id, its own time and a signature over both") {
  auto const first = webhook_headers("abc", "{}", 1'614'265'330'999, secrets);
  CHECK(first[0] == "webhook-id: msg_abc");
  CHECK(first[1] == "webhook-timestamp: 1614265330");
  CHECK(first[2].starts_with("webhook-signature: v1,"));
  auto const second = webhook_headers("abc", "{}", 1'614'265'335'000, secrets);
  CHECK(second[0] == first[0]);
  CHECK(second[1] == "webhook-timestamp: 1614265335");
  CHECK(second[2] != first[2]);
}

TEST_CASE("the identity is of the outcome, not of the try, and differs for anything else") {
  auto const of = [](auto change) {
    auto d = example();
    change(d);
    return identity(d, "jobcast");
  };
  auto const same = of([](delivery&) {});
  CHECK(of([](delivery& d) { d.tries = 7, d.claim = "9", d.channel = "email"; }) == same);
  CHECK(of([](delivery& d) { d.attempt = 2; }) != same);
  CHECK(of([](delivery& d) { d.status = "failed"; }) != same);
  CHECK(of([](delivery& d) { d.job = "b"; }) != same);
  CHECK(of([](delivery& d) { d.created = 6; }) != same);
  CHECK(identity(example(), "other") != same);
}

TEST_CASE("http and https URLs are taken") {
  for (auto const url : {"https://example.com/hook?key=1", "http://example.com:8080", "https://[2606:4700::1111]/",
                         "HTTPS://EXAMPLE.com"}) {
    CAPTURE(url);
    CHECK(problem_of(url) == "");
  }
}

TEST_CASE("URLs that are none, or of another scheme, are refused") {
  for (std::string const url : {"", "example.com", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com",
                                "https://", "https://exa mple.com/", "https://example.com/\r\nX: y",
                                "https://ex\u00e4mple.com/", "https://example.com:99999/"}) {
    CAPTURE(url);
    CHECK(problem_of(url) != "");
  }
  CHECK(problem_of("https://user:secret@example.com/").find("user") != std::string::npos);
  CHECK(problem_of("https://example.com/" + std::string(2000, 'x')) == "may have 2000 bytes");
}

TEST_CASE("internal addresses are refused however they are written") {
  for (auto const url :
       {"http://127.0.0.1/", "http://2130706433/", "http://0x7f.1/", "http://017700000001/", "http://127.1/",
        "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[fe80::1%25eth0]/", "http://169.254.169.254/latest/"}) {
    CAPTURE(url);
    CHECK(problem_of(url).find("internal address") != std::string::npos);
  }
  CHECK(problem_of("http://127.0.0.1/", {"127.0.0.0/8"}) == "");
}

TEST_CASE("of a URL only its origin is logged") {
  CHECK(loggable("https://hooks.example.com/T0K3N?secret=1") == "https://hooks.example.com");
  CHECK(loggable("http://example.com:8080/x") == "http://example.com:8080");
}
