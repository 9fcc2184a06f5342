#include "jobcast/notify/mailbox.hpp"

#include <algorithm>

namespace jobcast::notify {

namespace {

constexpr std::size_t longest_address = 254, longest_local_part = 64, longest_label = 63;

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Calls `fits` for each part between dots; false if there is an empty one.
bool each_between_dots(std::string_view text, auto fits) {
  while (true) {
    auto const dot = text.find('.');
    auto const part = text.substr(0, dot);
    if (part.empty() || !fits(part))
      return false;
    if (dot == std::string_view::npos)
      return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_label(std::string_view text) {
  return text.size() <= longest_label && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alnum(c) || c == '-'; });
}

bool is_atom(std::string_view text) {
  constexpr std::string_view others = "!#$%&'*+/=?^_`{|}~-";
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_alnum(c) || others.find(c) != std::string_view::npos; });
}

} // namespace

bool is_address(std::string_view text) {
  auto const at = text.rfind('@');
  if (at == std::string_view::npos || at > longest_local_part || text.size() > longest_address)
    return false;
  auto const domain = text.substr(at + 1);
  return each_between_dots(text.substr(0, at), is_atom) && each_between_dots(domain, is_label) &&
         (domain.find('.') != std::string_view::npos || domain == "localhost");
}

std::optional<mailbox> parse_mailbox(std::string_view text) {
  auto const open = text.find('<');
  if (open == std::string_view::npos)
    return is_address(text) ? std::optional(mailbox{"", std::string(text)}) : std::nullopt;
  if (!text.ends_with('>'))
    return std::nullopt;
  auto const address = text.substr(open + 1, text.size() - open - 2);
  auto name = text.substr(0, open);
  while (name.ends_with(' '))
    name.remove_suffix(1);
  bool const clean =
      std::all_of(name.begin(), name.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7f && c != '"'; });
  if (!clean || !is_address(address))
    return std::nullopt;
  return mailbox{std::string(name), std::string(address)};
}

} // namespace jobcast::notify
