#include "jobcast/stream/long_poll.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>

namespace jobcast::stream {

namespace {

class poll final : public hub::watcher, wheel_entry {
 public:
  poll(executor ex, host& h, const hub::poll_request& asked)
      : executor_(ex)
      , host_(h)
      , counters_(h.counters)
      , asked_(asked) {
    counters_.long_polls.add();
    set_who(asked.who);
  }
  // Polls that are held when the gateway ends outlive the hub, which has let go of them then.
  ~poll() {
    if (in_all_watchers.is_linked())
      host_.hub.close(link_);
    if (asked_.client)
      asked_.client->when_gone(nullptr);
    counters_.long_polls.subtract();
  }

  void begin(std::function<void()> resume) {
    resume_ = std::move(resume);
    host_.wheel.arm(*this, asked_.wait);
    host_.hub.enlist(*this);
    host_.hub.open(*this, link_, asked_.job);
    if (asked_.client)
      asked_.client->when_gone([this] { over(); });
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
    return e.kind() == hub::event_kind::job ? e.id() != asked_.known : !asked_.known.empty();
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
  const hub::poll_request& asked_;
  hub::link link_;
  hub::event_ptr newest_;
  std::function<void()> resume_;
};

} // namespace

task<hub::event_ptr> wait_for_change(executor ex, host& h, hub::poll_request asked) {
  if (asked.client && asked.client->gone())
    co_return nullptr;
  poll waiting(ex, h, asked);
  co_await asio::async_initiate<const asio::use_awaitable_t<executor>, void()>(
      [&](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        waiting.begin([shared] { (*shared)(); });
      },
      use_awaitable);
  co_return waiting.newest();
}

} // namespace jobcast::stream
