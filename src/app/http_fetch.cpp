#include "http_fetch.hpp"

#include "jobcast/base/asio.hpp"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <limits>

namespace jobcast::app {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using stream = beast::basic_stream<tcp, executor>;

http::request<http::string_body> message(const fetch_request& request) {
  http::request<http::string_body> out;
  out.method_string(request.method);
  out.target(request.target);
  out.version(11);
  const bool v6 = request.host.find(':') != std::string::npos;
  out.set(http::field::host, (v6 ? "[" + request.host + "]" : request.host) + ":" + request.port);
  out.set(http::field::user_agent, "jobcast/" JOBCAST_VERSION);
  out.set(http::field::connection, "close");
  for (const auto& [name, value] : request.headers)
    out.set(name, value);
  out.body() = request.body;
  if (!request.body.empty())
    out.prepare_payload();
  return out;
}

task<unsigned> read_response(stream& connection, std::chrono::seconds patience, const body_reader& read_body) {
  beast::flat_buffer buffer;
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(std::numeric_limits<std::uint64_t>::max()); // a stream has no end
  connection.expires_after(patience);
  co_await http::async_read_header(connection, buffer, parser, use_awaitable);
  const auto status = parser.get().result_int();

  std::array<char, 8192> piece;
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = piece.data();
    body.size = piece.size();
    connection.expires_after(patience);
    error_code problem;
    co_await http::async_read_some(connection, buffer, parser, asio::redirect_error(use_awaitable, problem));
    if (problem && problem != http::error::need_buffer)
      throw boost::system::system_error(problem);
    const auto size = piece.size() - body.size;
    if (size > 0 && !read_body(status, {piece.data(), size}))
      break;
  }
  co_return status;
}

task<unsigned> exchange(const fetch_request& request, const body_reader& read_body, bool& connected) {
  const auto here = co_await asio::this_coro::executor;
  asio::ip::basic_resolver<tcp, executor> resolver(here);
  stream connection(here);
  const auto found = co_await resolver.async_resolve(request.host, request.port, use_awaitable);
  connection.expires_after(request.patience);
  co_await connection.async_connect(found, use_awaitable);
  connected = true;
  const auto out = message(request);
  co_await http::async_write(connection, out, use_awaitable);
  co_return co_await read_response(connection, request.patience, read_body);
}

} // namespace

boost::system::result<unsigned, fetch_failure> fetch(const fetch_request& request, const body_reader& read_body) {
  asio::io_context context(1);
  unsigned status = 0;
  bool connected = false;
  std::exception_ptr failed;
  asio::co_spawn(context, exchange(request, read_body, connected), [&](std::exception_ptr problem, unsigned got) {
    failed = problem;
    status = got;
  });
  context.run();
  if (!failed)
    return {boost::system::in_place_value, status};
  try {
    std::rethrow_exception(failed);
  } catch (const boost::system::system_error& problem) {
    return fetch_failure{connected, problem.code().message()};
  }
}

void add_credentials(fetch_request& request) {
  if (const char* token = std::getenv("JOBCAST_TOKEN"); token && *token)
    request.headers.emplace_back("Authorization", std::string("Bearer ") + token);
}

bool aim(fetch_request& request, std::string_view url, std::string_view path) {
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme))
    return false;
  url.remove_prefix(scheme.size());
  const auto slash = std::min(url.find('/'), url.size());
  auto base = url.substr(slash);
  while (base.ends_with('/'))
    base.remove_suffix(1);
  auto host = url.substr(0, slash);
  request.port = "80";
  if (const auto colon = host.rfind(':'); colon != host.npos && !host.ends_with(']')) {
    request.port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(request.port.data(), request.port.data() + request.port.size(), port);
  request.host = host;
  request.target = std::string(base) + std::string(path);
  return !host.empty() && host.find_first_of("@?# ") == host.npos && base.find_first_of("?# ") == base.npos &&
         problem == std::errc() && end == request.port.data() + request.port.size();
}

} // namespace jobcast::app
