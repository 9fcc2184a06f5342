#include "jobcast/notify/mailbox.hpp"

#include <doctest/doctest.h>

using namespace jobcast::notify;

TEST_CASE("usual addresses are taken") {
  for (auto const text : {"a@example.com", "first.last+tag@mail.example.co.uk", "o'neil@example.com", "root@localhost",
                          "x_y-z=1@1and1.example", "a@xn--bcher-kva.example"}) {
    CAPTURE(text);
    CHECK(is_address(text));
  }
}

TEST_CASE("what could be more than an address is refused") {
  for (std::string const& text : {std::string(""),
                                  std::string("a"),
                                  std::string("@example.com"),
                                  std::string("a@"),
                                  std::string("a@host"),
                                  std::string("a b@example.com"),
                                  std::string("a@example.com\r\nBcc: b@example.com"),
                                  std::string("a@example.com\n"),
                                  std::string("a\0@example.com", 14),
                                  std::string("a,b@example.com"),
                                  std::string("<a@example.com>"),
                                  std::string("a@b@example.com"),
                                  std::string("\"a b\"@example.com"),
                                  std::string(".a@example.com"),
                                  std::string("a..b@example.com"),
                                  std::string("a@example..com"),
                                  std::string("a@-example.com"),
                                  std::string("a@[127.0.0.1]"),
                                  std::string("ä@example.com"),
                                  std::string("a@exämple.com"),
                                  std::string(65, 'a') + "@example.com",
                                  "a@" + std::string(64, 'b') + ".com",
                                  "a@" + std::string(63, 'b') + "." + std::string(63, 'b') + "." +
                                      std::string(63, 'b') + "." + std::string(63, 'b')}) {
    CAPTURE(text);
    CHECK_FALSE(is_address(text));
  }
}

TEST_CASE("a sender may have a name") {
  auto const named = parse_mailbox("Büro Müller <jobs@example.com>");
  REQUIRE(named);
  CHECK(named->name == "Büro Müller");
  CHECK(named->address == "jobs@example.com");
  CHECK(parse_mailbox("jobs@example.com")->name.empty());
  CHECK_FALSE(parse_mailbox("Jobs <jobs@example.com"));
  CHECK_FALSE(parse_mailbox("Jobs <jobs>"));
  CHECK_FALSE(parse_mailbox("Jobs\r\nBcc: x <jobs@example.com>"));
}
