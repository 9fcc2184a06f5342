#include "jobcast/redis/passing.hpp"

#include <doctest/doctest.h>

using jobcast::redis::may_pass;

TEST_CASE("only what Redis may answer otherwise later is asked for again") {
  for (std::string_view const passing :
       {"LOADING Redis is loading the dataset in memory", "READONLY You can't write against a read only replica.",
        "OOM command not allowed when used memory > 'maxmemory'.", "BUSY Redis is busy running a script.",
        "NOPERM this user has no permissions", "ERR Function not found",
        "ERR The user executing the script can't run this command or subcommand"})
    CHECK(may_pass(passing));
  for (std::string_view const lasting : {"ERR JOBCAST id: this is no delivery", "WRONGTYPE Operation against a key",
                                         "ERR user_function:12: attempt to index a nil value", "OOMPH", ""})
    CHECK_FALSE(may_pass(lasting));
}
