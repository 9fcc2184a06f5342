#include "file_sender.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

namespace jobcast::http {

namespace {

// So much for one client, then the others have their turn.
constexpr std::uint64_t most_at_once = 256 * 1024;

} // namespace

task<bool> send_file(net::client_socket& to, const open_file& file, timing_wheel& wheel, deadline& end,
                     std::chrono::milliseconds patience) {
  error_code ec;
  for (std::uint64_t at = 0; at < file.size();) {
    if (!file.unchanged())
      co_return false;
    auto const part = static_cast<std::size_t>(std::min(most_at_once, file.size() - at));
    std::size_t const sent = to.send_file(file.native_handle(), at, part, ec);
    at += sent;
    if (ec == asio::error::would_block) {
      co_await to.async_wait(net::direction::write, asio::redirect_error(use_awaitable, ec));
      if (ec || end.expired())
        co_return false;
      continue;
    }
    if (ec || sent == 0)
      co_return false;
    wheel.arm(end, patience);
    co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
    if (!to.is_open())
      co_return false;
  }
  co_await to.write({}, ec);
  co_return !ec;
}

} // namespace jobcast::http
