#include "jobcast/notify/mime.hpp"

#include "jobcast/notify/signature.hpp"

#include <algorithm>
#include <ctime>
#include <fmt/chrono.h>

namespace jobcast::notify {

namespace {

constexpr std::size_t line_limit = 76;

std::string without_controls(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return out;
}

bool is_plain(std::string_view text) {
  return text.find("=?") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
}

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::string in_angles(const mailbox& m) {
  std::string const name = without_controls(m.name);
  if (name.empty())
    return m.address;
  std::string shown = is_plain(name) ? fmt::format("\"{}\"", name) : header_text(name, 6);
  std::string::size_type at = 0;
  while (is_plain(name) && (at = shown.find('\\', at)) != std::string::npos)
    shown.insert(at, 1, '\\'), at += 2;
  return fmt::format("{} <{}>", shown, m.address);
}

std::string part(std::string_view boundary, std::string_view type, std::string_view content) {
  return fmt::format(
      "--{}\r\nContent-Type: {}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n", boundary,
      type, quoted_printable(content));
}

} // namespace

std::string header_text(std::string_view given, std::size_t used) {
  std::string const text = without_controls(given);
  if (is_plain(text) && used + text.size() <= line_limit)
    return text;
  constexpr std::string_view open = "=?UTF-8?B?", close = "?=";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t const room = (line_limit - std::min(used, line_limit / 2) - open.size() - close.size()) / 4 * 3;
    std::size_t size = std::min(room, text.size() - at);
    while (size > 1 && at + size < text.size() && continues_character(text[at + size]))
      --size;
    out += fmt::format("{}{}{}{}", out.empty() ? "" : "\r\n ", open, base64(text.substr(at, size)), close);
    at += size;
    used = 1;
  }
  return out;
}

std::string quoted_printable(std::string_view text) {
  std::string out;
  std::size_t column = 0;
  auto const put = [&](std::string_view piece) {
    if (column + piece.size() > line_limit - 1) {
      out += "=\r\n";
      column = 0;
    }
    out += piece;
    column += piece.size();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const c = static_cast<unsigned char>(text[i]);
    bool const crlf = c == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if (crlf || c == '\n') {
      out += "\r\n";
      column = 0;
      i += crlf;
      continue;
    }
    bool const at_line_end = i + 1 == text.size() || text[i + 1] == '\n' || text[i + 1] == '\r';
    bool const literal = (c > 0x20 && c < 0x7f && c != '=') || ((c == ' ' || c == '\t') && !at_line_end);
    if (literal)
      put(text.substr(i, 1));
    else
      put(fmt::format("={:02X}", c));
  }
  return out;
}

std::string message(const email& e) {
  auto const seconds = static_cast<std::time_t>(e.date / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  // Quoted-printable writes = as =3D, so no line of a body can begin with this.
  std::string const boundary = "=_" + e.identity.substr(0, 32);
  std::string out = fmt::format("From: {}\r\nTo: {}\r\nSubject: {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} +0000\r\n",
                                in_angles(e.from), e.to, header_text(e.subject, 9), utc);
  out += fmt::format("Message-ID: <{}@{}>\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n", e.identity,
                     e.from.address.substr(e.from.address.rfind('@') + 1));
  out += fmt::format("Content-Type: multipart/alternative; boundary=\"{}\"\r\n\r\n", boundary);
  out += part(boundary, "text/plain", e.text) + part(boundary, "text/html", e.html);
  return out + fmt::format("--{}--\r\n", boundary);
}

} // namespace jobcast::notify
