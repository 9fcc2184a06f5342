#include "jobcast/notify/notifier.hpp"

#include "curl_loop.hpp"
#include "jobcast/base/clock.hpp"
#include "jobcast/base/complaint_gate.hpp"
#include "jobcast/base/log.hpp"
#include "jobcast/base/survive.hpp"
#include "jobcast/redis/client.hpp"
#include "jobcast/redis/passing.hpp"
#include "prepare.hpp"
#include "queue.hpp"
#include "transfer.hpp"

#include <boost/asio/post.hpp>
#include <optional>
#include <random>
#include <stdexcept>

namespace jobcast::notify {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using config_ptr = std::shared_ptr<const notify_settings>;

// New outcomes are looked for this often; what is known to be due is claimed in time.
constexpr milliseconds poll_every = 500ms;
constexpr milliseconds drain_tick = 20ms;
// Redis may refuse to record something so often, before it is given up.
constexpr unsigned most_refusals = 5;
// A receiver that is down must not fill the disk with our complaints.
constexpr auto complaint_every = 10s;

struct curl_library {
  curl_library() {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
      throw std::runtime_error("libcurl cannot be initialized");
  }
  ~curl_library() { curl_global_cleanup(); }
};

} // namespace

class notifier::impl {
 public:
  impl(const redis::address& where, const settings& config)
      : client_(io_.get_executor(), where)
      , curl_(io_.get_executor())
      , timer_(io_.get_executor())
      , ns_(config.redis.ns)
      , drain_timeout_(config.server.drain_timeout)
      , config_(std::make_shared<notify_settings>(config.notify)) {}

  void run() {
    client_.on_change([this](bool connected) {
      if (connected)
        tick();
    });
    client_.start();
    tick();
    run_to_its_end(io_);
  }

  void reload(const settings& config) {
    asio::post(io_, [this, fresh = std::make_shared<const notify_settings>(config.notify)] { config_ = fresh; });
  }

  void drain() {
    asio::post(io_, [this] {
      if (drain_until_)
        return;
      drain_until_ = clock::now() + drain_timeout_;
      tick();
    });
  }

  void stop() { io_.stop(); }

  const metrics::notify_counters& counters() const { return counters_; }

 private:
  metrics::notify_counters::channel& count(std::string_view channel) {
    return channel == "email" ? counters_.email : counters_.webhook;
  }

  void tick_after(milliseconds delay) {
    timer_.expires_after(delay);
    timer_.async_wait([this](error_code ec) {
      if (!ec)
        tick();
    });
  }

  void tick() {
    if (drain_until_)
      return end_if_drained();
    tick_after(poll_every);
    tell_given_up();
    record_again();
    poll();
  }

  void end_if_drained() {
    record_again();
    bool const busy = polling_ || !running_.empty() || recording_ > 0 || !unrecorded_.empty();
    if (busy && clock::now() < *drain_until_)
      return tick_after(drain_tick);
    if (busy)
      log::warning("ended with {} notifications on their way; they will be tried again", running_.size());
    tell_given_up(true);
    timer_.cancel();
    client_.stop();
    io_.stop();
  }

  // --- claiming

  void poll() {
    if (polling_ || !client_.connected())
      return;
    polling_ = true;
    call(poll_call(ns_, *config_, load_), [this, config = config_](error_code ec, redis::reply_view reply) {
      polling_ = false;
      if (ec || reply.is_error())
        return complain_of_redis(ec, reply);
      take(read_poll(reply), config);
    });
  }

  void take(const claimed& got, const config_ptr& config) {
    for (auto const& channel : got.channels) {
      count(channel.name).seen.add(channel.seen);
      count(channel.name).dead.add(channel.buried);
      given_up_ += channel.buried;
      more_[channel.name] = channel.full;
      for (auto const& d : channel.deliveries)
        survive([&] { attempt(d, config); });
    }
    if (!drain_until_ && got.wait_ms >= 0 && got.wait_ms < poll_every.count())
      tick_after(milliseconds(got.wait_ms));
  }

  // --- trying

  void attempt(const delivery& d, const config_ptr& config) {
    auto prepared = prepare(d, *config, ns_, now_ms());
    if (!prepared)
      return record(d, {verdict::kind::dead, prepared.error(), {}}, *config);
    ++load_[d.channel];
    auto const easy = (*prepared)->handle();
    running_.emplace(easy, std::move(*prepared));
    curl_.start(easy, [this, d, config, easy](CURLcode result) {
      auto const done = running_.extract(easy);
      --load_[d.channel];
      answer const heard = done.mapped()->read(result);
      record(d, d.channel == "email" ? judge_email(heard) : judge_webhook(heard, now_ms()), *config);
      if (more_[d.channel] && !drain_until_)
        poll();
    });
  }

  // --- recording

  void record(const delivery& d, verdict v, const notify_settings& config) {
    milliseconds pause{0};
    if (v.what == verdict::kind::retry) {
      auto const next = pause_after(d.tries, config.schedule, v.not_before, static_cast<std::uint32_t>(random_()));
      if (next)
        pause = *next;
      else
        v.what = verdict::kind::dead;
    }
    auto& counts = count(d.channel);
    if (v.what == verdict::kind::sent)
      counts.sent.add();
    else
      counts.failed.add();
    if (v.what == verdict::kind::dead || v.what == verdict::kind::disable) {
      counts.dead.add();
      give_up(d, v.why);
    } else if (v.what == verdict::kind::retry) {
      complain("try {} of the notification {} failed: {}", d.tries, d.id, v.why);
    }
    send_record({d.id, d.channel, settle_call(ns_, d, v, pause, config)});
  }

  struct outcome {
    std::string id, channel;
    words call;
    unsigned refusals = 0;
  };

  void send_record(outcome what) {
    ++recording_;
    auto const kept = std::make_shared<outcome>(std::move(what));
    call(kept->call, [this, kept](error_code ec, redis::reply_view reply) {
      --recording_;
      if (!ec && !reply.is_error())
        return;
      if (ec || redis::may_pass(reply.text()))
        complain_of_redis(ec, reply);
      else if (++kept->refusals >= most_refusals)
        return give_up(*kept, reply.text());
      // What is not recorded would be done again.
      unrecorded_.push_back(std::move(*kept));
    });
  }

  void give_up(const outcome& what, std::string_view why) {
    count(what.channel).unrecorded.add();
    log::error(unrecorded_complaints_,
               "Redis refused to record what became of the notification {}, so it will be delivered again: {}", what.id,
               why);
  }

  void record_again() {
    if (!client_.connected())
      return;
    for (auto& each : std::exchange(unrecorded_, {}))
      send_record(std::move(each));
  }

  // --- the rest

  void call(const words& what, redis::client::handler done) {
    std::vector<std::string_view> const views(what.begin(), what.end());
    client_.call(views, std::move(done));
  }

  // What nobody will try again must not go under in complaints about tries that go on.
  void give_up(const delivery& d, std::string_view why) {
    if (given_up_ == 0 && dead_letters_.admit(clock::now()))
      log::warning("the notification {} is a dead letter: {}", d.id, why);
    else
      ++given_up_;
  }

  void tell_given_up(bool at_once = false) {
    if (given_up_ > 0 && (dead_letters_.admit(clock::now()) || at_once))
      log::warning("dead letters without a line of their own: {}; `jobcast notify list` shows each, and why",
                   std::exchange(given_up_, 0));
  }

  template <class... Args>
  void complain(fmt::format_string<Args...> format, Args&&... args) {
    std::string const line = fmt::format(format, std::forward<Args>(args)...);
    if (auto const kept_back = complaints_.admit(clock::now()))
      log::write(log::level::warning, *kept_back, line);
    else
      log::debug("{}", line);
  }

  // A lost connection is said by the client, and a missing library put back by a reactor.
  void complain_of_redis(error_code ec, redis::reply_view reply) {
    if (!ec && reply.text().find("unction not found") == std::string_view::npos)
      complain("the notifier was answered by redis: {}", reply.text());
  }

  curl_library library_;
  asio::io_context io_{1};
  redis::client client_;
  std::map<CURL*, std::unique_ptr<transfer>> running_; ///< outlives the loop that performs them
  curl_loop curl_;
  steady_timer timer_;
  std::string ns_;
  milliseconds drain_timeout_;
  config_ptr config_;
  metrics::notify_counters counters_;
  load load_;
  std::map<std::string, bool> more_; ///< channels that had more due than room when they last had any
  std::vector<outcome> unrecorded_;  ///< waiting for Redis to come back, or to change its mind
  unsigned recording_ = 0;
  bool polling_ = false;
  std::optional<clock::time_point> drain_until_;
  complaint_gate complaints_{complaint_every}, dead_letters_{complaint_every}, unrecorded_complaints_{complaint_every};
  unsigned given_up_ = 0; ///< dead letters that no line of the log tells yet
  std::minstd_rand random_{std::random_device{}()};
};

notifier::notifier(const redis::address& where, const settings& config)
    : impl_(std::make_unique<impl>(where, config)) {}
notifier::~notifier() = default;
void notifier::run() {
  impl_->run();
}
void notifier::reload(const settings& config) {
  impl_->reload(config);
}
void notifier::drain() {
  impl_->drain();
}
void notifier::stop() {
  impl_->stop();
}
const metrics::notify_counters& notifier::counters() const {
  return impl_->counters();
}

} // namespace jobcast::notify
