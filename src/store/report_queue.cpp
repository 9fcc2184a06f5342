#include "jobcast/store/report_queue.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace jobcast::store {

namespace {

constexpr std::array<std::string_view, 7> progress_fields{"percent", "current", "total", "unit",
                                                          "step",    "message", "eta"};
// What the program spends on a report and on a field beside their text.
constexpr std::size_t report_overhead = 160, field_overhead = sizeof(std::string);

double number(const std::string& text) {
  double out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

// Whether a value that `newer` takes the place of is not wanted any more. Of percents of one attempt the largest
// counts, and a message of several lines is kept for operators.
bool outdates(std::string_view field, const std::string& newer, const std::string& older) {
  if (field == "attempt")
    return newer == older;
  if (field == "percent")
    return number(newer) >= number(older);
  return field != "message" || older.find('\n') == std::string::npos;
}

// Every field of `older` is set anew by `newer`, and it is the same attempt.
bool replaces(const arguments& newer, const arguments& older) {
  if (!is_progress(newer) || !is_progress(older))
    return false;
  for (std::size_t i = 0; i + 1 < older.size(); i += 2) {
    std::size_t at = 0;
    while (at + 1 < newer.size() && newer[at] != older[i])
      at += 2;
    if (at + 1 >= newer.size() || !outdates(older[i], newer[at + 1], older[i + 1]))
      return false;
  }
  // One that names its attempt may be refused where one that does not would be taken.
  auto const attempt = [](const arguments& fields) { return std::find(fields.begin(), fields.end(), "attempt"); };
  return (attempt(newer) == newer.end()) == (attempt(older) == older.end());
}

} // namespace

bool is_progress(const arguments& fields) {
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    const std::string& name = fields[i];
    bool const known = name == "attempt" || (name == "status" && fields[i + 1] == "processing") ||
                       std::find(progress_fields.begin(), progress_fields.end(), name) != progress_fields.end();
    if (!known)
      return false;
  }
  return true;
}

bool is_outcome(const arguments& fields) {
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
    if (fields[i] == "status")
      return fields[i + 1] == "done" || fields[i + 1] == "failed" || fields[i + 1] == "cancelled";
  return false;
}

std::size_t report_queue::size_of(const report& r) {
  std::size_t size = report_overhead + r.id.size();
  for (const std::string& text : r.fields)
    size += field_overhead + text.size();
  return size;
}

report_queue::fate report_queue::offer(std::string_view id, arguments fields) {
  auto const found = last_.find(id);
  if (found != last_.end() && replaces(fields, found->second->fields)) {
    report& older = *found->second;
    bytes_ -= size_of(older);
    older.fields = std::move(fields);
    bytes_ += size_of(older);
    return fate::replaces;
  }
  if (bytes_ > most_.progress && is_progress(fields))
    return fate::shed;
  // References into a deque stay good while it grows and shrinks at its ends.
  report& fresh = waiting_.emplace_back(report{std::string(id), std::move(fields)});
  bytes_ += size_of(fresh);
  if (found != last_.end())
    last_.erase(found);
  last_.emplace(fresh.id, &fresh);
  return fate::waits;
}

void report_queue::put_back(report r) {
  report& first = waiting_.emplace_front(std::move(r));
  bytes_ += size_of(first);
  last_.emplace(first.id, &first);
}

report_queue::report report_queue::take() {
  report& oldest = waiting_.front();
  bytes_ -= size_of(oldest);
  if (auto const found = last_.find(oldest.id); found != last_.end() && found->second == &oldest)
    last_.erase(found);
  report out = std::move(oldest);
  waiting_.pop_front();
  return out;
}

} // namespace jobcast::store
