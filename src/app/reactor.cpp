#include "jobcast/app/reactor.hpp"

#include "jobcast/api/endpoints.hpp"
#include "jobcast/base/clock.hpp"
#include "jobcast/base/log.hpp"
#include "jobcast/base/survive.hpp"
#include "jobcast/metrics/exposition.hpp"
#include "jobcast/redis/info.hpp"
#include "jobcast/stream/long_poll.hpp"
#include "jobcast/stream/sse.hpp"
#include "jobcast/stream/ws.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <fmt/format.h>
#include <numeric>
#include <unistd.h>

namespace jobcast::app {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto probe_every = 1s;
// A drain that took too long is cut; this is for the last handlers to run.
constexpr auto abort_grace = 1s;
// So many take a tenth of a millisecond.
constexpr std::size_t deadlines_a_turn = 16;

// Streams have no identity where everyone may do everything.
auth::identity_ptr anyone() {
  return *auth::authenticator().identify({}, 0);
}

bool read_integer(std::string_view text, std::int64_t& out) {
  return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc{};
}

settings completed(settings s) {
  if (s.limits.resume_overlap.count() == 0)
    s.limits.resume_overlap = s.limits.write_timeout + 60s;
  return s;
}

} // namespace

reactor::reactor(const gateway& shared, const settings& config, const secrets& keys, unsigned number)
    : shared_(shared)
    , config_(completed(config))
    , secrets_(keys)
    , wheel_(clock::now())
    , client_(io_.get_executor(), shared.redis)
    , bulk_client_(io_.get_executor(), shared.redis, {.purpose = "lists"})
    , subscriber_(io_.get_executor(), shared.redis, *this)
    , store_(client_, config.redis.ns)
    , reads_(io_.get_executor(), store_)
    , bulk_reads_({.send =
                       [this](const store::bulk_reads::call& what, redis::client::handler done) {
                         bulk_client_.call(std::vector<std::string_view>(what.begin(), what.end()), std::move(done));
                       },
                   .post = [this](std::function<void()> what) { asio::post(io_, std::move(what)); }})
    , lists_(io_.get_executor(), bulk_reads_, config.redis.ns)
    , backend_(bulk_reads_, subscriber_, config.redis.ns, hub_, [this] { asio::post(io_, [this] { flush(); }); })
    , hub_(backend_, config_.limits, config.redis.ns, counters_)
    , host_{hub_, wheel_, config_.limits, counters_, *shared.admission}
    , context_(make_context())
    , router_(context_)
    , handshakes_(io_.get_executor())
    , connections_{.handler = router_,
                   .limits = config_.limits,
                   .wheel = wheel_,
                   .counters = counters_,
                   .admission = *shared.admission,
                   .handshakes = handshakes_}
    , listener_(io_, config_.limits, [this](int fd, const asio::ip::address& peer) { on_accepted(fd, peer); })
    , ticker_(io_.get_executor())
    , probe_channel_(fmt::format("{}:probe:{}:{}", config.redis.ns, shared.name, number)) {
  host_.command = [this](const auth::identity_ptr& who, std::string_view op, const std::string& job,
                         std::uint64_t attempt, std::function<void(std::string)> done) {
    asio::co_spawn(io_, api::run_command(context_, who ? who : anyone(), std::string(op), job, attempt),
                   [done = std::move(done)](std::exception_ptr e, std::string problem) {
                     log::unexpected(e);
                     done(e ? http::problem_json(500, "This is a fault of the gateway; its log says more.", "op")
                            : std::move(problem));
                   });
  };
  host_.authenticate = [this](std::string_view token) -> boost::system::result<auth::identity_ptr, std::string> {
    auto who = secrets_.auth->identify_token(token, now_ms());
    if (who)
      return std::move(*who);
    return http::problem_json(who.error().status, who.error().detail, "token");
  };
  // One reactor takes in published reports, supervises and keeps the function library in place, for the whole gateway.
  if (number == 0) {
    library_.emplace(
        io_.get_executor(), client_, config_,
        [this] {
          update_available();
          hub_.retry_reads();
        },
        [this](std::string why) { shared_.fail(std::move(why)); });
    rights_.emplace(client_, shared.redis, config.redis.ns, counters_);
    ingest_.emplace(io_.get_executor(), shared.redis, client_, config.redis.ns, shared.name, counters_);
    supervisor_.emplace(io_.get_executor(), client_, config.redis.ns, counters_);
    report_watch_.emplace(io_.get_executor(), client_, config.redis.ns, counters_);
  }
}

// A held poll is owned by the coroutine that waits for it, which nobody else would resume or destroy. Streams go while
// there is still what they are of.
reactor::~reactor() {
  hub_.abort_all();
  ready_.shutdown();
}

api::context reactor::make_context() {
  return api::context{
      .store = store_,
      .reads = reads_,
      .lists = lists_,
      .config = config_,
      .counters = counters_,
      .admission = *shared_.admission,
      .auth = secrets_.auth,
      .trusted_proxies = secrets_.trusted_proxies,
      .clock = host_.clock,
      .open_stream = [this](net::client_socket socket,
                            hub::watch_request asked) { stream::open_sse(std::move(socket), host_, std::move(asked)); },
      .open_websocket =
          [this](net::client_socket socket, std::string head, auth::identity_ptr who, const asio::ip::address& client) {
            if (!who)
              who = stream::awaits_auth(now_ms());
            else if (who->what == auth::identity::kind::open)
              who = nullptr;
            stream::open_websocket(std::move(socket), host_, std::move(head), std::move(who), client);
          },
      .wait_for_change =
          [this](hub::poll_request asked) {
            return stream::wait_for_change(io_.get_executor(), host_, std::move(asked));
          },
      .ready =
          [this] {
            return draining_ ? api::readiness{false, "The gateway is draining."} : shared_.ready();
          },
      .metrics = [this] { return metrics::exposition(shared_.counters, shared_.notify); },
      .draining = [this] { return draining_; },
      .crowded = [this] { return open_connections() + config_.limits.reserve > config_.limits.connections; },
      .load = [this] { return lag_; },
  };
}

void reactor::listen(const tcp::endpoint& where) {
  listener_.start(where);
}

void reactor::run() {
  std::string why;
  if (config_.server.io_uring && !(sends_ = stream::joint_sends::make(why)))
    log::warning("server.io_uring: {}; sending without it", why);
  client_.on_change([this](bool connected) { on_client(connected); });
  client_.start();
  bulk_client_.on_change([this](bool connected) {
    if (connected)
      hub_.retry_reads();
  });
  bulk_client_.start();
  subscriber_.start();
  subscriber_.subscribe(probe_channel_);
  subscriber_.subscribe(hub_.gone_channel());
  if (ingest_)
    ingest_->start();
  if (supervisor_)
    supervisor_->start();
  if (report_watch_)
    report_watch_->start();
  tick();
  run_to_its_end(io_);
}

std::uint64_t reactor::sum_of(metrics::counter metrics::counters::*which) const {
  return std::accumulate(shared_.counters.begin(), shared_.counters.end(), std::uint64_t(0),
                         [&](std::uint64_t sum, const metrics::counters* c) { return sum + (c->*which).get(); });
}

std::uint64_t reactor::open_connections() const {
  return sum_of(&metrics::counters::connections);
}

void reactor::on_accepted(int fd, const asio::ip::address& peer) {
  counters_.connections_accepted.add();
  net::admission::ticket place;
  bool admitted = false;
  if (!survive([&] { admitted = admit(peer, place); }) || !admitted) {
    ::close(fd);
    return;
  }
  net::client_socket client(fd, ready_);
  if (!client.is_open()) {
    counters_.connections_refused.add();
    return log::warning(unwatched_, "refused a connection that the kernel would not watch for us");
  }
  client.set_place(std::move(place));
  counters_.connections.add();
  bool const begun = survive([&] {
    if (secrets_.tls)
      client.start_tls(*secrets_.tls);
    asio::co_spawn(io_, http::serve_connection(std::move(client), peer, connections_), [this](std::exception_ptr e) {
      counters_.connections.subtract();
      log::unexpected(e);
    });
  });
  if (!begun)
    counters_.connections.subtract();
}

bool reactor::admit(const asio::ip::address& peer, net::admission::ticket& place) {
  // Behind a proxy many clients share one address.
  bool const counted = !secrets_.trusted_proxies->contains(peer);
  if (counted)
    place = shared_.admission->connect(peer);
  if ((counted && !place) || open_connections() >= config_.limits.connections) {
    counters_.connections_refused.add();
    log::warning(crowded_, "refused a connection: limits.connections or limits.connections_per_address were reached");
    return false;
  }
  // Before the handshake, which costs as much as several requests. Without keys no rate counts.
  if (counted && secrets_.tls && !secrets_.auth->open() && !place.pay(clock::now(), secrets_.tls->handshake_price())) {
    counters_.handshakes_refused.add();
    log::warning(hasty_,
                 "closed a connection before its TLS handshake: limits.request_rate was reached by its address");
    return false;
  }
  return true;
}

void reactor::on_client(bool connected) {
  if (library_)
    library_->forget();
  update_available();
  if (!connected)
    return;
  ask_time();
  if (library_) {
    rights_->check();
    warn_of_eviction();
    library_->install();
  } else {
    hub_.retry_reads();
  }
}

void reactor::tick() {
  auto const asked = clock::now();
  ticker_.expires_after(wheel_.tick());
  ticker_.async_wait([this, asked](error_code ec) {
    if (ec)
      return;
    auto const now = clock::now();
    // How late the loop is, in ticks: a measure of load that includes everything.
    double const late = std::chrono::duration<double>(now - asked) / std::chrono::duration<double>(wheel_.tick());
    lag_ = lag_ * 0.9 + 0.1 * std::max(1.0, late);
    // Whatever throws, the next tick comes.
    survive([this] { advance_wheel(); });
    survive([this] { bulk_reads_.go_on(); });
    survive([this] { backend_.go_on(); });
    survive([&] { hub_.tick(std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count()); });
    if (now >= next_probe_) {
      next_probe_ = now + probe_every;
      survive([this] { probe(); });
    }
    if (draining_)
      survive([this] { end_if_drained(); });
    if (!ended_)
      tick();
  });
}

// Thousands of streams may be due for a heartbeat in one tick: updates are not to wait for all of them.
void reactor::advance_wheel() {
  if (!wheel_.advance(clock::now(), deadlines_a_turn))
    asio::post(io_, [this] { advance_wheel(); });
}

// Ready is what a message made its way through Redis back to us, not what we believe of our sockets.
void reactor::probe() {
  if (!client_.connected())
    return;
  client_.call({"PUBLISH", probe_channel_, std::to_string(now_ms())}, [](error_code, redis::reply_view) {});
  ask_time();
  hub_.retry_reads();
  if (library_) {
    rights_->tick(clock::now());
    library_->check();
  }
}

// A gateway that may not ask says nothing.
void reactor::warn_of_eviction() {
  client_.call({"INFO", "memory"}, [this](error_code ec, redis::reply_view reply) {
    if (ec || reply.is_error())
      return;
    std::string_view const policy = redis::info_value(reply.text(), "maxmemory_policy");
    if (policy.empty() || policy == eviction_policy_)
      return;
    eviction_policy_ = policy;
    if (policy != "noeviction")
      log::warning("Redis has maxmemory-policy {}: when its memory is full it deletes jobs that are at work; set "
                   "maxmemory-policy noeviction",
                   policy);
  });
}

void reactor::ask_time() {
  client_.call({"TIME"}, [this, asked = clock::now()](error_code ec, redis::reply_view reply) {
    if (ec || !reply.is_array() || reply.size() != 2)
      return;
    std::int64_t seconds = 0, micros = 0;
    if (read_integer(reply[0].text(), seconds) && read_integer(reply[1].text(), micros))
      host_.clock.set(seconds * 1000 + micros / 1000, asked, clock::now());
  });
}

void reactor::reload(const settings& config, const secrets& keys) {
  asio::post(io_, [this, fresh = completed(config), keys] {
    secrets_ = keys;
    config_.auth = fresh.auth;
    config_.limits = fresh.limits;
    config_.jobs = fresh.jobs;
    config_.cors = fresh.cors;
    config_.notify = fresh.notify;
    hub_.expire_unless([&](const auth::identity* who) { return secrets_.auth->vouches_for(who); });
    if (library_) {
      if (client_.connected())
        rights_->check();
      library_->reload();
    }
  });
}

void reactor::drain() {
  asio::post(io_, [this] { begin_drain(); });
}

void reactor::stop() {
  io_.stop();
}

void reactor::begin_drain() {
  if (std::exchange(draining_, true))
    return;
  host_.draining = true;
  drain_deadline_ = clock::now() + config_.server.drain_timeout;
  listener_.stop();
  if (ingest_)
    ingest_->stop();
  if (supervisor_)
    supervisor_->stop();
  if (report_watch_)
    report_watch_->stop();
  for (auto at = connections_.open.begin(); at != connections_.open.end();)
    (at++)->drain();
  hub_.finish_all([this] { return host_.draining_notice(); });
}

void reactor::end_if_drained() {
  auto const now = clock::now();
  bool const over = now >= drain_deadline_;
  bool const busy = counters_.connections.get() > 0 || (ingest_ && !ingest_->released());
  if (busy && !over)
    return;
  if (over && counters_.connections.get() > 0 && now < drain_deadline_ + abort_grace) {
    hub_.abort_all();
    for (auto at = connections_.open.begin(); at != connections_.open.end();)
      (at++)->abort();
    return;
  }
  if (counters_.connections.get() > 0)
    log::warning("ended with {} connections still open", counters_.connections.get());
  if (ingest_)
    ingest_->end();
  client_.stop();
  bulk_client_.stop();
  subscriber_.stop();
  ready_.stop();
  // What is left are handlers of what was just stopped; they run, then the loop has no work and ends.
  ended_ = true;
}

void reactor::flush() {
  host_.sends = sends_.get();
  hub_.flush();
  if (sends_)
    sends_->submit();
  host_.sends = nullptr;
}

void reactor::on_subscribed(std::string_view channel) {
  if (channel != probe_channel_)
    hub_.on_subscribed(channel);
}

void reactor::on_message(std::string_view channel, std::string_view payload) {
  if (channel == probe_channel_)
    counters_.probe_at.set(static_cast<std::uint64_t>(now_ms()));
  else
    hub_.on_message(channel, payload);
}

void reactor::on_turn_end() {
  flush();
}

void reactor::on_connection(bool up) {
  subscriber_up_ = up;
  if (!up)
    hub_.on_lost(host_.clock.now());
  update_available();
}

// Before the function library is in place, Redis can be asked nothing.
void reactor::update_available() {
  hub_.set_available(subscriber_up_ && client_.connected() && (!library_ || library_->installed()));
}

} // namespace jobcast::app
