#include "jobcast/stream/outbox.hpp"

#include "../hub/fake_backend.hpp"
#include "jobcast/http/chunk.hpp"
#include "jobcast/http/websocket.hpp"

#include <doctest/doctest.h>

using namespace jobcast;
using jobcast::testing::hub_fixture;

namespace {

std::string bytes_of(const stream::batch& due) {
  std::string all;
  for (std::size_t i = 0; i < due.count(); ++i)
    all.append(static_cast<const char*>(due.pieces()[i].iov_base), due.pieces()[i].iov_len);
  CHECK(due.bytes() == all.size());
  return all;
}

// A client whose socket takes as many bytes as the test says.
struct client final : hub::watcher {
  void flush() override {}
  void notify(hub::event_ptr notice) override { box.add_notice(std::move(notice)); }
  void finish(hub::event_ptr) override {}
  void abort() override {}
  void expire() override {}

  // Takes up to `most` bytes of what is due.
  std::string take(std::size_t most) {
    stream::batch due;
    box.gather(dirty(), due);
    std::string all = bytes_of(due);
    all.resize(std::min(all.size(), most));
    box.commit(dirty(), all.size());
    return all;
  }
  std::string take_all() {
    std::string all;
    for (std::string part; !(part = take(1 << 20)).empty();)
      all += part;
    return all;
  }

  explicit client(hub::encoding as = hub::encoding::sse)
      : box(as) {}

  stream::outbox box;
  hub::link link;
};

std::string event_of(unsigned version) {
  std::string const v = std::to_string(version);
  return "id: 7-" + v + "\nevent: job\ndata: " + testing::record("a", version) + "\n\n";
}

std::string frame_of(const std::string& json) {
  std::string frame;
  http::append_ws_frame(frame, http::ws_opcode::text, json);
  return frame;
}

} // namespace

TEST_CASE_FIXTURE(hub_fixture, "a WebSocket frame arrives whole wherever the socket stops taking") {
  hub::event_ptr const end = hub::event::end("final", "a");
  std::string const wanted = "head" + frame_of(R"({"event":"job","record":)" + testing::record("a", 1) + "}") +
                             frame_of(R"({"event":"end","reason":"final","job":"a"})") + "raw";
  for (std::size_t first = 0; first <= wanted.size(); ++first) {
    client c(hub::encoding::websocket);
    c.box.prepend("head");
    watch(c, c.link, "a");
    if (first == 0)
      answer_read("a", 1);
    c.notify(end);
    c.notify(hub::event::raw("raw"));
    std::string got = c.take(first);
    CHECK(got + c.take_all() == wanted);
    CHECK(c.box.empty(c.dirty()));
    hub.close(c.link);
  }
}

TEST_CASE_FIXTURE(hub_fixture, "more than one send takes goes out in order") {
  for (hub::encoding const as : {hub::encoding::sse, hub::encoding::chunked_sse, hub::encoding::websocket}) {
    client c(as);
    std::string wanted;
    for (unsigned n = 0; n < 200; ++n) {
      hub::event_ptr const notice = hub::event::end(std::to_string(n));
      c.notify(notice);
      wanted += as == hub::encoding::sse ? std::string(notice->sse())
                : as == hub::encoding::chunked_sse
                    ? std::string(notice->chunk())
                    : frame_of(R"({"event":"end",)" + std::string(notice->data().substr(1)));
    }
    CHECK(c.take_all() == wanted);
  }
}

TEST_CASE_FIXTURE(hub_fixture,
                  "frames larger than what one send puts together arrive whole, wherever the socket stops taking") {
  std::string wanted;
  for (std::size_t const size : {5'000, 20'000, 16'300, 30, 70'000, 16'290})
    wanted += frame_of(R"({"event":"end","reason":")" + std::string(size, 'x') + "\"}");
  for (std::size_t first = 0; first <= wanted.size(); first += 997) {
    client c(hub::encoding::websocket);
    for (std::size_t const size : {5'000, 20'000, 16'300, 30, 70'000, 16'290})
      c.notify(hub::event::end(std::string(size, 'x')));
    std::string const got = c.take(first);
    CHECK((got + c.take_all() == wanted));
  }
}

TEST_CASE_FIXTURE(hub_fixture, "what is sent one byte at a time arrives whole and in order") {
  client c;
  c.box.prepend("head\r\n\r\n");
  watch(c, c.link, "a");
  answer_read("a", 1);
  c.notify(hub::event::end("final"));
  std::string got;
  for (std::string part; !(part = c.take(1)).empty();)
    got += part;
  CHECK(got == "head\r\n\r\n" + event_of(1) + "event: end\ndata: {\"reason\":\"final\"}\n\n");
  CHECK(c.box.empty(c.dirty()));
}

TEST_CASE_FIXTURE(hub_fixture,
                  "a client that stalls in the middle of an event gets its rest and then only the newest") {
  client c;
  watch(c, c.link, "a");
  answer_read("a", 1);
  std::string got = c.take(10);
  for (unsigned version = 2; version <= 100; ++version)
    publish("a", version);
  got += c.take_all();
  CHECK(got == event_of(1) + event_of(100));
}

TEST_CASE_FIXTURE(hub_fixture, "a stalled client holds one event, however many are published") {
  client c;
  watch(c, c.link, "a");
  answer_read("a", 1);
  c.take(10);
  for (unsigned version = 2; version <= 1000; ++version)
    publish("a", version);
  stream::batch due;
  c.box.gather(c.dirty(), due);
  CHECK(due.bytes() == event_of(1).size() - 10 + event_of(1000).size());
}

TEST_CASE_FIXTURE(hub_fixture, "what goes out together is one piece, and a lone event is not copied") {
  client c;
  c.link.want_every();
  watch(c, c.link, "a");
  answer_read("a", 1);
  {
    stream::batch due;
    c.box.gather(c.dirty(), due);
    REQUIRE(due.count() == 1);
    CHECK(due.pieces()[0].iov_base == static_cast<const void*>(c.link.at(0)->sse().data()));
  }
  for (unsigned version = 2; version <= 5; ++version)
    publish("a", version);
  stream::batch due;
  c.box.gather(c.dirty(), due);
  REQUIRE(due.count() == 1);
  CHECK(std::string_view(static_cast<const char*>(due.pieces()[0].iov_base), due.bytes()) ==
        event_of(1) + event_of(2) + event_of(3) + event_of(4) + event_of(5));
}

TEST_CASE_FIXTURE(hub_fixture, "watchers with the same events due are given the same bytes") {
  for (hub::encoding const as : {hub::encoding::sse, hub::encoding::websocket}) {
    std::string const id = as == hub::encoding::sse ? "a" : "b";
    client first(as), second(as);
    for (client* c : {&first, &second}) {
      c->link.want_every();
      watch(*c, c->link, id);
    }
    answer_read(id, 1);
    for (unsigned version = 2; version <= 5; ++version)
      publish(id, version);
    stream::batch due;
    first.box.gather(first.dirty(), due);
    std::string const wanted = bytes_of(due);
    CHECK(first.box.commit(first.dirty(), due, wanted.size()) == 5);
    CHECK(first.box.empty(first.dirty()));
    second.box.gather(second.dirty(), due);
    CHECK(bytes_of(due) == wanted);
    CHECK(second.box.commit(second.dirty(), due, wanted.size()) == 5);
    CHECK(second.box.empty(second.dirty()));
    CHECK(second.take_all().empty());
  }
}

TEST_CASE_FIXTURE(hub_fixture,
                  "a watcher is given its own where it has more due, fewer or others than the one before it") {
  std::vector<std::unique_ptr<client>> clients;
  stream::batch due;
  auto const newcomer = [&](hub::encoding as, const std::string& id) -> client& {
    client& c = *clients.emplace_back(std::make_unique<client>(as));
    c.link.want_every();
    watch(c, c.link, id);
    return c;
  };
  auto const given = [&](client& c) {
    c.box.gather(c.dirty(), due);
    std::string all = bytes_of(due);
    c.box.commit(c.dirty(), due, all.size());
    CHECK(c.take_all().empty());
    return all;
  };
  client& all = newcomer(hub::encoding::sse, "a");
  answer_read("a", 1);
  publish("a", 2);
  client& late = newcomer(hub::encoding::sse, "a");
  client& framed = newcomer(hub::encoding::websocket, "a");
  client& with_notice = newcomer(hub::encoding::sse, "a");
  client& begun = newcomer(hub::encoding::sse, "a");
  client& of_two = newcomer(hub::encoding::sse, "a");
  hub::link more;
  hub.open(of_two, more, "b");
  hub.on_subscribed("ns:event:b");
  hub.flush();
  answer_read("b", 1);
  publish("a", 3);
  publish("a", 4);
  with_notice.notify(hub::event::end("final"));
  std::string const from_two = event_of(2) + event_of(3) + event_of(4);
  begun.take(7);
  CHECK(given(all) == event_of(1) + from_two);
  CHECK(given(late) == from_two);
  CHECK(given(of_two).ends_with(testing::record("b", 1) + "\n\n"));
  CHECK(given(framed) == frame_of(R"({"event":"job","record":)" + testing::record("a", 2) + "}") +
                             frame_of(R"({"event":"job","record":)" + testing::record("a", 3) + "}") +
                             frame_of(R"({"event":"job","record":)" + testing::record("a", 4) + "}"));
  CHECK(given(with_notice) == from_two + "event: end\ndata: {\"reason\":\"final\"}\n\n");
  CHECK(given(begun) == from_two.substr(7));
  hub.close(more);
}

TEST_CASE_FIXTURE(hub_fixture, "what a socket took only part of goes on where it stopped") {
  for (hub::encoding const as : {hub::encoding::sse, hub::encoding::websocket}) {
    std::string const id = as == hub::encoding::sse ? "a" : "b";
    stream::batch due;
    std::string wanted;
    for (std::size_t part = 0; part == 0 || part < wanted.size(); part += 37) {
      client c(as), next(as);
      for (client* each : {&c, &next}) {
        each->link.want_every();
        watch(*each, each->link, id);
      }
      if (part == 0)
        answer_read(id, 1);
      unsigned const version = 1 + 3 * static_cast<unsigned>(part / 37);
      for (unsigned n = 1; n <= 3; ++n)
        publish(id, version + n);
      c.box.gather(c.dirty(), due);
      wanted = bytes_of(due);
      c.box.commit(c.dirty(), due, part);
      CHECK(c.take_all() == wanted.substr(part));
      next.box.gather(next.dirty(), due);
      CHECK(bytes_of(due) == wanted);
    }
  }
}

TEST_CASE_FIXTURE(hub_fixture, "more than is copied goes out as pieces, in order") {
  limits.outbox = 64 * 1024;
  client c;
  c.link.want_every();
  watch(c, c.link, "a");
  answer_read("a", 1);
  std::string expected = event_of(1);
  unsigned version = 1;
  while (expected.size() < 24 * 1024) {
    publish("a", ++version);
    expected += event_of(version);
  }
  CHECK(c.take_all() == expected);
}

TEST_CASE_FIXTURE(hub_fixture, "of notices about the gateway only the newest is kept") {
  client c;
  c.notify(hub::event::gateway("degraded"));
  c.notify(hub::event::gateway("ok"));
  CHECK(c.take_all() == "event: gateway\ndata: {\"state\":\"ok\"}\n\n");
}

TEST_CASE_FIXTURE(hub_fixture, "answers of which a little always stays unread do not add up") {
  client c;
  std::string wanted, got;
  for (unsigned n = 0; n < 1'000; ++n) {
    std::string const answer = std::to_string(n) + ";";
    wanted += answer;
    c.box.prepend(answer);
    got += c.take(c.box.unsent_prefix() - 1);
  }
  CHECK(c.box.held_prefix() < 64);
  CHECK(got + c.take_all() == wanted);
}

TEST_CASE_FIXTURE(hub_fixture, "a notice can be taken back until it is begun") {
  client c;
  hub::event_ptr const end = hub::event::end("final");
  c.notify(end);
  CHECK(c.box.withdraw(end));
  CHECK(c.box.empty(c.dirty()));
  c.notify(end);
  c.take(1);
  CHECK_FALSE(c.box.withdraw(end));
}

TEST_CASE_FIXTURE(hub_fixture,
                  "a chunked stream is whole chunks wherever the socket stops taking, and ends with the last") {
  hub::event_ptr const end = hub::event::end("final");
  hub::event_ptr const last = hub::event::raw("0\r\n\r\n");
  std::string body;
  http::append_chunk(body, event_of(1));
  http::append_chunk(body, end->sse());
  std::string const wanted = "head" + body + "0\r\n\r\n";
  for (std::size_t first = 0; first <= wanted.size(); ++first) {
    client c(hub::encoding::chunked_sse);
    c.box.prepend("head");
    watch(c, c.link, "a");
    if (first == 0)
      answer_read("a", 1);
    c.box.end_with(last);
    c.notify(end);
    std::string const got = c.take(first);
    CHECK(got + c.take_all() == wanted);
    CHECK(c.box.empty(c.dirty()));
    hub.close(c.link);
  }
}

TEST_CASE_FIXTURE(hub_fixture, "nothing follows the end of a stream once it is begun") {
  for (std::size_t const taken : {1, 5}) {
    client c(hub::encoding::chunked_sse);
    c.box.end_with(hub::event::raw("0\r\n\r\n"));
    std::string got = c.take(taken);
    watch(c, c.link, "a");
    answer_read("a", static_cast<unsigned>(taken));
    c.notify(hub::event::gateway("ok"));
    c.box.prepend("more");
    CHECK(got + c.take_all() == "0\r\n\r\n");
    CHECK(c.box.empty(c.dirty()));
    hub.close(c.link);
  }
}

TEST_CASE_FIXTURE(hub_fixture, "a stream whose end was taken back goes on") {
  client c(hub::encoding::chunked_sse);
  c.box.end_with(hub::event::raw("0\r\n\r\n"));
  c.box.withdraw_end();
  CHECK(c.box.empty(c.dirty()));
  watch(c, c.link, "a");
  answer_read("a", 1);
  std::string wanted;
  http::append_chunk(wanted, event_of(1));
  CHECK(c.take_all() == wanted);
}

TEST_CASE_FIXTURE(hub_fixture, "the end of a stream is no delivery") {
  client c(hub::encoding::chunked_sse);
  c.notify(hub::event::end("final"));
  c.box.end_with(hub::event::raw("0\r\n\r\n"));
  stream::batch due;
  c.box.gather(c.dirty(), due);
  CHECK(c.box.commit(c.dirty(), due, due.bytes() - 2) == 1);
  CHECK(c.box.commit(c.dirty(), 2) == 0);
}
