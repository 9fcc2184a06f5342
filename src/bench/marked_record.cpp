#include "marked_record.hpp"

#include <charconv>

namespace jobcast::bench {

namespace {

constexpr std::string_view version_text = R"("version":)";
constexpr std::string_view stamp_text = R"("message":"t)";
// Fields of a job in the middle of its work, in the order the functions write them.
constexpr std::string_view middle =
    R"(,"updated_at":1700000000000,"type":"bench","status":"processing","attempt":1,"max_attempts":1,"progress":{"percent":42,"message":")";
constexpr std::string_view tail =
    R"("},"stalled":false,"cancel_requested":false,"can":["cancel"],"created_at":1700000000000,"started_at":1700000000000)";

template <class Integer>
bool number_at(std::string_view text, std::size_t at, Integer& into) {
  return std::from_chars(text.data() + at, text.data() + text.size(), into).ec == std::errc{};
}

void append_number(std::string& out, std::int64_t value) {
  char digits[20];
  auto const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

} // namespace

record_format::record_format(std::string prefix, std::size_t size)
    : prefix_(std::move(prefix))
    , id_text_(R"("id":")" + prefix_)
    , size_(size) {}

std::string record_format::stamp(std::int64_t now) {
  return "t" + std::to_string(now) + "t";
}

void record_format::append(std::string& out, const mark& m) const {
  std::size_t const begin = out.size();
  out.append("{").append(id_text_);
  append_number(out, m.job);
  out.append("\",").append(version_text);
  append_number(out, static_cast<std::int64_t>(m.version));
  out.append(middle).append("t");
  append_number(out, m.sent_at);
  out.append("t").append(tail);
  constexpr std::string_view padding = R"(,"group":"")";
  if (std::size_t const made = out.size() - begin + 1; made + padding.size() < size_) {
    out.append(padding.substr(0, padding.size() - 1));
    out.append(size_ - made - padding.size(), 'x').append("\"");
  }
  out.append("}");
}

std::optional<mark> record_format::find(std::string_view message) const {
  auto const id = message.find(id_text_);
  if (id == std::string_view::npos)
    return std::nullopt;
  message.remove_prefix(id + id_text_.size());
  mark m;
  auto const version = message.find(version_text);
  if (!number_at(message, 0, m.job) || version == std::string_view::npos ||
      !number_at(message, version + version_text.size(), m.version))
    return std::nullopt;
  if (auto const stamp = message.find(stamp_text, version); stamp != std::string_view::npos)
    number_at(message, stamp + stamp_text.size(), m.sent_at);
  return m;
}

} // namespace jobcast::bench
