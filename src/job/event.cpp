#include "jobcast/job/event.hpp"

#include "jobcast/job/report_json.hpp"

#include <algorithm>
#include <charconv>
#include <type_traits>

namespace jobcast::job {

namespace {

/// Cuts off and returns what stands before the first space; nullopt if there is none.
std::optional<std::string_view> take_word(std::string_view& rest) {
  const auto space = rest.find(' ');
  if (space == std::string_view::npos)
    return std::nullopt;
  const auto word = rest.substr(0, space);
  rest.remove_prefix(space + 1);
  return word;
}

/// Digits alone, and no overflow.
template <class Integer>
std::optional<Integer> number(std::string_view text) {
  Integer value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || text.front() == '-')
    return std::nullopt;
  return value;
}

/// The number behind the first `name`; 0 if there is none.
template <class Integer>
Integer number_after(std::string_view record, std::string_view name) {
  const auto at = record.find(name);
  if (at == std::string_view::npos)
    return 0;
  const auto rest = record.substr(at + name.size());
  return number<Integer>(rest.substr(0, rest.find_first_not_of("0123456789"))).value_or(0);
}

} // namespace

std::optional<event_flags> parse_flags(std::string_view word) {
  event_flags flags;
  if (word == "-")
    return flags;
  for (const char letter : word) {
    if (letter < 'a' || letter > 'z')
      return std::nullopt;
    flags.progress |= letter == 'p';
    flags.status |= letter == 's';
    flags.final |= letter == 'f';
    flags.created |= letter == 'n';
    flags.ownership |= letter == 'o';
    flags.deleted |= letter == 'd';
  }
  return flags;
}

bool is_one_line(std::string_view record) {
  return !record.empty() && record.find('\n') == std::string_view::npos && record.find('\r') == std::string_view::npos;
}

std::optional<event> parse_event(std::string_view message) {
  const auto version_word = take_word(message);
  const auto flags_word = take_word(message);
  if (!version_word || !flags_word || flags_word->empty())
    return std::nullopt;
  const auto version = number<std::uint64_t>(*version_word);
  const auto flags = parse_flags(*flags_word);
  if (!version || !flags || !is_one_line(message))
    return std::nullopt;
  if (flags->deleted ? message != "null" : !message.starts_with('{'))
    return std::nullopt;
  return event{*version, *flags, message};
}

std::optional<feed_event> parse_feed(std::string_view message) {
  const auto id = take_word(message);
  if (!id || !is_job_id(*id))
    return std::nullopt;
  const auto what = parse_event(message);
  if (!what)
    return std::nullopt;
  return feed_event{*id, *what};
}

namespace {

/// The fixed beginning, digit by digit; nullopt if the record begins otherwise.
std::optional<event_id> id_of_beginning(std::string_view record) {
  constexpr std::string_view before_id = R"({"id":")", before_version = R"(","version":)",
                             before_time = R"(,"updated_at":)";
  if (!record.starts_with(before_id))
    return std::nullopt;
  record.remove_prefix(before_id.size());
  record.remove_prefix(std::min(record.size(), record.find('"')));
  event_id id;
  // So many digits fit, which std::from_chars would check at each.
  constexpr std::size_t most_digits = 18;
  const auto take = [&](std::string_view before, auto& number) {
    if (!record.starts_with(before))
      return false;
    std::uint64_t value = 0;
    std::size_t at = before.size();
    for (; at < record.size() && record[at] >= '0' && record[at] <= '9'; ++at)
      value = value * 10 + static_cast<unsigned>(record[at] - '0');
    const auto digits = at - before.size();
    record.remove_prefix(at);
    number = static_cast<std::remove_reference_t<decltype(number)>>(value);
    return digits > 0 && digits <= most_digits;
  };
  if (!take(before_version, id.version) || !take(before_time, id.updated_at))
    return std::nullopt;
  return id;
}

} // namespace

// In the fixed beginning only the id stands before both names, and an id holds no quote: the first of each is theirs.
event_id id_of(std::string_view record) {
  if (const auto id = id_of_beginning(record))
    return *id;
  return {number_after<std::int64_t>(record, "\"updated_at\":"), number_after<std::uint64_t>(record, "\"version\":")};
}

std::string to_string(const event_id& id) {
  return std::to_string(id.updated_at) + "-" + std::to_string(id.version);
}

std::optional<event_id> parse_event_id(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos)
    return std::nullopt;
  const auto updated_at = number<std::int64_t>(text.substr(0, dash));
  const auto version = number<std::uint64_t>(text.substr(dash + 1));
  if (!updated_at || !version)
    return std::nullopt;
  return event_id{*updated_at, *version};
}

} // namespace jobcast::job
