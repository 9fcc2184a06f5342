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
constexpr std::size_t head_capacity = 96;

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

// Two searches for a byte, since to look at each byte would be a tenth of what an event costs.
bool has_line_end(std::string_view text) {
  const char* const end = text.data() + text.size();
  for (char const lead : {'\xc2', '\xe2'})
    for (std::size_t at = 0; (at = text.find(lead, at)) != std::string_view::npos; ++at)
      if (line_end_at(text.data() + at, end) > 0)
        return true;
  return false;
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

/// What lies behind an event, in order. `data` is part of the frame unless `own_data` holds what the frame has escaped.
struct event::parts {
  std::string_view chunk_head, before, data, after, chunk_tail, own_data;
};

event_ptr event::assemble(event_kind kind, const parts& of) {
  std::string_view const all[] = {of.chunk_head, of.before, of.data, of.after, of.chunk_tail, of.own_data};
  std::size_t size = sizeof(event);
  for (std::string_view const part : all)
    size += part.size();
  void* memory = std::malloc(size);
  if (!memory)
    throw std::bad_alloc();
  auto* made = new (memory) event;
  char* out = reinterpret_cast<char*>(made + 1);
  for (std::string_view const part : all)
    out = std::copy(part.begin(), part.end(), out);
  made->kind_ = kind;
  made->chunk_head_ = static_cast<std::uint8_t>(of.chunk_head.size());
  made->chunk_tail_ = static_cast<std::uint8_t>(of.chunk_tail.size());
  made->sse_size_ = static_cast<std::uint32_t>(of.before.size() + of.data.size() + of.after.size());
  std::size_t const offset = of.own_data.empty() ? made->chunk_head_ + of.before.size() : made->chunk().size();
  made->data_offset_ = static_cast<std::uint32_t>(offset);
  made->data_size_ = static_cast<std::uint32_t>(of.own_data.empty() ? of.data.size() : of.own_data.size());
  return event_ptr(made);
}

event_ptr event::make(event_kind kind, std::string_view before, std::string_view data, std::string_view after) {
  std::string escaped;
  parts of{{}, before, data, after, http::chunk_tail, {}};
  if (has_line_end(data)) {
    escaped = escape_line_ends(data);
    of.data = escaped;
    of.own_data = data;
  }
  char head[http::longest_chunk_head];
  of.chunk_head = {head, http::write_chunk_head(head, before.size() + of.data.size() + after.size())};
  return assemble(kind, of);
}

event_ptr event::job(std::uint64_t version, bool final, std::string_view record) {
  std::int64_t const updated_at = job::id_of(record).updated_at;
  char head[head_capacity];
  char* end = head;
  auto const put = [&](std::string_view text) { end = std::copy(text.begin(), text.end(), end); };
  put("id: ");
  end = std::to_chars(end, head + sizeof head, updated_at).ptr;
  put("-");
  end = std::to_chars(end, head + sizeof head, version).ptr;
  put("\nevent: job\ndata: ");
  event_ptr made = make(event_kind::job, {head, static_cast<std::size_t>(end - head)}, record, "\n\n");
  auto& e = const_cast<event&>(*made);
  e.version_ = version;
  e.updated_at_ = updated_at;
  e.final_ = final;
  return made;
}

event_ptr event::missing(std::string_view job) {
  return make(event_kind::missing, "event: missing\ndata: ", id_object(job), "\n\n");
}

event_ptr event::reset(std::string_view job) {
  return make(event_kind::reset, "event: reset\ndata: ", id_object(job), "\n\n");
}

event_ptr event::gap(std::string_view job, std::uint64_t skipped) {
  std::string data = id_object(job);
  data.pop_back();
  data += fmt::format(R"(,"skipped":{}}})", skipped);
  return make(event_kind::gap, "event: gap\ndata: ", data, "\n\n");
}

event_ptr event::more(std::string_view cursor) {
  std::string data = R"({"cursor":)";
  job::append_json_string(data, cursor);
  data += '}';
  return make(event_kind::more, "event: more\ndata: ", data, "\n\n");
}

event_ptr event::gateway(std::string_view state, unsigned retry_ms) {
  return make(event_kind::gateway, "event: gateway\ndata: ", fmt::format(R"({{"state":"{}"}})", state),
              retry_ms ? fmt::format("\nretry: {}\n\n", retry_ms) : "\n\n");
}

event_ptr event::reauth(std::int64_t expires_at) {
  return make(event_kind::reauth, "event: reauth\ndata: ", fmt::format(R"({{"expires_at":{}}})", expires_at), "\n\n");
}

event_ptr event::end(std::string_view reason, std::string_view job) {
  std::string data = fmt::format(R"({{"reason":"{}"}})", reason);
  if (!job.empty()) {
    data.back() = ',';
    data += R"("job":)";
    job::append_json_string(data, job);
    data += '}';
  }
  return make(event_kind::end, "event: end\ndata: ", data, "\n\n");
}

event_ptr event::time(std::int64_t now) {
  return make(event_kind::time, "event: time\ndata: ", fmt::format(R"({{"now":{}}})", now), "\n\n");
}

event_ptr event::raw(std::string_view bytes) {
  return assemble(event_kind::raw, {{}, {}, bytes, {}, {}, {}});
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
