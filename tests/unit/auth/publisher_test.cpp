#include "jobcast/auth/publisher.hpp"

#include "jobcast/job/job_key.hpp"

#include <doctest/doctest.h>

using namespace jobcast::auth;

namespace {

identity publisher(identity::kind what, std::string tenant, std::string sub, std::string name) {
  identity who;
  who.what = what;
  who.tenant = std::move(tenant);
  who.sub = std::move(sub);
  who.name = std::move(name);
  return who;
}

identity token(std::string tenant, std::string sub, std::string issuer = {}) {
  return publisher(identity::kind::token, std::move(tenant), std::move(sub), std::move(issuer));
}

const identity billing = publisher(identity::kind::api_key, "", "", "billing");
const identity anyone = publisher(identity::kind::open, "", "", "");

std::string id_of(const identity& who) {
  return jobcast::job::keyed_job_id(idempotency_scope(who), "order-1");
}

} // namespace

TEST_CASE("the ids of idempotency keys are those of 0.1.0") {
  CHECK(id_of(billing) == "kxl7hvx4gfkq3fh42aqf6dtkxet");
  CHECK(id_of(token("", "svc")) == "kgdugwl6k6suw646xwrgukloupq");
  CHECK(id_of(token("acme", "svc")) == "kbxanrh3twvemchpdvy2jjkgjki");
  CHECK(id_of(token("", "")) == "kcjqgmwltunjtpgvzbz53hjwbxk");
  CHECK(id_of(anyone) == "kqvyz7quh7pzlwrj2chl3l22g5m");
}

TEST_CASE("tokens without sub are told apart by their issuer") {
  identity const a = token("", "", "https://a.example"), b = token("", "", "https://b.example");
  CHECK(id_of(a) == "kw23iugw5jovvul5fuib5oskszg");
  CHECK(id_of(a) != id_of(b));
  CHECK(id_of(a) != id_of(token("acme", "", "https://a.example")));
  CHECK(id_of(token("acme", "", "https://a.example")) == "krkuq4ciihqrury5l26wog3iqeo");
}

TEST_CASE("only tokens without sub had another id") {
  CHECK(jobcast::job::keyed_job_id(former_idempotency_scope(token("", "", "https://a.example")), "order-1") ==
        "kcjqgmwltunjtpgvzbz53hjwbxk");
  CHECK(jobcast::job::keyed_job_id(former_idempotency_scope(token("acme", "", "https://a.example")), "order-1") ==
        "kafc6cspspudegbispeuv44uwju");
  for (const identity& same : {billing, token("", "svc"), token("", ""), anyone})
    CHECK(former_idempotency_scope(same).empty());
}

TEST_CASE("the name of a publisher is one word without commas") {
  CHECK(publisher_name(billing) == "key:billing");
  CHECK(publisher_name(token("acme", "svc")) == "token:svc");
  CHECK(publisher_name(token("", "a,b c")) == "token:a%2Cb%20c");
  CHECK(publisher_name(token("", "", "https://a.example")) == "issuer:https%3A%2F%2Fa.example");
  CHECK(publisher_name(token("", "")) == "issuer:");
  CHECK(publisher_name(anyone).empty());
}
