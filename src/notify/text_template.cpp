#include "jobcast/notify/text_template.hpp"

#include <fmt/format.h>
#include <vector>

namespace jobcast::notify {

namespace {

struct tag {
  char kind = 0; ///< # ^ / or 0 for a value
  std::string_view name;
};

bool is_name(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-") ==
             std::string_view::npos;
}

tag parse_tag(std::string_view inside) {
  auto const trim = [](std::string_view s) {
    auto const from = std::min(s.find_first_not_of(' '), s.size());
    return s.substr(from, s.find_last_not_of(' ') + 1 - from);
  };
  inside = trim(inside);
  tag out;
  if (!inside.empty() && std::string_view("#^/").find(inside[0]) != std::string_view::npos) {
    out.kind = inside[0];
    inside = trim(inside.substr(1));
  }
  out.name = inside;
  return out;
}

/// Calls `on_text` and `on_tag` in turn; the answer is what is wrong with the template, or empty.
std::string walk(std::string_view text, auto on_text, auto on_tag) {
  std::vector<std::string_view> open;
  while (true) {
    auto const start = text.find("{{");
    on_text(text.substr(0, start));
    if (start == std::string_view::npos)
      return open.empty() ? std::string() : fmt::format("lacks {{{{/{}}}}}", open.back());
    auto const end = text.find("}}", start);
    if (end == std::string_view::npos)
      return "has a {{ without }}";
    tag const t = parse_tag(text.substr(start + 2, end - start - 2));
    if (!is_name(t.name))
      return fmt::format("has {{{{{}}}}}, which names no field of the record", t.name);
    if (t.kind == '#' || t.kind == '^') {
      open.push_back(t.name);
    } else if (t.kind == '/') {
      if (open.empty() || open.back() != t.name)
        return fmt::format("has {{{{/{}}}}} where {} was to be closed", t.name,
                           open.empty() ? "nothing" : std::string(open.back()));
      open.pop_back();
    }
    on_tag(t);
    text.remove_prefix(end + 2);
  }
}

void append_escaped(std::string& out, std::string_view text) {
  for (char const c : text)
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += c;
    }
}

} // namespace

values::values(std::string_view record)
    : record_(std::make_shared<rapidjson::Document>()) {
  record_->Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag>(record.data(), record.size());
  if (record_->HasParseError() || !record_->IsObject())
    record_->SetObject();
}

std::string values::find(std::string_view path) const {
  if (path == "done" || path == "failed" || path == "cancelled")
    return find("status") == path ? "true" : "";
  if (path == "title") {
    for (std::string_view const label : {"labels.title", "labels.name", "labels.file"})
      if (std::string named = find(label); !named.empty())
        return named;
    return find("type") + ' ' + find("id");
  }
  const rapidjson::Value* at = record_.get();
  while (true) {
    if (!at->IsObject())
      return {};
    // Names of labels may hold dots: the whole rest is tried first.
    auto const whole = at->FindMember(rapidjson::Value(rapidjson::StringRef(path.data(), path.size())));
    auto const dot = path.find('.');
    if (whole != at->MemberEnd()) {
      auto const& found = whole->value;
      if (found.IsString())
        return {found.GetString(), found.GetStringLength()};
      return found.IsTrue() ? "true" : "";
    }
    if (dot == std::string_view::npos)
      return {};
    auto const next = at->FindMember(rapidjson::Value(rapidjson::StringRef(path.data(), dot)));
    if (next == at->MemberEnd())
      return {};
    at = &next->value;
    path.remove_prefix(dot + 1);
  }
}

std::string render(std::string_view text, const values& from, escaping how) {
  std::string out;
  std::vector<bool> shown{true};
  walk(
      text,
      [&](std::string_view plain) {
        if (shown.back())
          out += plain;
      },
      [&](const tag& t) {
        if (t.kind == '/')
          return shown.pop_back();
        std::string const value = from.find(t.name);
        if (t.kind == '#' || t.kind == '^')
          return shown.push_back(shown.back() && value.empty() == (t.kind == '^'));
        if (!shown.back())
          return;
        if (how == escaping::html)
          append_escaped(out, value);
        else
          out += value;
      });
  return out;
}

std::string check_template(std::string_view text) {
  return walk(
      text, [](std::string_view) {}, [](const tag&) {});
}

} // namespace jobcast::notify
