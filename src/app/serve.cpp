#include "jobcast/app/serve.hpp"

#include "jobcast/app/config.hpp"
#include "jobcast/app/embedded_redis.hpp"
#include "jobcast/app/reactor.hpp"
#include "jobcast/app/secrets.hpp"
#include "jobcast/app/web_root.hpp"
#include "jobcast/base/clock.hpp"
#include "jobcast/base/log.hpp"
#include "jobcast/notify/notifier.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <random>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace jobcast::app {

namespace {

using namespace std::chrono_literals;

// A probe goes out each second.
constexpr std::int64_t probe_stale_ms = 3'500;

// Connections to Redis, listeners, files.
constexpr std::size_t other_files = 100;

void raise_file_limit(std::size_t connections) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur != RLIM_INFINITY && connections + other_files > limit.rlim_cur)
    log::warning(
        "{} files may be open (ulimit -Hn), which is too few for limits.connections, {}: raise the one (systemd: "
        "LimitNOFILE=) or lower the other",
        limit.rlim_cur, connections);
}

std::string unique_name() {
  std::random_device random;
  return fmt::format("{}-{:08x}{:08x}", getpid(), random(), random());
}

api::readiness readiness_of(const std::vector<const metrics::counters*>& all) {
  for (const metrics::counters* one : all) {
    auto const at = static_cast<std::int64_t>(one->probe_at.get());
    if (now_ms() - at > probe_stale_ms)
      return {false, at == 0 ? "A probe published through Redis has not come back on every reactor yet."
                             : "Probes published through Redis have stopped coming back."};
  }
  return {true, {}};
}

class service {
 public:
  service(const settings& config, const reload_settings& reload)
      : config_(config)
      , reload_(reload) {}

  int run() {
    auto const where = net::parse_endpoint(config_.server.listen);
    if (!where)
      return fail_start("server.listen: " + where.error());
    if (std::string const problem = net::port_problem(*where); !problem.empty())
      return fail_start(problem);
    auto const keys = load_secrets(config_);
    if (!keys)
      return fail_start(keys.error());
    if (auto const problem = web_root_problem(config_.web.root))
      return fail_start(*problem);
    if (!connect_redis())
      return 1;
    gateway_open_ = keys->auth->open();
    gateway_.admission = std::make_unique<net::admission>(config_.limits);
    try {
      start_reactors(*where, *keys);
    } catch (const boost::system::system_error& e) {
      return fail_start(fmt::format("cannot listen on {}: {}", config_.server.listen, e.code().message()));
    }
    watch_signals();
    log::info("listening on {}://{} with {} reactor{}, redis {}, version " JOBCAST_VERSION,
              keys->tls ? "https" : "http", net::name_of(*where), reactors_.size(), reactors_.size() == 1 ? "" : "s",
              embedded_ ? "private" : config_.redis.url.substr(config_.redis.url.rfind('@') + 1));
    if (keys->auth->open())
      log::warning(
          "no keys are configured in [auth]: anyone who reaches this address may read and report; it is loopback "
          "only");
    main_.run();
    for (std::thread& t : threads_)
      t.join();
    notifier_.reset();
    reactors_.clear();
    if (embedded_)
      embedded_->stop();
    return exit_code_;
  }

 private:
  int fail_start(std::string_view why) {
    log::error("{}", why);
    return 1;
  }

  bool connect_redis() {
    gateway_.name = unique_name();
    if (!config_.redis.url.empty()) {
      auto where = redis::parse_url(config_.redis.url);
      if (!where) {
        log::error("redis.url: {}", where.error());
        return false;
      }
      gateway_.redis = *where;
      if (!where->tls)
        return true;
      auto trust = net::tls_context::client(config_.redis.tls_ca, config_.redis.tls_certificate, config_.redis.tls_key);
      if (!trust) {
        log::error("redis.tls_ca, redis.tls_certificate, redis.tls_key: {}", trust.error());
        return false;
      }
      gateway_.redis.trust = std::move(*trust);
      return true;
    }
    embedded_.emplace(main_, config_);
    if (auto started = embedded_->start(); !started) {
      log::error("{}", started.error());
      return false;
    }
    gateway_.redis.how = redis::address::kind::unix_socket;
    gateway_.redis.path = embedded_->socket_path();
    return true;
  }

  void start_reactors(const tcp::endpoint& where, const secrets& keys) {
    unsigned const count =
        config_.server.reactors ? config_.server.reactors : std::max(1u, std::thread::hardware_concurrency());
    gateway_.ready = [this] { return ready_now(); };
    gateway_.fail = [this](std::string why) {
      asio::post(main_, [this, why] {
        log::error("{}", why);
        exit_code_ = 1;
        drain();
      });
    };
    notifier_ = std::make_unique<notify::notifier>(gateway_.redis, config_);
    gateway_.notify = &notifier_->counters();
    for (unsigned i = 0; i < count; ++i) {
      reactors_.push_back(std::make_unique<reactor>(gateway_, config_, keys, i));
      gateway_.counters.push_back(&reactors_.back()->counters());
      reactors_.back()->listen(where);
    }
    // Signals belong to the main thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    running_ = count + 1;
    for (auto& r : reactors_)
      start_thread("a reactor", [&r = *r] { r.run(); });
    start_thread("the notifier", [this] { notifier_->run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  // Rights that are missing at the start must not replace gateways that work. Later all gateways of the user lack them,
  // and a load balancer without any would not help.
  api::readiness ready_now() {
    api::readiness now = readiness_of(gateway_.counters);
    if (!now.ready || was_ready_)
      return now;
    const metrics::counters& first = *gateway_.counters.front();
    if (first.redis_rights_known.get() == 0)
      return {false, "Redis has not said yet what the gateway may do."};
    if (first.redis_rights_vital.get() > 0)
      return {false, "The gateway's Redis user lacks rights; the log names them."};
    was_ready_ = true;
    return now;
  }

  void start_thread(const char* what, auto work) {
    threads_.emplace_back([this, what, work] {
      try {
        work();
      } catch (const std::exception& e) {
        gateway_.fail(fmt::format("{} ended: {}", what, e.what()));
      } catch (...) {
        gateway_.fail(fmt::format("{} ended: an exception of an unknown kind", what));
      }
      asio::post(main_, [this] {
        if (--running_ == 0)
          signals_.cancel(), end_main();
      });
    });
  }

  void end_main() {
    if (embedded_)
      embedded_->stop();
    main_.stop();
  }

  void watch_signals() {
    signals_.async_wait([this](error_code ec, int which) {
      if (ec)
        return;
      if (which == SIGHUP)
        reload();
      else if (std::exchange(draining_, true))
        return abort_drain();
      else {
        log::info("shutting down; send the signal again to stop now");
        drain();
      }
      watch_signals();
    });
  }

  void reload() {
    settings fresh;
    if (!reload_(fresh))
      return;
    auto const keys = load_secrets(fresh);
    if (!keys) {
      log::error("{}; everything stays as it was", keys.error());
      return;
    }
    // What is served now is served on, even if its folder is gone for the moment.
    if (auto const problem = web_root_problem(fresh.web.root); problem && fresh.web.root != config_.web.root) {
      log::error("{}; everything stays as it was", *problem);
      return;
    }
    if (keys->auth->open() != gateway_open_) {
      log::error("[auth] cannot be opened or closed without a restart; everything stays as it was");
      return;
    }
    gateway_.admission->set_limits(fresh.limits);
    for (auto& r : reactors_)
      r->reload(fresh, *keys);
    notifier_->reload(fresh);
    if (auto const keys_left = keys_for_restart(config_, fresh); !keys_left.empty())
      log::warning("{} changed, which takes effect only when the gateway is started again", fmt::join(keys_left, ", "));
    log::info("limits, job types, allowed origins, keys, certificates and notifications were read again");
  }

  void drain() {
    draining_ = true;
    for (auto& r : reactors_)
      r->drain();
    notifier_->drain();
  }

  void abort_drain() {
    log::warning("ending at once");
    for (auto& r : reactors_)
      r->stop();
    notifier_->stop();
  }

  const settings& config_;
  const reload_settings& reload_;
  asio::io_context main_{1};
  asio::signal_set signals_{main_, SIGTERM, SIGINT, SIGHUP};
  std::optional<embedded_redis> embedded_;
  gateway gateway_;
  std::unique_ptr<notify::notifier> notifier_;
  std::vector<std::unique_ptr<reactor>> reactors_;
  std::vector<std::thread> threads_;
  unsigned running_ = 0;
  bool gateway_open_ = false;
  std::atomic<bool> was_ready_ = false; ///< reactors ask
  int exit_code_ = 0;
  bool draining_ = false;
};

} // namespace

int serve(const settings& config, const reload_settings& reload) {
  std::signal(SIGPIPE, SIG_IGN);
  raise_file_limit(config.limits.connections);
  service s(config, reload);
  return s.run();
}

} // namespace jobcast::app
