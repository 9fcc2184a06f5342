// What a hub needs of Redis: channels to be subscribed, records and lists to be read.
#pragma once

#include "jobcast/hub/hub.hpp"
#include "jobcast/redis/client.hpp"
#include "jobcast/redis/subscriber.hpp"
#include "jobcast/store/bulk_reads.hpp"

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
  redis_backend(redis::client& client, store::bulk_reads& lists, redis::subscriber& subscriber, std::string ns,
                hub::hub& answers, std::function<void()> flush_soon)
      : client_(client)
      , lists_(lists)
      , subscriber_(subscriber)
      , ns_(std::move(ns))
      , hub_(answers)
      , flush_soon_(std::move(flush_soon)) {}

  void subscribe(std::string_view channel) override { subscriber_.subscribe(channel); }
  void unsubscribe(std::string_view channel) override { subscriber_.unsubscribe(channel); }
  void read(std::vector<std::string> ids) override;
  void list(const std::string& scope, std::int64_t since, std::uint64_t ticket,
            const net::admission::payer& payer) override;
  void drop_list(std::uint64_t ticket) override;
  void schedule_flush() override { flush_soon_(); }

 private:
  redis::client& client_;
  store::bulk_reads& lists_;
  redis::subscriber& subscriber_;
  std::string ns_;
  hub::hub& hub_;
  std::function<void()> flush_soon_;
  std::unordered_map<std::uint64_t, store::bulk_reads::ticket> awaited_; ///< lists, by the hub's tickets
};

} // namespace jobcast::app
