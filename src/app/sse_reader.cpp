#include "sse_reader.hpp"

#include "jobcast/base/byte_order_mark.hpp"

#include <charconv>
#include <utility>

namespace jobcast::app {

bool sse_reader::feed(std::string_view bytes, const std::function<bool(const sse_event&)>& on_event) {
  for (const char c : bytes) {
    const bool second_half_of_crlf = c == '\n' && after_cr_;
    after_cr_ = c == '\r';
    if (second_half_of_crlf)
      continue;
    if (c != '\r' && c != '\n')
      line_ += c;
    else if (!end_line(on_event))
      return false;
  }
  return true;
}

void sse_reader::restart() {
  line_.clear();
  name_.clear();
  data_.clear();
  id_ = last_event_id_;
  after_cr_ = false;
  first_line_ = true;
}

bool sse_reader::end_line(const std::function<bool(const sse_event&)>& on_event) {
  auto line = std::move(line_);
  line_.clear();
  if (std::exchange(first_line_, false))
    line = std::string(without_byte_order_mark(line));

  if (!line.empty()) {
    const auto colon = line.find(':');
    auto value = colon == std::string::npos ? std::string_view() : std::string_view(line).substr(colon + 1);
    if (value.starts_with(' '))
      value.remove_prefix(1);
    field(std::string_view(line).substr(0, colon), value);
    return true;
  }
  last_event_id_ = id_;
  sse_event event;
  if (!name_.empty())
    event.name = std::exchange(name_, {});
  event.data = std::exchange(data_, {});
  if (event.data.empty())
    return true;
  event.data.pop_back(); // the line feed behind the last data line
  return on_event(event);
}

void sse_reader::field(std::string_view name, std::string_view value) {
  if (name == "event") {
    name_ = value;
  } else if (name == "data") {
    data_.append(value).append("\n");
  } else if (name == "id") {
    if (value.find('\0') == value.npos)
      id_ = value;
  } else if (name == "retry") {
    unsigned delay = 0;
    const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), delay);
    if (problem == std::errc() && end == value.data() + value.size())
      retry_ = delay;
  }
}

} // namespace jobcast::app
