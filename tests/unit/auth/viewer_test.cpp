#include "jobcast/auth/viewer.hpp"

#include <doctest/doctest.h>

using namespace jobcast::auth;

namespace {

identity guest(std::vector<std::string> jobs) {
  identity who;
  who.what = identity::kind::link;
  who.tenant = "acme";
  who.jobs = std::move(jobs);
  return who;
}

} // namespace

TEST_CASE("an owner is one viewer by token, and its guests another") {
  identity anna;
  anna.what = identity::kind::token;
  anna.sub = "anna";
  identity invited = anna;
  invited.what = identity::kind::link;
  CHECK(viewer_name(anna) == "/anna");
  CHECK(viewer_name(invited) != viewer_name(anna));
  anna.tenant = "acme";
  CHECK(viewer_name(anna) == "acme/anna");
}

TEST_CASE("links that begin with the same job are one viewer, in whatever order they name it") {
  CHECK(viewer_name(guest({"a", "b"})) == viewer_name(guest({"b", "a"})));
  CHECK(viewer_name(guest({"c", "a"})) == viewer_name(guest({"a"})));
  CHECK(viewer_name(guest({"b"})) != viewer_name(guest({"a"})));
  identity elsewhere = guest({"a"});
  elsewhere.tenant = "other";
  CHECK(viewer_name(elsewhere) != viewer_name(guest({"a"})));
}

TEST_CASE("publishers are nobody's viewer") {
  identity key;
  key.what = identity::kind::api_key;
  key.publish = true;
  CHECK(viewer_name(key).empty());
  CHECK(viewer_name(identity()).empty());
}
