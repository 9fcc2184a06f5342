#include "jobcast/auth/rules.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace jobcast::auth;

namespace {

using kind = identity::kind;

identity someone(kind what) {
  identity who;
  who.what = what;
  return who;
}

identity token(std::string sub, std::string tenant = {}) {
  identity who = someone(kind::token);
  who.sub = std::move(sub);
  who.tenant = std::move(tenant);
  return who;
}

template <class Change>
identity with(identity who, Change change) {
  change(who);
  return who;
}

const identity anyone = someone(kind::open);
const identity anna = token("anna");
const identity acme_anna = token("anna", "acme");
const identity guest = with(token(""), [](identity& i) { i.jobs = {"j1"}; });
const identity acme_guest = with(token("", "acme"), [](identity& i) { i.jobs = {"j1"}; });
const identity support = with(token("sam"), [](identity& i) { i.read_all = true; });
const identity acme_support = with(token("sam", "acme"), [](identity& i) { i.read_all = true; });
const identity link_to_j1 = with(someone(kind::link), [](identity& i) { i.jobs = {"j1"}; });
const identity link_to_anna = with(someone(kind::link), [](identity& i) { i.sub = "anna"; });
const identity backend = with(someone(kind::api_key), [](identity& i) { i.publish = true; });
const identity billing = with(backend, [](identity& i) { i.types = {"invoice"}; });
const identity token_publisher = with(token("svc"), [](identity& i) { i.publish = true; });
const identity operator_ = with(token("olga"), [](identity& i) { i.operate = true; });

const subject annas{"j1", "anna", "", "invoice"};
const subject bobs{"j2", "bob", "", "invoice"};
const subject acme_annas{"j1", "anna", "acme", "invoice"};
const subject acme_bobs{"j2", "bob", "acme", "import"};
const subject nobodys{"j3", "", "", "default"};
const subject acme_nobodys{"j3", "", "acme", "default"};

struct row {
  const char* who;
  const identity& asks;
  const subject& job;
  const char* allowed; // of r(ead), c(ommand), p(ublish)
};

const row table[] = {
    {"anyone, open", anyone, acme_bobs, "rcp"},
    {"anna", anna, annas, "rc"},
    {"anna", anna, bobs, ""},
    {"anna", anna, acme_annas, ""},
    {"anna", anna, nobodys, ""},
    {"anna of acme", acme_anna, acme_annas, "rc"},
    {"anna of acme", acme_anna, annas, ""},
    {"anna of acme", acme_anna, acme_bobs, ""},
    {"anna of acme", acme_anna, acme_nobodys, ""},
    {"guest of j1", guest, annas, "rc"},
    {"guest of j1", guest, bobs, ""},
    {"guest of j1", guest, acme_annas, ""},
    {"guest of j1", guest, nobodys, ""},
    {"acme's guest of j1", acme_guest, acme_annas, "rc"},
    {"acme's guest of j1", acme_guest, annas, ""},
    {"support", support, annas, "r"},
    {"support", support, nobodys, "r"},
    {"support", support, acme_annas, ""},
    {"acme's support", acme_support, acme_bobs, "r"},
    {"acme's support", acme_support, acme_nobodys, "r"},
    {"acme's support", acme_support, bobs, ""},
    {"link to j1", link_to_j1, annas, "r"},
    {"link to j1", link_to_j1, bobs, ""},
    {"link to j1", link_to_j1, acme_annas, ""},
    {"link to anna's", link_to_anna, annas, "r"},
    {"link to anna's", link_to_anna, bobs, ""},
    {"API key", backend, acme_bobs, "rcp"},
    {"API key", backend, nobodys, "rcp"},
    {"API key for invoices", billing, annas, "rcp"},
    {"API key for invoices", billing, acme_annas, "rcp"},
    {"API key for invoices", billing, acme_bobs, ""},
    {"API key for invoices", billing, nobodys, ""},
    {"token that publishes", token_publisher, bobs, "rcp"},
    {"token that publishes", token_publisher, acme_bobs, ""},
    {"operator", operator_, annas, ""},
};

// As the function library judges (entry.may).
bool within(const bounds& b, const subject& job) {
  if (b.tenant && *b.tenant != job.tenant)
    return false;
  if (!b.owner && !b.types)
    return true;
  return (b.owner && !job.owner.empty() && *b.owner == job.owner) ||
         (b.types && std::find(b.types->begin(), b.types->end(), job.type) != b.types->end());
}

} // namespace

TEST_CASE("the bounds that Redis judges by say the same") {
  for (const row& r : table)
    for (auto const what : {action::read, action::command, action::publish}) {
      CAPTURE(r.who);
      CAPTURE(std::string(r.job.tenant) + "/" + std::string(r.job.owner) + "/" + std::string(r.job.id));
      CHECK(within(bounds_of(r.asks, what, r.job.id), r.job) == may(r.asks, what, r.job));
    }
}

TEST_CASE("where everyone may do everything, nothing is bounded") {
  auto const none = bounds_of(anyone, action::command, "j1");
  CHECK_FALSE((none.tenant || none.owner || none.types));
}

TEST_CASE("who may do what to whose job") {
  for (const row& r : table) {
    std::string allowed;
    for (auto [what, letter] : {std::pair{action::read, 'r'}, {action::command, 'c'}, {action::publish, 'p'}})
      if (may(r.asks, what, r.job))
        allowed += letter;
    CAPTURE(r.who);
    CAPTURE(std::string(r.job.tenant) + "/" + std::string(r.job.owner) + "/" + std::string(r.job.id));
    CHECK(allowed == r.allowed);
  }
}

TEST_CASE("metrics are for operators") {
  CHECK(may(operator_, action::operate, {}));
  CHECK(may(anyone, action::operate, {}));
  for (const identity* who : {&anna, &support, &link_to_j1, &backend, &token_publisher})
    CHECK_FALSE(may(*who, action::operate, {}));
}

TEST_CASE("an owner's jobs as a whole") {
  CHECK(may_read_owner(anna, "", "anna"));
  CHECK_FALSE(may_read_owner(anna, "", "bob"));
  CHECK_FALSE(may_read_owner(anna, "acme", "anna"));
  CHECK_FALSE(may_read_owner(acme_anna, "", "anna"));
  CHECK(may_read_owner(link_to_anna, "", "anna"));
  CHECK_FALSE(may_read_owner(link_to_j1, "", "anna"));
  CHECK_FALSE(may_read_owner(guest, "", ""));
  CHECK(may_read_owner(support, "", "bob"));
  CHECK_FALSE(may_read_owner(support, "acme", "bob"));
  CHECK(may_read_owner(backend, "acme", "bob"));
  CHECK_FALSE(may_read_owner(billing, "", "bob"));
}

TEST_CASE("a link never commands, and only publishers publish") {
  CHECK_FALSE(may_ever(link_to_j1, action::command));
  CHECK(may_ever(anna, action::command));
  CHECK_FALSE(may_ever(anna, action::publish));
  CHECK(may_ever(billing, action::publish));
  CHECK_FALSE(may_ever(support, action::operate));
}
