#include "jobcast/auth/authenticator.hpp"

#include "vectors.hpp"

#include <doctest/doctest.h>

using namespace jobcast::auth;
using vectors::taken;

namespace {

constexpr std::int64_t now = 1'800'000'000'000;
const key signing = taken(key::from_secret("", "a secret that is long enough for HS256, by far"));
const std::string api_key = make_api_key();
const std::string old_link_secret(32, 'o'), link_secret(32, 'l');

const authenticator gate({signing}, {}, {{"billing", {hash_api_key(api_key)}, {"invoice"}}},
                         {link_secret, old_link_secret});

std::string bearer(std::string_view token) {
  return "Bearer " + std::string(token);
}
std::string token_of(const std::string& sub) {
  return make_token(signing, R"({"exp":1800000060,"sub":")" + sub + R"("})");
}

} // namespace

TEST_CASE("without keys everyone is let in") {
  CHECK(taken(authenticator().identify({}, now))->what == identity::kind::open);
}

TEST_CASE("with keys, nobody in particular is nobody") {
  CHECK(taken(gate.identify({}, now)) == nullptr);
}

TEST_CASE("a token comes in a header or a cookie") {
  std::string const header = bearer(token_of("anna")), cookie = token_of("bob");
  identity_ptr const by_header = taken(gate.identify({.authorization = header}, now));
  CHECK(by_header->sub == "anna");
  CHECK_FALSE(by_header->by_cookie);
  identity_ptr const by_cookie = taken(gate.identify({.cookie_token = cookie}, now));
  CHECK(by_cookie->sub == "bob");
  CHECK(by_cookie->by_cookie);
  CHECK(taken(gate.identify({.authorization = header, .cookie_token = cookie}, now))->sub == "anna");
}

TEST_CASE("wrong credentials are refused, not overlooked") {
  std::string const cookie = token_of("bob");
  for (const char* wrong : {"Bearer", "Bearer ", "Basic YTpi", "Bearer nonsense", "Bearer jck_nonsense"}) {
    auto const who = gate.identify({.authorization = wrong, .cookie_token = cookie}, now);
    REQUIRE_FALSE(who.has_value());
    CHECK(who.error().status == 401);
    CHECK(who.error().field == "Authorization");
  }
}

TEST_CASE("an API key is known by its hash") {
  std::string const header = bearer(api_key);
  identity_ptr const who = taken(gate.identify({.authorization = header}, now));
  CHECK(who->what == identity::kind::api_key);
  CHECK(who->name == "billing");
  CHECK(who->types == std::vector<std::string>{"invoice"});
  CHECK(api_key.size() == 47);
  CHECK(hash_api_key(api_key).size() == 71);
  std::string const another = bearer(make_api_key());
  CHECK_FALSE(gate.identify({.authorization = another}, now).has_value());
  std::string const the_hash = bearer("jck_" + hash_api_key(api_key).substr(7));
  CHECK_FALSE(gate.identify({.authorization = the_hash}, now).has_value());
}

TEST_CASE("the key for metrics is known to identify_scraper alone") {
  std::string const key = make_api_key(), header = bearer(key), another = bearer(make_api_key()),
                    publisher = bearer(api_key);
  authenticator const with_metrics({signing}, {}, {{"billing", {hash_api_key(api_key)}, {}}}, {}, hash_api_key(key));
  identity_ptr const scraper = with_metrics.identify_scraper({.authorization = header});
  REQUIRE(scraper);
  CHECK(scraper->operate);
  CHECK_FALSE(scraper->publish);
  CHECK_FALSE(with_metrics.identify_scraper({.authorization = another}));
  CHECK_FALSE(with_metrics.identify_scraper({.authorization = publisher}));
  CHECK_FALSE(with_metrics.identify_scraper({.cookie_token = key, .link = key}));
  CHECK_FALSE(gate.identify_scraper({.authorization = header}));
  CHECK_FALSE(gate.identify_scraper({}));
  auto const elsewhere = with_metrics.identify({.authorization = header}, now);
  REQUIRE_FALSE(elsewhere.has_value());
  CHECK(elsewhere.error().detail == "This key opens /metrics and nothing else.");
  CHECK_FALSE(with_metrics.identify_token(key, now).has_value());
}

TEST_CASE("a watch link reads what it names, until it expires") {
  std::string const link = gate.make_link({.jobs = {"a", "b"}, .owner = {}, .tenant = "acme", .expires_at = now + 1});
  identity_ptr const who = taken(gate.identify({.link = link}, now));
  CHECK(who->what == identity::kind::link);
  CHECK(who->jobs == std::vector<std::string>{"a", "b"});
  CHECK(who->tenant == "acme");
  CHECK(who->expires_at == now + 1);
  CHECK_FALSE(gate.identify({.link = link}, now + 1).has_value());
}

TEST_CASE("a link of the secret before is good until that is taken away") {
  std::string const link =
      sign_link({.jobs = {}, .owner = "anna", .tenant = {}, .expires_at = now + 1}, old_link_secret);
  CHECK(taken(gate.identify({.link = link}, now))->sub == "anna");
  authenticator const later({signing}, {}, {}, {link_secret});
  CHECK_FALSE(later.identify({.link = link}, now).has_value());
}

TEST_CASE("a changed or shortened link is refused") {
  std::string const link = gate.make_link({.jobs = {"a"}, .owner = {}, .tenant = {}, .expires_at = now + 1});
  for (std::size_t i = 0; i < link.size(); ++i) {
    std::string changed = link;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(gate.identify({.link = changed}, now).has_value());
    if (i > 0)
      CHECK_FALSE(gate.identify({.link = std::string_view(link).substr(0, i)}, now).has_value());
  }
  CHECK_FALSE(gate.identify({.link = link + "A"}, now).has_value());
}
