#include "config_value.hpp"

#include "jobcast/app/config.hpp"
#include "jobcast/job/json_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace jobcast::app {

namespace {

struct unit {
  std::string_view name;
  std::int64_t factor;
};
constexpr std::array duration_units{unit{"d", 86'400'000}, unit{"h", 3'600'000}, unit{"m", 60'000}, unit{"s", 1'000},
                                    unit{"ms", 1}};
constexpr std::array size_units{unit{"GiB", 1 << 30}, unit{"MiB", 1 << 20}, unit{"KiB", 1 << 10}, unit{"B", 1}};

std::string with_unit(std::int64_t amount, std::span<const unit> units, std::string_view of_zero) {
  if (amount == 0)
    return fmt::format("0{}", of_zero);
  const auto fits = std::find_if(units.begin(), units.end(), [&](const unit& u) { return amount % u.factor == 0; });
  return fmt::format("{}{}", amount / fits->factor, fits->name);
}
std::string duration_text(std::int64_t ms) {
  return with_unit(ms, duration_units, "s");
}
std::string size_text(std::int64_t bytes) {
  return with_unit(bytes, size_units, "B");
}

/// All of `text`, or nothing.
template <class Number>
std::optional<Number> whole(std::string_view text) {
  Number number{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

std::optional<double> amount_of(std::string_view text, std::span<const unit> units) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto amount = whole<std::int64_t>(text.substr(0, digits));
  const auto named =
      std::find_if(units.begin(), units.end(), [&](const unit& u) { return u.name == text.substr(digits); });
  if (!amount || named == units.end())
    return std::nullopt;
  return static_cast<double>(*amount) * static_cast<double>(named->factor);
}

template <class T>
constexpr bool is_count =
    std::is_same_v<T, unsigned> || std::is_same_v<T, std::uint16_t> || std::is_same_v<T, std::size_t>;

template <class... Cases>
struct overloaded : Cases... {
  using Cases::operator()...;
};

std::string range(const bounds& allowed, auto text) {
  return std::isinf(allowed.max) ? fmt::format(", at least {}", text(allowed.min))
                                 : fmt::format(", from {} to {}", text(allowed.min), text(allowed.max));
}

std::string plain(double number) {
  return fmt::format("{}", number);
}
std::string as_duration(double ms) {
  return duration_text(static_cast<std::int64_t>(ms));
}
std::string as_size(double bytes) {
  return size_text(static_cast<std::int64_t>(bytes));
}

/// The value as a number in the target's own terms, if it is of the right type.
std::optional<double> number_in(const given_value& value, std::span<const unit> units, bool bare, bool fraction) {
  if (const auto* text = std::get_if<std::string>(&value))
    return amount_of(*text, units);
  if (const auto* integer = std::get_if<std::int64_t>(&value); integer && bare)
    return static_cast<double>(*integer);
  if (const auto* real = std::get_if<double>(&value); real && fraction)
    return *real;
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  const auto start = std::min(text.find_first_not_of(' '), text.size());
  return text.substr(start, text.find_last_not_of(' ') + 1 - start);
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> list;
  for (std::size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find(',', start), text.size());
    list.emplace_back(trimmed(text.substr(start, end - start)));
    start = end + 1;
  }
  return list;
}

std::string json_quoted(std::string_view text) {
  std::string out;
  job::append_json_string(out, text);
  return out;
}

} // namespace

std::string accepted(const target& where, const bounds& allowed) {
  return std::visit(
      overloaded{
          [&](std::string*) -> std::string {
            return allowed.choices.empty() ? "text" : fmt::format("one of {}", fmt::join(allowed.choices, ", "));
          },
          [&](bool*) -> std::string { return "true or false"; },
          [&](std::vector<std::string>*) -> std::string { return "a list of texts"; },
          [&](std::vector<milliseconds>*) {
            return "a list of durations such as [\"5s\", \"5m\"]" + range(allowed, as_duration);
          },
          [&](byte_size) { return "bytes or a size such as \"64KiB\"" + range(allowed, as_size); },
          [&](milliseconds*) { return "a duration such as \"60s\" (ms, s, m, h, d)" + range(allowed, as_duration); },
          [&](double*) { return "a number" + range(allowed, plain); },
          [&](auto*) { return "a whole number" + range(allowed, plain); },
      },
      where);
}

std::optional<std::string> assign(const target& where, const bounds& allowed, const given_value& value) {
  const auto refused = [&] {
    const auto* other = std::get_if<unusable>(&value);
    return fmt::format("must be {}{}{}", accepted(where, allowed), other ? ", not " : "", other ? other->type : "");
  };
  const auto checked = [&](std::string_view text) { return allowed.check ? allowed.check(text) : std::nullopt; };
  const auto number = [&](std::span<const unit> units, bool bare, bool fraction) -> std::optional<double> {
    const auto found = number_in(value, units, bare, fraction);
    return found && *found >= allowed.min && *found <= allowed.max ? found : std::nullopt;
  };
  const auto put = [&](std::optional<double> found, auto store) -> std::optional<std::string> {
    if (!found)
      return refused();
    store(*found);
    return std::nullopt;
  };
  return std::visit(
      overloaded{
          [&](std::string* to) -> std::optional<std::string> {
            const auto* text = std::get_if<std::string>(&value);
            const auto& choices = allowed.choices;
            if (!text || (!choices.empty() && std::find(choices.begin(), choices.end(), *text) == choices.end()))
              return refused();
            *to = *text;
            return checked(*text);
          },
          [&](bool* to) -> std::optional<std::string> {
            const auto* flag = std::get_if<bool>(&value);
            if (!flag)
              return refused();
            *to = *flag;
            return std::nullopt;
          },
          [&](std::vector<std::string>* to) -> std::optional<std::string> {
            const auto* list = std::get_if<std::vector<std::string>>(&value);
            if (!list)
              return refused();
            *to = *list;
            for (const auto& element : *list)
              if (auto problem = checked(element))
                return problem;
            return std::nullopt;
          },
          [&](std::vector<milliseconds>* to) -> std::optional<std::string> {
            const auto* list = std::get_if<std::vector<std::string>>(&value);
            if (!list)
              return refused();
            to->clear();
            for (const auto& element : *list) {
              const auto span = amount_of(element, duration_units);
              if (!span || *span < allowed.min || *span > allowed.max)
                return refused();
              to->emplace_back(static_cast<std::int64_t>(*span));
            }
            return std::nullopt;
          },
          [&](byte_size to) {
            return put(number(size_units, true, false), [&](double n) { *to.bytes = static_cast<std::size_t>(n); });
          },
          [&](milliseconds* to) {
            return put(number(duration_units, false, false),
                       [&](double n) { *to = milliseconds(static_cast<std::int64_t>(n)); });
          },
          [&](double* to) { return put(number({}, true, true), [&](double n) { *to = n; }); },
          [&](auto* to) {
            using count = std::remove_pointer_t<decltype(to)>;
            static_assert(is_count<count>);
            return put(number({}, true, false), [&](double n) { *to = static_cast<count>(n); });
          },
      },
      where);
}

given_value from_text(std::string_view text, const target& where) {
  const auto integer_or_text = [&]() -> given_value {
    if (const auto integer = whole<std::int64_t>(text))
      return *integer;
    return std::string(text);
  };
  return std::visit(overloaded{
                        [&](std::string*) -> given_value { return std::string(text); },
                        [&](milliseconds*) -> given_value { return std::string(text); },
                        [&](bool*) -> given_value {
                          if (text == "true" || text == "false")
                            return text == "true";
                          return std::string(text);
                        },
                        [&](double*) -> given_value {
                          if (const auto real = whole<double>(text))
                            return *real;
                          return std::string(text);
                        },
                        [&](std::vector<std::string>*) -> given_value { return split(text); },
                        [&](std::vector<milliseconds>*) -> given_value { return split(text); },
                        [&](byte_size) { return integer_or_text(); },
                        [&](auto*) { return integer_or_text(); },
                    },
                    where);
}

std::string to_toml(const target& where) {
  return std::visit(overloaded{
                        [](const std::string* text) { return json_quoted(*text); },
                        [](const bool* flag) { return std::string(*flag ? "true" : "false"); },
                        [](const std::vector<std::string>* list) {
                          std::vector<std::string> each;
                          std::transform(list->begin(), list->end(), std::back_inserter(each), json_quoted);
                          return fmt::format("[{}]", fmt::join(each, ", "));
                        },
                        [](const std::vector<milliseconds>* list) {
                          std::vector<std::string> each;
                          std::transform(list->begin(), list->end(), std::back_inserter(each),
                                         [](milliseconds span) { return json_quoted(duration_text(span.count())); });
                          return fmt::format("[{}]", fmt::join(each, ", "));
                        },
                        [](byte_size size) { return json_quoted(size_text(static_cast<std::int64_t>(*size.bytes))); },
                        [](const milliseconds* span) { return json_quoted(duration_text(span->count())); },
                        [](const double* number) { return fmt::format("{:#}", *number); },
                        [](const auto* count) { return std::to_string(*count); },
                    },
                    where);
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  const auto ms = amount_of(text, duration_units);
  return ms ? std::optional(milliseconds(static_cast<std::int64_t>(*ms))) : std::nullopt;
}

} // namespace jobcast::app
