#include "jobcast/net/listener.hpp"

#include "jobcast/base/log.hpp"
#include "jobcast/base/survive.hpp"

#include <cerrno>
#include <charconv>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace jobcast::net {

namespace {

// A storm of reconnects must not starve the streams that are up.
constexpr int accepts_per_turn = 64;
// Shorter queues made clients of a storm wait for retransmissions, seconds each.
constexpr int backlog = 4096;

constexpr int most_not_sent = 32 * 1024;

template <int Level, int Name>
using int_option = asio::detail::socket_option::integer<Level, Name>;
using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

} // namespace

boost::system::result<tcp::endpoint, std::string> parse_endpoint(std::string_view text) {
  auto const colon = text.rfind(':');
  auto const wrong = [&] {
    return fmt::format("'{}' is not an address and port such as 127.0.0.1:8080 or [::1]:8080", text);
  };
  if (colon == std::string_view::npos)
    return wrong();
  std::string_view const digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  if (auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
      ec != std::errc{} || end != digits.data() + digits.size() || digits.empty())
    return wrong();
  std::string host(text.substr(0, colon));
  if (host == "localhost")
    host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  error_code ec;
  auto const address = asio::ip::make_address(host, ec);
  if (ec)
    return wrong();
  return tcp::endpoint(address, port);
}

std::string port_problem(const tcp::endpoint& where) {
  asio::io_context io;
  asio::basic_socket_acceptor<tcp, executor> probe(io.get_executor());
  error_code ec;
  probe.open(where.protocol(), ec);
  if (!ec)
    probe.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec)
    probe.bind(where, ec);
  // Two that both only bound would still both be let through; listening is what collides.
  if (!ec)
    probe.listen(1, ec);
  if (!ec)
    return {};
  return fmt::format("cannot listen on {}: {}; end what uses it, or set server.listen to another port", name_of(where),
                     ec.message());
}

std::string name_of(const tcp::endpoint& where) {
  std::string const address = where.address().to_string();
  return where.address().is_v6() ? fmt::format("[{}]:{}", address, where.port())
                                 : fmt::format("{}:{}", address, where.port());
}

listener::listener(asio::io_context& io, const limit_settings& limits,
                   std::function<void(int, const asio::ip::address&)> accepted)
    : acceptor_(io.get_executor())
    , pause_(io.get_executor())
    , write_timeout_(limits.write_timeout)
    , accepted_(std::move(accepted)) {}

void listener::start(const tcp::endpoint& where) {
  acceptor_.open(where.protocol());
  acceptor_.set_option(asio::socket_base::reuse_address(true));
  acceptor_.set_option(reuse_port(true));
  acceptor_.set_option(tcp::no_delay(true));
  // The kernel's buffer grows with what is on its way. Of what a client's window does not let go it takes no more than
  // this: that is to stay with us, where it is counted.
  acceptor_.set_option(int_option<IPPROTO_TCP, TCP_NOTSENT_LOWAT>(most_not_sent));
  // Notices dead peers of a blocked stream; not before the write timeout, since it also ends living ones that do not
  // read.
  acceptor_.set_option(int_option<IPPROTO_TCP, TCP_USER_TIMEOUT>(static_cast<int>((write_timeout_ * 5 / 4).count())));
  acceptor_.bind(where);
  acceptor_.listen(backlog);
  acceptor_.non_blocking(true);
  wait();
}

void listener::stop() {
  error_code ignored;
  pause_.cancel();
  acceptor_.close(ignored);
}

void listener::wait() {
  acceptor_.async_wait(acceptor::wait_read, [this](error_code ec) {
    if (!ec && acceptor_.is_open())
      accept_some();
  });
}

void listener::accept_some() {
  for (int i = 0; i < accepts_per_turn; ++i) {
    tcp::endpoint peer;
    auto size = static_cast<socklen_t>(peer.capacity());
    // Asio's own would take three system calls more for each.
    int const fd = ::accept4(acceptor_.native_handle(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    error_code const ec = fd < 0 ? error_code(errno, boost::system::system_category()) : error_code();
    if (ec == asio::error::would_block || ec == asio::error::try_again)
      break;
    if (ec == asio::error::no_descriptors || ec == boost::system::errc::too_many_files_open_in_system ||
        ec == asio::error::no_memory || ec == asio::error::no_buffer_space) {
      log::warning(complaints_, "cannot accept connections: {}; trying again in 100 ms", ec.message());
      pause_.expires_after(milliseconds(100));
      pause_.async_wait([this](error_code cancelled) {
        if (!cancelled)
          wait();
      });
      return;
    }
    if (!ec)
      survive([&] { accepted_(fd, peer.address()); });
  }
  wait();
}

} // namespace jobcast::net
