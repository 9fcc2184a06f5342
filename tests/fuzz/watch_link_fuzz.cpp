// Watch links: nothing that was not signed is taken, and what is signed says the same when it is read.
#include "jobcast/auth/watch_link.hpp"
#include "require.hpp"

#include <cstdint>
#include <string>
#include <vector>

using namespace jobcast::auth;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::string> secrets{"a secret for fuzzing, of 32 bytes or more"};
  std::string_view const text(reinterpret_cast<const char*>(data), size);
  require(!verify_link(text, secrets, 0));
  // Names as jobcast lets them through: printable ASCII.
  watch_link link;
  link.expires_at = 1000;
  std::string* into = &link.tenant;
  for (char c : text.substr(0, 1000)) {
    if (c == '\n')
      into = &link.jobs.emplace_back();
    else if (c >= 0x20 && c < 0x7f)
      *into += c;
  }
  std::string const made = sign_link(link, secrets.front());
  if (made.size() > longest_link)
    return 0;
  auto const who = verify_link(made, secrets, 999);
  require(who && (*who)->what == identity::kind::link && (*who)->jobs == link.jobs && (*who)->tenant == link.tenant);
  require(!verify_link(made, secrets, 1000));
  require(!verify_link(std::string_view(made).substr(0, made.size() - 1), secrets, 0));
  return 0;
}
