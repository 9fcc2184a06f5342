#include "job_line.hpp"

#include "jobcast/base/text_member.hpp"
#include "terminal_text.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <rapidjson/document.h>

namespace jobcast::app {

namespace {

constexpr std::size_t bar_width = 24;

/// The member's text, empty if it has none.
std::string text_of(const rapidjson::Value& object, const char* name) {
  return terminal_text(text_member(object, name));
}

std::string bar(double percent) {
  const auto filled = static_cast<std::size_t>(std::lround(std::clamp(percent, 0.0, 100.0) / 100 * bar_width));
  const bool moving = filled < bar_width;
  return fmt::format("[{}{}{}] {:3.0f} %", std::string(filled, '='), moving ? ">" : "",
                     std::string(moving ? bar_width - filled - 1 : 0, ' '), std::floor(percent));
}

void add(std::string& line, const std::string& part) {
  if (!part.empty())
    line += "  " + part;
}

bool is_true(const rapidjson::Value& object, const char* name) {
  const auto member = object.FindMember(name);
  return member != object.MemberEnd() && member->value.IsTrue();
}

std::string title_and_action(const rapidjson::Value& error) {
  auto text = text_of(error, "title");
  const auto action = text_of(error, "action");
  return text.empty() || action.empty() ? text + action : text + "; " + action;
}

} // namespace

std::optional<job_line> describe_job(std::string_view record) {
  rapidjson::Document job;
  job.Parse<rapidjson::kParseIterativeFlag>(record.data(), record.size());
  if (job.HasParseError() || !job.IsObject())
    return std::nullopt;
  job_line line{text_of(job, "status"), text_of(job, "id")};
  if (line.status.empty())
    return std::nullopt;
  add(line.text, line.status);
  if (const auto progress = job.FindMember("progress"); progress != job.MemberEnd() && progress->value.IsObject()) {
    const auto& members = progress->value;
    if (const auto percent = members.FindMember("percent"); percent != members.MemberEnd() && percent->value.IsNumber())
      add(line.text, bar(percent->value.GetDouble()));
    add(line.text, text_of(members, "message"));
  }
  if (is_true(job, "stalled"))
    add(line.text, "(stalled: no sign of life from its worker)");
  if (is_true(job, "cancel_requested") && !line.is_final())
    add(line.text, "(cancel requested)");
  if (const auto error = job.FindMember("error"); error != job.MemberEnd() && error->value.IsObject())
    add(line.text, title_and_action(error->value));
  return line;
}

std::string fitted(std::string_view text, std::size_t columns) {
  const auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  if (static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_character)) <= columns || columns == 0)
    return std::string(text);
  std::size_t end = 0, characters = 0;
  while (end < text.size() && (characters += starts_character(text[end])) < columns)
    ++end;
  return std::string(text.substr(0, end)) + "…";
}

} // namespace jobcast::app
