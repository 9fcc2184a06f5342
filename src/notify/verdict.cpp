#include "jobcast/notify/verdict.hpp"

#include <algorithm>
#include <charconv>
#include <curl/curl.h>
#include <fmt/format.h>

namespace jobcast::notify {

namespace {

using namespace std::chrono_literals;

constexpr milliseconds longest_wait = 24h;

bool is_about_login(long code) {
  return code == 530 || code == 534 || code == 535 || code == 538;
}

} // namespace

std::optional<milliseconds> parse_retry_after(std::string_view text, std::int64_t now) {
  std::uint64_t seconds = 0;
  auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (end == text.data() + text.size() && !text.empty()) {
    auto const most = static_cast<std::uint64_t>(longest_wait / 1s);
    return std::chrono::seconds(problem == std::errc{} ? std::min(seconds, most) : most);
  }
  auto const date = curl_getdate(std::string(text).c_str(), nullptr);
  if (date < 0)
    return std::nullopt;
  return std::clamp(milliseconds(static_cast<std::int64_t>(date) * 1000 - now), milliseconds(0), longest_wait);
}

verdict judge_webhook(const answer& a, std::int64_t now) {
  using enum verdict::kind;
  if (a.forbidden)
    return {dead, a.error, {}};
  if (!a.arrived)
    return {retry, a.error, {}};
  if (a.status >= 200 && a.status < 300)
    return {};
  if (a.status == 410)
    return {disable, "the endpoint answered 410 Gone", {}};
  std::string why = a.status >= 300 && a.status < 400
                        ? fmt::format("the endpoint answered {}; redirects are not followed", a.status)
                        : fmt::format("the endpoint answered {}", a.status);
  bool const asks = a.status == 429 || a.status == 503;
  return {retry, std::move(why), asks ? parse_retry_after(a.retry_after, now) : std::nullopt};
}

verdict judge_email(const answer& a) {
  using enum verdict::kind;
  if (a.arrived)
    return {};
  if (a.status >= 500 && a.status < 600 && !is_about_login(a.status))
    return {dead, fmt::format("the relay refused the message with {}: {}", a.status, a.error), {}};
  return {retry, a.error, {}};
}

std::optional<milliseconds> pause_after(unsigned tries, std::span<const milliseconds> schedule,
                                        std::optional<milliseconds> not_before, std::uint32_t random) {
  if (tries == 0 || tries > schedule.size())
    return std::nullopt;
  auto const planned = schedule[tries - 1];
  auto const jitter = milliseconds(planned.count() / 5 * (random % 1001) / 1000);
  return std::max(planned + jitter, not_before.value_or(milliseconds(0)));
}

} // namespace jobcast::notify
