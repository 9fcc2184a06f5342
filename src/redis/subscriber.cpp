#include "jobcast/redis/subscriber.hpp"

#include "jobcast/base/log.hpp"
#include "jobcast/base/survive.hpp"
#include "jobcast/redis/connection.hpp"
#include "jobcast/redis/denied.hpp"
#include "jobcast/redis/push_reader.hpp"
#include "jobcast/redis/subscription_tracker.hpp"

namespace jobcast::redis {

struct subscriber::impl final : connection {
  using kind = subscription_tracker::kind;

  impl(executor ex, address where, subscriber_observer& observer, connection_options options)
      : connection(ex, std::move(where), options, "subscriptions")
      , observer_(observer) {}

  void subscribe(kind what, std::string_view name) {
    if (tracker_.subscribe(what, name))
      write_soon();
  }
  void unsubscribe(kind what, std::string_view name) {
    if (tracker_.unsubscribe(what, name))
      write_soon();
  }

 private:
  void on_up() override {
    incoming_ = {};
    tracker_.connection_up();
    pings_ = 0;
    ping_due_ = false;
    write_now();
    observer_.on_connection(true);
  }

  void on_down() override {
    tracker_.connection_lost();
    observer_.on_connection(false);
  }

  void on_turn_end() override {
    survive([this] { observer_.on_turn_end(); });
  }

  // The path of every update: allocates nothing.
  std::string on_bytes(std::string_view bytes, bool& any) override {
    std::string failure;
    bool const fine = incoming_.read(bytes, [&](const push& p) {
      any = true;
      // What one message does to its observer is not to lose those behind it.
      survive([&] {
        if (p[0] == "message")
          observer_.on_message(p[1], p[2]);
        else
          failure = on_other(p);
      });
      return failure.empty() && up();
    });
    return fine ? failure : std::string("not what a subscribed connection brings: ") + incoming_.failure();
  }

  std::string on_other(const push& p) {
    std::string_view const what = p[0];
    if (what == "pmessage") {
      if (tracker_.live(kind::pattern, p[1]))
        observer_.on_message(p[2], p[3]);
    } else if (what == "subscribe" || what == "psubscribe") {
      if (tracker_.on_subscribed(what[0] == 'p' ? kind::pattern : kind::channel, p[1]))
        observer_.on_subscribed(p[1]);
    } else if (what == "unsubscribe" || what == "punsubscribe") {
      tracker_.on_unsubscribed(what[0] == 'p' ? kind::pattern : kind::channel, p[1]);
    } else if (pings_ > 0 && (what == "pong" || what == "PONG")) {
      // An array while anything is subscribed, a status otherwise.
      --pings_;
    } else {
      // A refused SUBSCRIBE (NOPERM) names none of its channels, so nobody can be told which.
      if (!p.error)
        return "a reply that no command awaits";
      std::string refused = "refused: " + std::string(what);
      return is_denied(what) ? refused.append("; ").append(denied_hint) : refused;
    }
    return {};
  }

  bool awaiting() const override { return pings_ > 0 || tracker_.awaited() > 0; }

  void ping() override { ping_due_ = true; }

  void take_output(std::string& out) override {
    while (tracker_.next_command(arguments_))
      append_command(out, arguments_);
    if (std::exchange(ping_due_, false)) {
      append_command(out, std::initializer_list<std::string_view>{"PING"});
      ++pings_;
    }
  }

  subscriber_observer& observer_;
  push_reader incoming_;
  subscription_tracker tracker_;
  unsigned pings_ = 0; ///< not yet answered
  bool ping_due_ = false;
  std::vector<std::string_view> arguments_;
};

subscriber::subscriber(executor ex, address where, subscriber_observer& observer, connection_options options)
    : impl_(std::make_shared<impl>(ex, std::move(where), observer, options)) {}

subscriber::~subscriber() {
  stop();
}

void subscriber::start() {
  impl_->start();
}
void subscriber::stop() {
  impl_->stop();
}
bool subscriber::connected() const {
  return impl_->up();
}

void subscriber::subscribe(std::string_view channel) {
  impl_->subscribe(impl::kind::channel, channel);
}
void subscriber::unsubscribe(std::string_view channel) {
  impl_->unsubscribe(impl::kind::channel, channel);
}
void subscriber::psubscribe(std::string_view pattern) {
  impl_->subscribe(impl::kind::pattern, pattern);
}
void subscriber::punsubscribe(std::string_view pattern) {
  impl_->unsubscribe(impl::kind::pattern, pattern);
}
void subscriber::pause() {
  impl_->pause_reading();
}
void subscriber::go_on() {
  impl_->go_on_reading();
}

} // namespace jobcast::redis
