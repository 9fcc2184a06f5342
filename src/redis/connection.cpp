#include "jobcast/redis/connection.hpp"

#include "jobcast/base/log.hpp"
#include "jobcast/base/survive.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

namespace jobcast::redis {

namespace {

using steady = std::chrono::steady_clock;

// A write buffer that grew beyond this in a burst is given back.
constexpr std::size_t idle_output = 256 * 1024;

} // namespace

connection::connection(executor ex, address where, connection_options options, std::string purpose)
    : executor_(ex)
    , where_(std::move(where))
    , options_(options)
    , purpose_(options.purpose.empty() ? std::move(purpose) : std::string(options.purpose))
    , handshake_(where_)
    , liveness_(options.ping_every, options.dead_after)
    , backoff_(options.backoff_base, options.backoff_cap)
    , timer_(ex) {}

void connection::start() {
  if (stage_ == stage::idle)
    attempt();
}

void connection::stop() {
  stage_ = stage::stopped;
  ++timer_turn_;
  timer_.cancel();
  if (session_)
    session_->stream.close();
  session_.reset();
}

// --- one attempt ---

void connection::attempt() {
  stage_ = stage::connecting;
  session_ = std::make_shared<session>(executor_);
  handshake_ = handshake(where_);
  after(options_.connect_timeout, &connection::attempt_timed_out);
  session_->stream.async_connect(where_, [self = shared_from_this(), s = session_](error_code ec) {
    if (s == self->session_)
      self->on_connected(ec);
  });
}

void connection::attempt_timed_out() {
  fail(fmt::format("{}: no answer within {} ms", describe(where_), options_.connect_timeout.count()));
}

void connection::on_connected(error_code ec) {
  if (ec)
    return fail(fmt::format("connect to {}: {}{}{}", describe(where_), ec.message(),
                            session_->stream.failure().empty() ? "" : ": ", session_->stream.failure()));
  session_->output = handshake_.request();
  write(session_);
  read();
}

std::string connection::on_handshake_reply(reply_view reply) {
  switch (handshake_.on_reply(reply)) {
  case handshake::state::waiting:
    break;
  case handshake::state::failed:
    return handshake_.failure();
  case handshake::state::done:
    now_up();
  }
  return {};
}

void connection::now_up() {
  stage_ = stage::up;
  last_failure_.clear();
  up_since_ = steady::now();
  liveness_.begin(up_since_);
  log_return();
  after(options_.ping_every, &connection::tick);
  on_up();
}

void connection::tick() {
  // Its answers may be among what is not read.
  if (session_->paused)
    liveness_.heard(steady::now());
  switch (liveness_.tick(steady::now(), awaiting())) {
  case liveness::verdict::dead:
    return fail(
        fmt::format("{}: awaiting an answer, nothing heard for {} ms", describe(where_), options_.dead_after.count()));
  case liveness::verdict::ping:
    ping();
    write_soon();
    break;
  case liveness::verdict::fine:
    break;
  }
  after(options_.ping_every, &connection::tick);
}

void connection::fail(const std::string& why) {
  session_->stream.close();
  session_.reset();
  bool was_up = up();
  stage_ = stage::waiting;
  last_failure_ = why;
  log_loss(why, was_up);
  // A server that accepts us and soon throws us out is not back: only a connection that lasted resets the delay.
  if (was_up && steady::now() - up_since_ > options_.backoff_cap)
    backoff_.reset();
  after(backoff_.next(), &connection::attempt);
  if (was_up)
    on_down();
}

void connection::after(std::chrono::milliseconds delay, member then) {
  timer_.expires_after(delay);
  timer_.async_wait([self = shared_from_this(), turn = ++timer_turn_, then](error_code ec) {
    if (ec || turn != self->timer_turn_)
      return;
    // Nothing else would wake it again.
    if (!survive([&] { (self.get()->*then)(); }) && turn == self->timer_turn_ && !self->stopped())
      self->after(self->options_.ping_every, then);
  });
}

// --- reading ---

void connection::pause_reading() {
  if (up())
    session_->paused = true;
}

void connection::go_on_reading() {
  if (!up() || !session_->paused)
    return;
  session_->paused = false;
  if (std::exchange(session_->idle, false))
    read();
}

void connection::read() {
  if (session_->paused) {
    session_->idle = true;
    return;
  }
  session_->stream.async_read_some(asio::buffer(session_->input),
                                   [self = shared_from_this(), s = session_](error_code ec, std::size_t size) {
                                     if (s == self->session_)
                                       self->on_read(ec, size);
                                   });
}

void connection::on_read(error_code ec, std::size_t size) {
  auto s = session_;
  std::string failure;
  bool any = false;
  for (std::size_t total = 0; !ec; size = s->stream.read_some(asio::buffer(s->input), ec)) {
    total += size;
    liveness_.heard(steady::now());
    if (!survive([&] { failure = dispatch({s->input.data(), size}, any); }))
      failure = "what it said could not be taken in";
    if (s != session_)
      return;
    // A read that did not fill the buffer has emptied the socket; to ask again would be a system call for nothing.
    if (!failure.empty() || (size < s->input.size() && !s->stream.pending()) || total >= options_.read_per_turn ||
        s->paused)
      break;
  }
  if (any)
    on_turn_end();
  if (s != session_)
    return;
  if (failure.empty() && ec && ec != asio::error::would_block)
    failure = !s->stream.failure().empty() ? s->stream.failure()
              : ec == asio::error::eof     ? "the server closed the connection"
                                           : ec.message();
  if (failure.empty())
    read();
  else
    fail(describe(where_) + ": " + failure);
}

std::string connection::dispatch(std::string_view bytes, bool& any) {
  if (up())
    return on_bytes(bytes, any);
  std::string failure;
  auto s = session_;
  // The handshake's last reply ends what the server has to say so far.
  bool fine = s->greeting.decode(bytes, [&](reply_ptr reply) {
    failure = on_handshake_reply(reply.get());
    return failure.empty() && s == session_ && !up();
  });
  return fine ? failure : std::string("not the Redis protocol: ") + s->greeting.failure();
}

// --- writing ---

void connection::write_soon() {
  if (!up() || write_posted_)
    return;
  write_posted_ = true;
  asio::post(executor_, [self = shared_from_this()] {
    self->write_posted_ = false;
    self->write_now();
  });
}

void connection::write_now() {
  if (!up() || session_->writing)
    return;
  take_output(session_->output);
  write(session_);
}

void connection::write(const session_ptr& s) {
  if (s->output.empty())
    return;
  s->writing = true;
  // Nearly always the kernel takes all at once; only what it does not is left to the reactor. An error ends the
  // writing here, and the connection in on_read(), after what the server said last was read.
  error_code ec;
  std::size_t written = s->stream.write_some(asio::buffer(s->output), ec);
  if (ec && ec != asio::error::would_block)
    return;
  if (written == s->output.size() && !s->stream.unsent())
    return s->sent();
  s->stream.async_write(asio::buffer(s->output) + written,
                        [self = shared_from_this(), s](error_code failed, std::size_t) {
                          if (failed || s != self->session_)
                            return;
                          s->sent();
                          self->write_now();
                        });
}

void connection::session::sent() {
  writing = false;
  output.clear();
  if (output.capacity() > idle_output)
    output.shrink_to_fit();
}

// --- log: a line for each reason of an outage, and one when it ends

void connection::log_loss(const std::string& why, bool was_up) {
  auto const kept_back = complaints_.admit(steady::now(), why);
  if (!kept_back)
    return;
  announce_ = true;
  log::write(log::level::warning, *kept_back,
             fmt::format("redis {}: {}: {}; trying again until it works", purpose_,
                         was_up ? "connection lost" : "cannot connect", why));
}

void connection::log_return() {
  complaints_.over();
  if (!std::exchange(announce_, false))
    return;
  auto const failed = complaints_.take_kept_back();
  log::info("redis {}: connected to {}{}", purpose_, describe(where_),
            failed == 0 ? "" : fmt::format(" after {} more failures", failed));
}

} // namespace jobcast::redis
