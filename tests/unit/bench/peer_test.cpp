#include "bench/peer.hpp"

#include <doctest/doctest.h>

using namespace jobcast::bench;

TEST_CASE("job, version and record are put where a text names them, and other braces stay") {
  CHECK(fill("/sub/{job}", "a-1") == "/sub/a-1");
  CHECK(fill(R"({"channel":"{job}","data":{record}})", "a-1", "7", R"({"x":1})") ==
        R"({"channel":"a-1","data":{"x":1}})");
  CHECK(fill("{version} p {record}", "a", "7", "{}") == "7 p {}");
  CHECK(fill("{", "a") == "{");
}

TEST_CASE("jobcast is asked for every version where the load wants each") {
  options o;
  CHECK(jobcast_peer(o).sse == "/api/jobs/{job}/events");
  o.every = true;
  CHECK(jobcast_peer(o).sse == "/api/jobs/{job}/events?every=true");
  CHECK(jobcast_peer(o).hello.front() == R"({"op":"watch","jobs":["{job}"],"every":true})");
}

TEST_CASE("the descriptions of other servers can all be read") {
  std::string const folder = JOBCAST_SOURCE_DIR "/tests/bench/peers/";
  for (auto const* name :
       {"bare.toml", "nchan.toml", "ws.toml", "better_sse.toml", "socket_io.toml", "uws.toml", "centrifugo.toml"}) {
    CAPTURE(name);
    auto const read = read_peer(folder + name);
    CHECK_FALSE(read.snapshots);
    CHECK((read.sse + read.websocket).starts_with('/'));
  }
}

TEST_CASE("a description with a member that is not known is refused by name") {
  CHECK_THROWS_WITH(read_peer(JOBCAST_SOURCE_DIR "/config/jobcast.toml"), doctest::Contains("is not known"));
}
