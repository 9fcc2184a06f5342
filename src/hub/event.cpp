#include "jobcast/hub/event.hpp"

#include "jobcast/http/chunk.hpp"
#include "jobcast/http/websocket.hpp"
#include "jobcast/job/event.hpp"
#include "jobcast/job/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <iterator>
#include <new>
#include <tuple>

namespace jobcast::hub {

namespace {

// Enough for "id: <20 digits>-<20 digits>\nevent: missing\ndata: ".
constexpr std::size_t front_capacity = 96;

// What stands before the data of each kind, without its brace; a record is a member of its own.
constexpr std::string_view openings[] = {
    R"({"event":"job","record":)", R"({"event":"missing",)", R"({"event":"reset",)",
    R"({"event":"gap",)",          R"({"event":"more",)",    R"({"event":"gateway",)",
    R"({"event":"reauth",)",       R"({"event":"end",)",     R"({"event":"time",)"};
constexpr std::size_t longest_ws_head = 10;
static_assert(std::all_of(std::begin(openings), std::end(openings), [](std::string_view o) {
  return longest_ws_head + o.size() <= std::tuple_size_v<head_space>;
}));

// U+0085, U+2028 and U+2029 end a line for many who read lines, though not for an EventSource. Returns the length of
// the one that begins here; 0 if none does.
std::size_t line_end_at(const char* at, const char* end) {
  std::string_view const rest(at, static_cast<std::size_t>(end - at));
  if (rest.starts_with("\xc2\x85"))
    return 2;
  return rest.starts_with("\xe2\x80\xa8") || rest.starts_with("\xe2\x80\xa9") ? 3 : 0;
}

// Most records are, and to look at each byte would be a tenth of what an event costs.
bool is_ascii(std::string_view text) {
  using block [[gnu::vector_size(16), gnu::aligned(1), gnu::may_alias]] = std::uint64_t;
  auto const at = [&](std::size_t offset) -> const block& {
    return *reinterpret_cast<const block*>(text.data() + offset);
  };
  std::uint64_t seen = 0;
  std::size_t offset = 0;
  if (text.size() >= sizeof(block)) {
    block all{};
    for (; offset + 4 * sizeof(block) <= text.size(); offset += 4 * sizeof(block))
      all |= at(offset) | at(offset + 16) | at(offset + 32) | at(offset + 48);
    for (; offset + sizeof(block) <= text.size(); offset += sizeof(block))
      all |= at(offset);
    all |= at(text.size() - sizeof(block)); // what is left, and some of what was seen
    seen = all[0] | all[1];
  } else {
    for (char const c : text)
      seen |= static_cast<unsigned char>(c);
  }
  return (seen & 0x8080'8080'8080'8080u) == 0;
}

[[gnu::noinline]] bool has_line_end_beyond_ascii(std::string_view text) {
  const char* const end = text.data() + text.size();
  for (char const lead : {'\xc2', '\xe2'})
    for (std::size_t at = 0; (at = text.find(lead, at)) != std::string_view::npos; ++at)
      if (line_end_at(text.data() + at, end) > 0)
        return true;
  return false;
}

bool has_line_end(std::string_view text) {
  return !is_ascii(text) && has_line_end_beyond_ascii(text);
}

// They can only stand within the strings of a JSON text.
std::string escape_line_ends(std::string_view json) {
  std::string out;
  const char* const end = json.data() + json.size();
  for (const char* at = json.data(); at != end;) {
    std::size_t const size = line_end_at(at, end);
    if (size == 0)
      out += *at++;
    else
      out += size == 2 ? "\\u0085" : at[2] == '\xa8' ? "\\u2028" : "\\u2029";
    at += size;
  }
  return out;
}

std::string id_object(std::string_view job) {
  std::string data = R"({"id":)";
  job::append_json_string(data, job);
  data += '}';
  return data;
}

} // namespace

void intrusive_ptr_release(const event* e) noexcept {
  if (--e->references_ == 0) {
    e->~event();
    std::free(const_cast<event*>(e));
  }
}

/// What stands before the data, with room before it for the head of a chunk.
class event::front {
 public:
  explicit front(std::string_view name) { put(name); }
  front() = default;
  void put(std::string_view text) { end_ = std::copy(text.begin(), text.end(), end_); }
  template <class Number>
  void put_number(Number n) {
    end_ = std::to_chars(end_, bytes_ + sizeof bytes_, n).ptr;
  }
  std::size_t size() const { return static_cast<std::size_t>(end_ - text()); }
  /// With the head of the chunk that it and `more` bytes are.
  std::string_view as_chunk(std::size_t more) {
    char* const begin = text() - http::chunk_head_size(size() + more);
    http::write_chunk_head(begin, size() + more);
    return {begin, static_cast<std::size_t>(end_ - begin)};
  }

 private:
  char* text() { return bytes_ + http::longest_chunk_head; }
  const char* text() const { return bytes_ + http::longest_chunk_head; }
  char bytes_[http::longest_chunk_head + front_capacity];
  char* end_ = text();
};

// Inline, as make_chunk(): the arguments that they take are a twentieth of what an event costs.
// `own`: what the frame has escaped, to be kept apart; else `data` is part of the frame.
[[gnu::always_inline]] inline event_ptr event::assemble(event_kind kind, std::string_view head, std::string_view data,
                                                        std::string_view tail, std::string_view own) {
  std::size_t const framed = head.size() + data.size() + tail.size();
  void* memory = std::malloc(sizeof(event) + framed + own.size());
  if (!memory)
    throw std::bad_alloc();
  auto* made = new (memory) event;
  char* out = reinterpret_cast<char*>(made + 1);
  out = std::copy(head.begin(), head.end(), out);
  out = std::copy(data.begin(), data.end(), out);
  out = std::copy(tail.begin(), tail.end(), out);
  made->kind_ = kind;
  made->sse_size_ = static_cast<std::uint32_t>(framed);
  made->data_offset_ = static_cast<std::uint32_t>(head.size());
  made->data_size_ = static_cast<std::uint32_t>(data.size());
  if (!own.empty()) {
    std::copy(own.begin(), own.end(), out);
    made->data_offset_ = static_cast<std::uint32_t>(framed);
    made->data_size_ = static_cast<std::uint32_t>(own.size());
  }
  return event_ptr(made);
}

[[gnu::always_inline]] inline event_ptr event::make_chunk(event_kind kind, front& before, std::string_view shown,
                                                          std::string_view after, std::string_view own) {
  std::string_view const head = before.as_chunk(shown.size() + after.size() - http::chunk_tail.size());
  event_ptr made = assemble(kind, head, shown, after, own);
  auto& e = const_cast<event&>(*made);
  e.chunk_head_ = static_cast<std::uint8_t>(head.size() - before.size());
  e.chunk_tail_ = http::chunk_tail.size();
  e.sse_size_ -= e.chunk_head_ + e.chunk_tail_;
  return made;
}

event_ptr event::make(event_kind kind, front& before, std::string_view data, std::string_view after) {
  if (has_line_end(data))
    return make_chunk(kind, before, escape_line_ends(data), after, data);
  return make_chunk(kind, before, data, after, {});
}

event_ptr event::make(event_kind kind, std::string_view before, std::string_view data, std::string_view after) {
  front head(before);
  return make(kind, head, data, after);
}

event_ptr event::job(std::uint64_t version, bool final, std::string_view record) {
  std::int64_t const updated_at = job::id_of(record).updated_at;
  front head("id: ");
  head.put_number(updated_at);
  head.put("-");
  head.put_number(version);
  head.put("\nevent: job\ndata: ");
  event_ptr made = make(event_kind::job, head, record);
  auto& e = const_cast<event&>(*made);
  e.version_ = version;
  e.updated_at_ = updated_at;
  e.final_ = final;
  return made;
}

event_ptr event::missing(std::string_view job) {
  return make(event_kind::missing, "event: missing\ndata: ", id_object(job));
}

event_ptr event::reset(std::string_view job) {
  return make(event_kind::reset, "event: reset\ndata: ", id_object(job));
}

event_ptr event::gap(std::string_view job, std::uint64_t skipped) {
  std::string data = id_object(job);
  data.pop_back();
  data += fmt::format(R"(,"skipped":{}}})", skipped);
  return make(event_kind::gap, "event: gap\ndata: ", data);
}

event_ptr event::more(std::string_view cursor) {
  std::string data = R"({"cursor":)";
  job::append_json_string(data, cursor);
  data += '}';
  return make(event_kind::more, "event: more\ndata: ", data);
}

event_ptr event::gateway(std::string_view state, unsigned retry_ms) {
  return make(event_kind::gateway, "event: gateway\ndata: ", fmt::format(R"({{"state":"{}"}})", state),
              retry_ms ? fmt::format("\nretry: {}\n\n\r\n", retry_ms) : std::string(end_of_event));
}

event_ptr event::reauth(std::int64_t expires_at) {
  return make(event_kind::reauth, "event: reauth\ndata: ", fmt::format(R"({{"expires_at":{}}})", expires_at));
}

event_ptr event::end(std::string_view reason, std::string_view job) {
  std::string data = fmt::format(R"({{"reason":"{}"}})", reason);
  if (!job.empty()) {
    data.back() = ',';
    data += R"("job":)";
    job::append_json_string(data, job);
    data += '}';
  }
  return make(event_kind::end, "event: end\ndata: ", data);
}

event_ptr event::time(std::int64_t now) {
  return make(event_kind::time, "event: time\ndata: ", fmt::format(R"({{"now":{}}})", now));
}

event_ptr event::raw(std::string_view bytes) {
  return assemble(event_kind::raw, {}, bytes, {}, {});
}

encoded event::bytes(encoding as, head_space& space) const {
  if (as != encoding::websocket || kind_ == event_kind::raw)
    return {{}, as == encoding::sse ? sse() : chunk(), {}};
  std::string_view const opening = openings[static_cast<std::size_t>(kind_)];
  bool const is_record = kind_ == event_kind::job;
  encoded out{{}, is_record ? data() : data().substr(1), is_record ? "}" : ""};
  std::size_t const size = http::write_ws_head(space.data(), http::ws_opcode::text, opening.size() + out.size());
  std::memcpy(space.data() + size, opening.data(), opening.size());
  out.head = {space.data(), size + opening.size()};
  return out;
}

std::size_t event::size(encoding as) const {
  if (as != encoding::websocket || kind_ == event_kind::raw)
    return as == encoding::sse ? sse_size_ : chunk().size();
  // A record is followed by a brace; of others the first is part of the opening.
  std::size_t const payload =
      openings[static_cast<std::size_t>(kind_)].size() + (kind_ == event_kind::job ? data_size_ + 1 : data_size_ - 1);
  return http::ws_head_size(payload) + payload;
}

std::string event::id() const {
  return fmt::format("{}-{}", updated_at_, version_);
}

} // namespace jobcast::hub
