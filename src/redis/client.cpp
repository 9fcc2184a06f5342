#include "jobcast/redis/client.hpp"

#include "jobcast/base/complaint_gate.hpp"
#include "jobcast/base/log.hpp"
#include "jobcast/redis/connection.hpp"
#include "jobcast/redis/denied.hpp"
#include "jobcast/redis/pipeline.hpp"

#include <boost/asio/post.hpp>
#include <deque>
#include <map>
#include <utility>

namespace jobcast::redis {

namespace {

// What is refused once is refused again and again, in as many words as there are kinds of calls.
constexpr auto denial_every = std::chrono::minutes(10);
constexpr std::size_t most_denials = 100;

} // namespace

struct client::impl final : connection {
  impl(executor ex, address where, connection_options options)
      : connection(ex, std::move(where), options, "commands") {}

  void call(std::span<const std::string_view> arguments, handler done, reply_ptr* keep) {
    if (!up()) {
      error_code why = stopped() ? errc::stopped : errc::unavailable;
      asio::post(get_executor(), [done = std::move(done), why] {
        if (done)
          done(why, {});
      });
      return;
    }
    append_command(queued_, arguments);
    pipeline_.push(std::move(done), keep);
    write_soon();
  }

  void finish() {
    if (stopped())
      return;
    stop();
    queued_.clear();
    observers_.clear();
    if (!pipeline_.empty())
      asio::post(get_executor(),
                 [pending = std::exchange(pipeline_, {})]() mutable { pending.fail(errc::stopped, errc::stopped); });
  }

  void observe(std::function<void(bool)> observer) { observers_.push_back(std::move(observer)); }

 private:
  void on_up() override {
    incoming_ = {};
    tell(true);
  }

  void on_down() override {
    queued_.clear();
    std::exchange(pipeline_, {}).fail(errc::lost, errc::unavailable);
    tell(false);
  }

  std::string on_bytes(std::string_view bytes, bool& any) override {
    bool expected = true;
    bool const fine = incoming_.decode(bytes, [&](reply_ptr reply) {
      any = true;
      if (reply->type == REDIS_REPLY_ERROR)
        tell_denial(reply_view(reply.get()).text());
      expected = pipeline_.complete(std::move(reply));
      return expected && up();
    });
    if (!fine)
      return std::string("not the Redis protocol: ") + incoming_.failure();
    return expected ? std::string() : "a reply that no command awaits";
  }

  bool awaiting() const override { return !pipeline_.empty(); }

  void ping() override {
    append_command(queued_, std::initializer_list<std::string_view>{"PING"});
    pipeline_.push({});
  }

  void take_output(std::string& out) override {
    out.swap(queued_);
    pipeline_.written();
  }

  void tell(bool connected) {
    // An observer may stop the client, which forgets all of them, or add another.
    for (std::size_t i = 0; i < observers_.size() && up() == connected && !stopped(); ++i) {
      auto observer = observers_[i];
      observer(connected);
    }
  }

  // Whoever called may pass over it, and shows no reason to users.
  void tell_denial(std::string_view error) {
    if (!is_denied(error))
      return;
    if (denials_.size() >= most_denials)
      denials_.clear();
    auto const text = error.substr(0, error.find_last_not_of("\r\n") + 1);
    auto const told = denials_.try_emplace(std::string(text), denial_every).first;
    if (told->second.admit(std::chrono::steady_clock::now()))
      log::warning("redis commands: {}; {}", text, denied_hint);
  }

  decoder incoming_;
  pipeline pipeline_;
  std::map<std::string, complaint_gate> denials_; ///< by what Redis says
  std::string queued_;                            ///< encoded, not yet taken to be written
  std::vector<std::function<void(bool)>> observers_;
};

client::client(executor ex, address where, connection_options options)
    : impl_(std::make_shared<impl>(ex, std::move(where), options)) {}

client::~client() {
  stop();
}

void client::start() {
  impl_->start();
}
void client::stop() {
  impl_->finish();
}
bool client::connected() const {
  return impl_->up();
}
const std::string& client::last_failure() const {
  return impl_->last_failure();
}
void client::on_change(std::function<void(bool)> observer) {
  impl_->observe(std::move(observer));
}

void client::call(std::span<const std::string_view> arguments, handler done) {
  impl_->call(arguments, std::move(done), nullptr);
}

task<client::answer> client::call(std::vector<std::string> arguments) {
  std::vector<std::string_view> views(arguments.begin(), arguments.end());
  answer result;
  // Named, and everything by reference: they live in this frame, which the handler owns until it is called.
  auto initiate = [&](auto resume) {
    auto shared = std::make_shared<decltype(resume)>(std::move(resume));
    handler done = [shared, &result](error_code ec, reply_view) {
      result.ec = ec;
      std::move (*shared)();
    };
    impl_->call(views, std::move(done), &result.owned);
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<executor>, void()>(initiate, use_awaitable);
  co_return result;
}

} // namespace jobcast::redis
