#include "jobcast/store/library.hpp"

#include "jobcast/base/embedded.hpp"
#include "jobcast/base/log.hpp"
#include "jobcast/base/strings.hpp"
#include "jobcast/redis/denied.hpp"

#include <charconv>
#include <utility>

namespace jobcast::store {

namespace {

using answer = redis::client::answer;

bool no_functions(std::string_view error) {
  return error.find("unknown command") != std::string_view::npos;
}

library_failure passing(const answer& a) {
  return {false, a.ec ? a.ec.message() : std::string(a.reply().text())};
}

using installed = boost::system::result<void, library_failure>;

task<installed> install(redis::client& client, std::string ns) {
  std::string const source(embedded::functions_lua());
  auto loaded = co_await client.call(strings("FUNCTION", "LOAD", source));
  if (loaded.ec)
    co_return passing(loaded);
  std::string_view const error = loaded.reply().is_error() ? loaded.reply().text() : std::string_view{};
  if (no_functions(error))
    co_return library_failure{true, "this Redis has no functions; use Redis 7 or later, or Valkey 7.2 or later"};
  if (error.find("already exists") != std::string_view::npos) {
    auto version = co_await client.call(strings("FCALL", "jobcast_version", "1", ns));
    if (version.ec || version.reply().is_error())
      co_return passing(version);
    library_version const theirs = parse_version(version.reply().text());
    library_version const ours = version_of_source(source);
    switch (decide(theirs, ours)) {
    case library_action::keep:
      break;
    case library_action::refuse:
      co_return library_failure{true, fmt::format("Redis holds version {}.{} of the function library and this gateway "
                                                  "needs {}.x; upgrade the older of the two",
                                                  theirs.major, theirs.minor, ours.major)};
    case library_action::replace:
      log::info("replacing version {}.{} of the function library by {}.{}", theirs.major, theirs.minor, ours.major,
                ours.minor);
      auto replaced = co_await client.call(strings("FUNCTION", "LOAD", "REPLACE", source));
      if (replaced.ec || replaced.reply().is_error())
        co_return passing(replaced);
    }
  } else if (!error.empty()) {
    // What is no fault of the library, such as a missing right, full memory or a replica, may pass.
    bool const ours = error.starts_with("ERR ") && !redis::is_denied(error);
    co_return library_failure{ours, "loading the function library failed: " + std::string(error)};
  }
  co_return boost::system::in_place_value;
}

} // namespace

library_version parse_version(std::string_view text) {
  library_version v;
  auto const dot = text.find('.');
  if (dot == std::string_view::npos)
    return {};
  auto const whole = [](std::string_view digits, unsigned& out) {
    auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return ec == std::errc{} && end == digits.data() + digits.size();
  };
  return whole(text.substr(0, dot), v.major) && whole(text.substr(dot + 1), v.minor) ? v : library_version{};
}

library_version version_of_source(std::string_view source) {
  constexpr std::string_view mark = "local VERSION = '";
  auto const at = source.find(mark);
  if (at == std::string_view::npos)
    return {};
  source.remove_prefix(at + mark.size());
  return parse_version(source.substr(0, source.find('\'')));
}

library_action decide(library_version loaded, library_version ours) {
  if (loaded.major != ours.major)
    return library_action::refuse;
  return loaded.minor < ours.minor ? library_action::replace : library_action::keep;
}

task<boost::system::result<void, library_failure>> install_library(redis::client& client, std::string ns) {
  return install(client, std::move(ns));
}

} // namespace jobcast::store
