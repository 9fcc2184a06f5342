#include "app/sse_reader.hpp"

#include <doctest/doctest.h>
#include <vector>

using namespace jobcast::app;

namespace {

/// Events as "name=data", fed in pieces of `size` bytes.
std::vector<std::string> events_of(std::string_view bytes, std::size_t size, sse_reader&& reader = {}) {
  std::vector<std::string> events;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size())))
    reader.feed(bytes.substr(0, size), [&](const sse_event& event) {
      events.push_back(event.name + "=" + event.data);
      return true;
    });
  return events;
}

const auto ignore = [](const sse_event&) { return true; };

} // namespace

TEST_CASE("events are the same however the bytes are split and lines end") {
  const std::vector<std::string> expected{"job={\"id\":\"a\"}", "message=one\ntwo", "gateway= padded"};
  for (const std::string line_end : {"\n", "\r\n", "\r"}) {
    std::string bytes =
        "\xEF\xBB\xBFretry: 2500\n\n:\n\nid: 5-1\nevent: job\ndata: {\"id\":\"a\"}\n\ndata:one\ndata: two\n\n"
        "event: empty\n\nevent: gateway\ndata:  padded\nunknown: x\n\nevent: cut\ndata: never ended\n";
    for (std::size_t at = 0; (at = bytes.find('\n', at)) != std::string::npos; at += line_end.size())
      bytes.replace(at, 1, line_end);
    for (std::size_t size = 1; size <= bytes.size(); ++size) {
      CAPTURE(size);
      CHECK(events_of(bytes, size) == expected);
    }
  }
}

TEST_CASE("the id counts once its event is complete, and outlives the connection") {
  sse_reader reader;
  reader.feed("id: 5-1\ndata: x\n\nid: 6-2\ndata: half", ignore);
  CHECK(reader.last_event_id() == "5-1");
  reader.restart();
  CHECK(events_of("data: y\n\n", 3, std::move(reader)) == std::vector<std::string>{"message=y"});
  CHECK(reader.last_event_id() == "5-1");
}

TEST_CASE("the delay before reconnecting is what the server last said") {
  sse_reader reader;
  CHECK_FALSE(reader.retry().has_value());
  reader.feed("retry: 2500\nretry: soon\nretry: -1\n", ignore);
  CHECK(reader.retry() == 2500u);
}

TEST_CASE("a reader that has seen enough stops") {
  sse_reader reader;
  int seen = 0;
  CHECK_FALSE(reader.feed("data: 1\n\ndata: 2\n\n", [&](const sse_event&) { return ++seen, false; }));
  CHECK(seen == 1);
}
