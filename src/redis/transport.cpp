#include "jobcast/redis/transport.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <sys/un.h>

namespace jobcast::redis {

std::string describe(const address& where) {
  if (where.how == address::kind::unix_socket)
    return "unix:" + where.path;
  bool ipv6 = where.host.find(':') != std::string::npos;
  return ipv6 ? fmt::format("[{}]:{}", where.host, where.port) : fmt::format("{}:{}", where.host, where.port);
}

transport::transport(executor ex)
    : resolver_(ex)
    , socket_(ex) {}

void transport::async_connect(const address& where, std::function<void(error_code)> done) {
  if (where.how == address::kind::unix_socket) {
    // Asio throws for a path that does not fit.
    if (where.path.size() >= sizeof(sockaddr_un::sun_path))
      return asio::post(socket_.get_executor(),
                        [done = std::move(done)] { done(asio::error::make_error_code(asio::error::name_too_long)); });
    return connect({asio::local::stream_protocol::endpoint(where.path)}, std::move(done));
  }
  // Resolving takes a thread and may block it for seconds; an address needs none of that.
  error_code not_numeric;
  auto numeric = asio::ip::make_address(where.host, not_numeric);
  if (!not_numeric)
    return connect({tcp::endpoint(numeric, where.port)}, std::move(done));
  resolver_.async_resolve(where.host, std::to_string(where.port),
                          [this, done = std::move(done)](error_code ec, const tcp::resolver::results_type& found) {
                            if (ec)
                              return done(ec);
                            std::vector<protocol::endpoint> endpoints;
                            for (const auto& entry : found)
                              endpoints.emplace_back(entry.endpoint());
                            connect(std::move(endpoints), done);
                          });
}

void transport::connect(std::vector<protocol::endpoint> endpoints, std::function<void(error_code)> done) {
  asio::async_connect(socket_, endpoints, [this, done = std::move(done)](error_code ec, const protocol::endpoint&) {
    done(ec ? ec : make_ready());
  });
}

error_code transport::make_ready() {
  error_code ec;
  socket_.non_blocking(true, ec);
  if (!ec && socket_.local_endpoint(ec).protocol().family() != AF_UNIX)
    socket_.set_option(tcp::no_delay(true), ec);
  return ec;
}

void transport::close() {
  resolver_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

} // namespace jobcast::redis
