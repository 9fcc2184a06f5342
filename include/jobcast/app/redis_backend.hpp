// What a hub needs of Redis: channels to be subscribed, records and lists to be read.
#pragma once

#include "jobcast/hub/hub.hpp"
#include "jobcast/redis/subscriber.hpp"
#include "jobcast/store/bulk_reads.hpp"
#include "jobcast/store/watch_reads.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace jobcast::app {

/// Of one hub, on its reactor's thread. All it is given must outlive it, and the calls it makes of `client`; the hub
/// may be made after it.
class redis_backend final : public hub::backend {
 public:
  /// `flush_soon`: have hub::flush() called before the loop sleeps again.
  redis_backend(store::bulk_reads& lists, redis::subscriber& subscriber, const std::string& ns, hub::hub& answers,
                std::function<void()> flush_soon)
      : lists_(lists)
      , subscriber_(subscriber)
      , ns_(ns)
      , hub_(answers)
      , flush_soon_(std::move(flush_soon))
      , reads_(lists, ns,
               {.wanted = [this](std::string_view id) { return hub_.wants(id); },
                .got = [this](std::string_view id, redis::reply_view row) { on_row(id, row); },
                .failed = [this](std::span<const std::string> ids) { hub_.on_read_failed(ids); }}) {}

  void subscribe(std::string_view channel) override { subscriber_.subscribe(channel); }
  void unsubscribe(std::string_view channel) override { subscriber_.unsubscribe(channel); }
  void read(std::vector<hub::record_read> records) override;
  void list(const std::string& scope, std::int64_t since, std::uint64_t ticket,
            const net::admission::payer& payer) override;
  void drop_list(std::uint64_t ticket) override;
  void schedule_flush() override { flush_soon_(); }
  /// Call now and then: reads wait for their addresses' rates.
  void go_on() { reads_.go_on(); }

 private:
  void on_row(std::string_view id, redis::reply_view row);

  store::bulk_reads& lists_;
  redis::subscriber& subscriber_;
  std::string ns_;
  hub::hub& hub_;
  std::function<void()> flush_soon_;
  store::watch_reads reads_;
  std::unordered_map<std::uint64_t, store::bulk_reads::ticket> awaited_; ///< lists, by the hub's tickets
};

} // namespace jobcast::app
