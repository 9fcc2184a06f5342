#include "jobcast/redis/denied.hpp"
#include "jobcast/store/rights.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace jobcast;
using namespace jobcast::store;

namespace {

right named(std::string_view name, unsigned database = 0) {
  auto const all = rights_of("ns", database);
  auto const found = std::find_if(all.begin(), all.end(), [&](const right& one) { return one.name == name; });
  return found == all.end() ? right{} : *found;
}

} // namespace

TEST_CASE("rights are of the namespace") {
  for (const char* name : {"~ns", "~ns:*", "&ns:*", "&ns:report:*", "+fcall"})
    CHECK(named(name).name == name);
}

TEST_CASE("the right to choose a database is needed only where redis.url names one") {
  CHECK(named("+select").name.empty());
  CHECK(named("+select", 3).call == std::vector<std::string>{"SELECT", "3"});
}

TEST_CASE("a dry run says which kind of right is missing, in the words of old and new servers") {
  struct {
    const char* said;
    const char* missing;
  } const cases[] = {
      {"This user has no permissions to run the 'get' command", "+get"},
      {"User gateway has no permissions to run the 'get' command", "+get"},
      {"This user has no permissions to access the 'ns:x' key", "~ns:*"},
      {"User gateway has no permissions to access the 'ns:x' key", "~ns:*"},
      {"This user has no permissions to access the 'ns:x' channel", "&ns:*"},
      {"User gateway has no permissions to access the 'ns:x' channel", "&ns:*"},
  };
  for (auto const& [said, missing] : cases)
    for (const char* name : {"+get", "~ns:*", "&ns:*"}) {
      CAPTURE(said);
      CHECK(is_missing(named(name), said) == (std::string_view(name) == missing));
      CHECK_FALSE(is_missing(named(name), "OK"));
      CHECK_FALSE(is_missing(named(name), ""));
    }
}

TEST_CASE("a denial is known inside functions too, in the words of old and new servers") {
  for (const char* denied :
       {"NOPERM this user has no permissions to run the 'get' command",
        "NOPERM User gateway has no permissions to run the 'get' command",
        "ERR The user executing the script can't run this command or subcommand script: f, on @user_function:2.",
        "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments",
        "ERR ACL failure in script: User gateway has no permissions to run the 'time' command script: f"})
    CHECK(redis::is_denied(denied));
  for (const char* other : {"", "OK", "ERR unknown command 'ACL'", "JOBCAST id: NOPERM", "LOADING", "NOAUTH"})
    CHECK_FALSE(redis::is_denied(other));
}
