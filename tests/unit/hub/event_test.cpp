#include "jobcast/hub/event.hpp"

#include "jobcast/http/chunk.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace jobcast;

namespace {

std::string of_websocket(const hub::event& e) {
  hub::head_space space;
  auto const all = e.bytes(hub::encoding::websocket, space);
  CHECK(all.size() == e.size(hub::encoding::websocket));
  return std::string(all.head).append(all.body).append(all.tail);
}

} // namespace

TEST_CASE("an event is one chunk around its text") {
  for (std::size_t const size : {1, 100, 5'000, 70'000}) {
    auto const e =
        hub::event::job(3, false, R"({"id":"a","version":3,"updated_at":7,"x":")" + std::string(size, 'x') + "\"}");
    std::string wanted;
    http::append_chunk(wanted, e->sse());
    CHECK(e->chunk() == wanted);
    CHECK(e->size(hub::encoding::chunked_sse) == wanted.size());
    CHECK(e->size(hub::encoding::sse) == e->sse().size());
  }
}

TEST_CASE("what may pass for the end of a line is escaped in the text of an event, and nowhere else") {
  std::string const record = "{\"id\":\"a\",\"version\":3,\"updated_at\":7,\"x\":\"1\u00852\u20283\u2029\"}";
  auto const e = hub::event::job(3, false, record);
  CHECK(e->sse() == "id: 7-3\nevent: job\ndata: "
                    "{\"id\":\"a\",\"version\":3,\"updated_at\":7,\"x\":\"1\\u00852\\u20283\\u2029\"}\n\n");
  CHECK(e->data() == record);
  std::string wanted;
  http::append_chunk(wanted, e->sse());
  CHECK(e->chunk() == wanted);
  CHECK(of_websocket(*e).ends_with("\"record\":" + record + "}"));
}

TEST_CASE("the end of a line is found wherever it stands") {
  for (std::size_t before = 0; before < 150; ++before) {
    auto const e = hub::event::more(std::string(before, 'x') + "\u0085" + std::string(before % 19, 'y'));
    CHECK(e->sse().find("\\u0085") != std::string_view::npos);
    CHECK(e->sse().find("\u0085") == std::string_view::npos);
    CHECK(e->data().find("\u0085") != std::string_view::npos);
  }
}

TEST_CASE("characters that begin like the end of a line stay as they are") {
  // U+0084, U+0086, U+2027, U+202A, quotation marks, and one that is cut off.
  for (std::string const text :
       {"\u0084", "\u0086", "\u2027", "\u202a", "\u201c\u201d", "\u00e9\u2026", "\xc2", "\xe2\x80"}) {
    std::string const record = R"({"id":"a","version":3,"updated_at":7,"x":")" + text + "\"}";
    CHECK(hub::event::job(3, false, record)->sse() == "id: 7-3\nevent: job\ndata: " + record + "\n\n");
  }
}

TEST_CASE("bytes of one stream's own go out as they are") {
  auto const e = hub::event::raw("0\r\n\r\n");
  for (auto as : {hub::encoding::sse, hub::encoding::chunked_sse, hub::encoding::websocket}) {
    hub::head_space space;
    CHECK(e->bytes(as, space).body == "0\r\n\r\n");
    CHECK(e->size(as) == 5);
  }
}
