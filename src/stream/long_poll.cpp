#include "jobcast/stream/long_poll.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>

namespace jobcast::stream {

namespace {

class poll final : public hub::watcher, wheel_entry {
 public:
  poll(executor ex, host& h, std::string known)
      : executor_(ex)
      , host_(h)
      , counters_(h.counters)
      , known_(std::move(known)) {
    counters_.long_polls.add();
  }
  // Polls that are held when the gateway ends outlive the hub, which has let go of them then.
  ~poll() {
    if (in_all_watchers.is_linked())
      host_.hub.close(link_);
    counters_.long_polls.subtract();
  }

  void begin(std::string_view job, std::chrono::milliseconds wait, std::function<void()> resume) {
    resume_ = std::move(resume);
    host_.wheel.arm(*this, wait);
    host_.hub.enlist(*this);
    host_.hub.open(*this, link_, job);
  }

  hub::event_ptr newest() const { return newest_; }

 private:
  void flush() override {
    while (link_.pending() > 0) {
      newest_ = link_.at(0);
      link_.pop();
    }
    if (newest_ && is_news(*newest_))
      over();
  }
  // Who knows of no job waits for its record alone: a job that the viewer may not see is `missing` too.
  bool is_news(const hub::event& e) const {
    return e.kind() == hub::event_kind::job ? e.id() != known_ : !known_.empty();
  }
  void notify(hub::event_ptr) override {}
  void finish(hub::event_ptr) override { over(); }
  void expire() override { over(); }
  void abort() override { over(); }
  void on_deadline() override { over(); }

  void over() {
    disarm();
    if (auto resume = std::exchange(resume_, nullptr))
      asio::post(executor_, std::move(resume));
  }

  executor executor_;
  host& host_;
  metrics::counters& counters_;
  std::string known_;
  hub::link link_;
  hub::event_ptr newest_;
  std::function<void()> resume_;
};

} // namespace

task<hub::event_ptr> wait_for_change(executor ex, host& h, auth::identity_ptr who, std::string job, std::string known,
                                     std::chrono::milliseconds wait) {
  poll waiting(ex, h, std::move(known));
  waiting.set_who(std::move(who));
  co_await asio::async_initiate<const asio::use_awaitable_t<executor>, void()>(
      [&](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        waiting.begin(job, wait, [shared] { (*shared)(); });
      },
      use_awaitable);
  co_return waiting.newest();
}

} // namespace jobcast::stream
