#include "jobcast/http/connection.hpp"

#include "beast_fields.hpp"
#include "deadline.hpp"
#include "file_sender.hpp"
#include "jobcast/base/byte_order_mark.hpp"
#include "jobcast/base/log.hpp"
#include "jobcast/http/guard.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <utility>

namespace jobcast::http {

namespace beast_http = boost::beast::http;

namespace {

// A body of so few bytes is read even if it is for nothing, so that the connection can go on. So few bytes of a head or
// body are not counted.
constexpr std::size_t small_body = 4096;
// Up to here a body is copied behind its head, and they are sent as one.
constexpr std::size_t joined_body = 16 * 1024;
// Before a request.
constexpr unsigned most_empty_lines = 16;

using parser = beast_http::request_parser<beast_http::string_body>;

class connection final : public open_connection, public client_presence, net::end_listener {
 public:
  connection(net::client_socket socket, const asio::ip::address& peer, connection_context& context)
      : socket_(std::move(socket))
      , peer_(peer)
      , context_(context)
      , deadline_(socket_) {
    context_.open.push_back(*this);
  }

  void drain() override {
    if (!idle_)
      return;
    socket_.cancel();
  }

  void abort() override {
    socket_.close();
    on_peer_end();
  }

  bool gone() const override { return socket_.peer_ended(); }
  void when_gone(std::function<void()> told) override {
    gone_told_ = std::move(told);
    socket_.listen_for_end(gone_told_ ? this : nullptr);
  }

  task<> run() {
    if (socket_.is_tls() && !co_await shake_hands())
      co_return;
    for (bool go_on = true; go_on;) {
      if (!co_await read_head())
        break;
      auto const refused = check_head(std::string_view(buffer_).substr(0, head_size_));
      if (refused) {
        co_await refuse(refused->status, refused->detail);
        break;
      }
      go_on = co_await serve();
      served_ = true;
    }
  }

 private:
  // Nothing was asked yet: a drain need not wait for it.
  task<bool> shake_hands() {
    context_.wheel.arm(deadline_, context_.limits.request_timeout);
    for (auto until = net::direction::read;;) {
      error_code ec;
      idle_ = true;
      co_await socket_.async_wait(until, asio::redirect_error(use_awaitable, ec));
      idle_ = false;
      if (!ec)
        co_await context_.handshakes.take();
      if (ec || !socket_.is_open() || deadline_.expired() || context_.handler.draining())
        co_return false;
      ec = socket_.handshake();
      if (!ec)
        co_return true;
      if (ec != asio::error::would_block) {
        context_.counters.tls_failures.add();
        log::debug("TLS handshake failed: {}", socket_.tls_failure());
        co_return false;
      }
      until = socket_.unsent() ? net::direction::write : net::direction::read;
    }
  }

  // Answers false when there is no request to come. Refusals have been answered then.
  task<bool> read_head() {
    head_size_ = 0;
    empty_lines_ = 0;
    std::size_t searched = 0;
    // Who has not asked anything yet gets no more time than for asking.
    context_.wheel.arm(deadline_,
                       buffer_.empty() && served_ ? context_.limits.keep_alive : context_.limits.request_timeout);
    for (;;) {
      if (skip_empty_lines())
        searched = 0;
      head_end const end = find_head_end(buffer_, searched);
      if (end.bare_lf) {
        co_await refuse(400, "Lines of the request head must end in CR LF.");
        co_return false;
      }
      if (end.at != std::string_view::npos && end.at <= context_.limits.header) {
        head_size_ = end.at;
        co_return true;
      }
      if (buffer_.size() > context_.limits.header) {
        co_await refuse(431, "The request head is larger than limits.header allows.");
        co_return false;
      }
      searched = buffer_.size();
      if (searched > small_body)
        if (auto crowded = hold(nullptr, buffer_.capacity())) {
          co_await refuse(std::move(*crowded));
          co_return false;
        }
      bool more = false;
      bool const first = searched == 0;
      idle_ = first;
      if (!first || !context_.handler.draining())
        more = co_await read_more();
      idle_ = false;
      if (!more && first && context_.handler.draining())
        more = read_what_is_there();
      if (!more) {
        if (deadline_.expired() && !buffer_.empty())
          co_await refuse(408, "The request did not arrive within limits.request_timeout.");
        co_return false;
      }
      if (searched == 0)
        context_.wheel.arm(deadline_, context_.limits.request_timeout);
    }
  }

  // Some clients send an empty line after a body (RFC 9112, section 2.2). Returns true if there was one.
  bool skip_empty_lines() {
    bool any = false;
    for (; empty_lines_ < most_empty_lines && buffer_.starts_with("\r\n"); ++empty_lines_, any = true)
      buffer_.erase(0, 2);
    return any;
  }

  task<bool> read_more() {
    error_code ec;
    std::size_t const n = co_await socket_.read(context_.input.data(), context_.input.size(), ec);
    buffer_.append(context_.input.data(), n);
    co_return n > 0 && !ec && !deadline_.expired();
  }

  // A drain does not wait for a request that has not begun, but does not lose one that has come either.
  bool read_what_is_there() {
    error_code ec;
    std::size_t const n = socket_.is_open() ? socket_.read_some(context_.input.data(), context_.input.size(), ec) : 0;
    buffer_.append(context_.input.data(), n);
    return n > 0 && !ec;
  }

  // Counts bytes as held for whoever sends or is sent this request. Returns what to answer instead, if they are too
  // many.
  std::optional<response> hold(const request* r, std::size_t bytes) {
    using room = net::admission::room;
    if (!held_)
      held_ = context_.admission.open_account(context_.handler.holder(peer_, r), context_.counters.body_bytes);
    auto const has = held_.hold(bytes);
    if (has == room::enough)
      return std::nullopt;
    held_ = {};
    context_.counters.busy_refused.add();
    response out =
        has == room::client_full
            ? problem(429, "The gateway holds as much for this client as limits.held_per_client allows; read "
                           "the answers that are under way, or send less at once.")
            : problem(503, "The gateway holds as many bytes of bodies and answers as limits.bodies allows; "
                           "try again.");
    out.add("Retry-After", "1");
    return out;
  }
  void let_go() {
    if (held_)
      held_ = {};
  }

  // Answers whether the connection goes on.
  task<bool> serve() {
    let_go();
    parser parsing;
    parsing.body_limit(context_.limits.body);
    parsing.header_limit(static_cast<std::uint32_t>(context_.limits.header));
    if (!co_await parse_head(parsing))
      co_return false;
    beast_fields const fields(head_fields_ ? *head_fields_ : parsing.get().base());
    request r;
    verdict judged = judge(parsing.get(), fields, r);
    // The rate does not count for API keys, which could not be seen before the handshake.
    if (r.who && r.who->what == auth::identity::kind::api_key)
      socket_.refund_handshake();
    bool const leave_body = judged.refusal && announced_body(parsing) > small_body;
    if (!leave_body && !co_await read_body(parsing, judged, r))
      co_return false;
    deadline_.disarm();
    r.body = without_byte_order_mark(parsing.get().body());
    answer given;
    if (judged.refusal) {
      judged.refusal->close = judged.refusal->close || leave_body;
      given = std::move(*judged.refusal);
    } else {
      r.client = this;
      given = co_await context_.handler.handle(r);
      r.client = nullptr;
    }
    // What is sent may be read slowly, and needs it no more.
    r.body = {};
    std::string().swap(parsing.get().body());
    let_go();
    co_return co_await respond(r, std::move(given), parsing.keep_alive());
  }

  // Feeds the parser with the head, which the guard has seen. Refusals have been answered.
  task<bool> parse_head(parser& parsing) {
    error_code ec;
    parsing.eager(false);
    std::size_t const head = parsing.put(asio::buffer(buffer_.data(), head_size_), ec);
    if ((ec && ec != beast_http::error::need_more) || !parsing.is_header_done()) {
      co_await refuse_parse_error(ec, body_limit{context_.limits.body});
      co_return false;
    }
    buffer_.erase(0, head);
    // Beast will put trailer fields among those of the head, where they would pass for what a proxy has seen and judged
    // (RFC 9110, section 6.5.1).
    head_fields_.reset();
    if (parsing.chunked())
      head_fields_.emplace(parsing.get().base());
    co_return true;
  }

  verdict judge(const parser::value_type& message, const beast_fields& fields, request& r) {
    r.fields = &fields;
    r.head = message.method() == beast_http::verb::head;
    r.method = r.head ? std::string_view("GET") : std::string_view(message.method_string());
    r.http10 = message.version() == 10;
    r.peer = peer_;
    if (parse_target(std::string_view(message.target()), r))
      return context_.handler.judge(r);
    return {.refusal = problem(400, "The request target is not a valid path and query.")};
  }

  static std::size_t announced_body(const parser& parsing) {
    return parsing.chunked() ? std::numeric_limits<std::size_t>::max() : parsing.content_length().value_or(0);
  }

  // Refusals have been answered.
  task<bool> read_body(parser& parsing, const verdict& judged, const request& r) {
    bool const counted = announced_body(parsing) > small_body;
    body_limit const allowed = !judged.refusal && counted ? judged.body : body_limit{context_.limits.body};
    if (!judged.refusal && counted) {
      parsing.body_limit(allowed.bytes);
      if (!parsing.chunked() && announced_body(parsing) > allowed.bytes) {
        co_await refuse_parse_error(beast_http::error::body_limit, allowed);
        co_return false;
      }
    }
    error_code ec;
    if (auto const expect = parsing.get()[beast_http::field::expect]; !expect.empty() && !parsing.is_done()) {
      static constexpr std::string_view go_ahead = "HTTP/1.1 100 Continue\r\n\r\n";
      if (buffer_.empty())
        co_await socket_.write(go_ahead, ec);
    }
    parsing.eager(true);
    ec = {};
    while (!parsing.is_done()) {
      if (counted) {
        // Beast makes room for what is announced at once.
        std::size_t const bytes = parsing.chunked() ? parsing.get().body().size() : announced_body(parsing);
        if (auto crowded = hold(&r, bytes)) {
          co_await refuse(std::move(*crowded));
          co_return false;
        }
      }
      if (buffer_.empty() || ec == beast_http::error::need_more) {
        // Beast wants the line before a chunk, and the trailer, whole, however long they are.
        if (buffer_.size() > context_.limits.header) {
          co_await refuse(431, "The extensions of a chunk, or the trailer, are larger than limits.header allows.");
          co_return false;
        }
        if (!co_await read_more()) {
          if (deadline_.expired())
            co_await refuse(408, "The request did not arrive within limits.request_timeout.");
          co_return false;
        }
      }
      ec = {};
      std::size_t const used = parsing.put(asio::buffer(buffer_.data(), buffer_.size()), ec);
      buffer_.erase(0, used);
      if (ec && ec != beast_http::error::need_more) {
        co_await refuse_parse_error(ec, allowed);
        co_return false;
      }
    }
    co_return true;
  }

  // Answers whether the connection goes on.
  task<bool> respond(const request& r, answer given, bool asked_to_keep) {
    context_.counters.requests.add();
    if (auto* take = std::get_if<takeover>(&given)) {
      skip_empty_lines();
      if (buffer_.empty()) {
        (*take)(std::move(socket_));
        co_return false;
      }
      given = problem(400, "Nothing may be sent after a request for a stream.");
      std::get<response>(given).close = true;
    }
    auto& out = std::get<response>(given);
    if (!r.head && !out.file && out.body.size() > joined_body)
      if (auto crowded = hold(&r, out.body.size())) {
        // What was done is not to be answered as if it was not.
        if (r.method == "GET")
          out = std::move(*crowded);
        else
          out.body = "{}";
      }
    context_.handler.decorate(&r, out);
    if (out.status >= 400)
      context_.counters.request_errors.add();
    bool const keep_alive = asked_to_keep && !out.close && !context_.handler.draining();
    // Without it a client of HTTP/1.0 waits for the close (RFC 9112, section 9.3).
    if (keep_alive && r.http10)
      out.add("Connection", "keep-alive");
    bool const sent = co_await send(out, r.head, keep_alive);
    if (held_) {
      out = {};
      let_go();
    }
    if (sent && !keep_alive)
      co_await close_gently();
    co_return sent&& keep_alive;
  }

  task<bool> send(const response& r, bool head, bool keep_alive) {
    std::string bytes = serialize_head(r, keep_alive);
    bool const with_body = sends_body(r, head);
    bool const joined = with_body && r.body_size() <= joined_body;
    if (joined && !r.file)
      bytes += r.body;
    if (joined && r.file && !r.file->read(bytes))
      co_return false;
    context_.wheel.arm(deadline_, context_.limits.write_timeout);
    error_code ec;
    co_await socket_.write(bytes, ec);
    bool sent = !ec;
    if (sent && with_body && !joined) {
      if (r.file) {
        sent = co_await send_file(socket_, *r.file, context_.wheel, deadline_, context_.limits.write_timeout);
      } else {
        co_await socket_.write(r.body, ec);
        sent = !ec;
      }
    }
    deadline_.disarm();
    co_return sent;
  }

  // `allowed`: as far as is known yet.
  task<> refuse_parse_error(error_code ec, body_limit allowed) {
    if (ec == beast_http::error::body_limit)
      return refuse(413, fmt::format("The body may have at most {} bytes ({}); send less, or in several requests.",
                                     allowed.bytes, allowed.set_by));
    if (ec == beast_http::error::header_limit)
      return refuse(431, "The request head is larger than limits.header allows.");
    return refuse(400, "The request is not valid HTTP.");
  }

  task<> refuse(unsigned status, std::string_view detail) { return refuse(problem(status, detail)); }

  // For requests that are not, or not wholly, read: what follows on the connection cannot be trusted.
  task<> refuse(response r) {
    context_.counters.requests.add();
    context_.counters.request_errors.add();
    context_.handler.decorate(nullptr, r);
    bool const sent = co_await send(r, false, false);
    if (sent)
      co_await close_gently();
  }

  // A close with bytes unread is a reset, which can destroy the answer on its way: take what still comes, for a bounded
  // time and amount (RFC 9112, section 9.6).
  task<> close_gently() {
    error_code ec;
    socket_.shutdown_send(ec);
    context_.wheel.arm(deadline_, std::chrono::milliseconds(1'000));
    for (std::size_t taken = 0; !ec && !deadline_.expired() && taken < (std::size_t(1) << 20);) {
      std::size_t const n = co_await socket_.read(context_.input.data(), context_.input.size(), ec);
      if (n == 0)
        break;
      taken += n;
    }
  }

  void on_peer_end() override {
    if (auto const told = std::exchange(gone_told_, nullptr))
      told();
  }

  net::client_socket socket_;
  asio::ip::address peer_;
  connection_context& context_;
  deadline deadline_;
  std::string buffer_; ///< read and not yet used
  std::size_t head_size_ = 0;
  unsigned empty_lines_ = 0;                      ///< passed over before the request
  std::optional<beast_http::fields> head_fields_; ///< of a request that may have a trailer
  net::admission::account held_;                  ///< of the request or answer under way, if that is large
  std::function<void()> gone_told_;
  bool served_ = false; ///< a request was answered
  bool idle_ = false;   ///< waiting for a request that has not begun
};

} // namespace

task<> serve_connection(net::client_socket socket, asio::ip::address peer, connection_context& context) {
  connection c(std::move(socket), peer, context);
  co_await c.run();
}

} // namespace jobcast::http
