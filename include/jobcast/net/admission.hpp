// How much of the gateway one address or one viewer may take: connections, streams, and requests a second.
//
// The one thing that reactors share besides counters: clients of one address are spread over all of them. It is asked
// when a connection, request or stream begins and ends, never for an update.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/base/settings.hpp"

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace jobcast::net {

/// Thread-safe. Outlives its tickets. Time is the caller's, so tests move it by hand.
class admission {
  struct holder;

 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit admission(const limit_settings& limits) { set_limits(limits); }
  void set_limits(const limit_settings& limits);

  /// A place that is given back when this is destroyed. An empty one was refused.
  class ticket {
   public:
    ticket() = default;
    ticket(ticket&& other) noexcept
        : holder_(std::exchange(other.holder_, nullptr))
        , paid_(std::exchange(other.paid_, 0)) {}
    ticket& operator=(ticket&& other) noexcept {
      std::swap(holder_, other.holder_);
      std::swap(paid_, other.paid_);
      return *this;
    }
    ~ticket();
    explicit operator bool() const { return holder_ != nullptr; }
    /// Takes so many requests of its address for this place. False, and nothing is taken, if the address is over its
    /// rate.
    bool pay(time_point now, unsigned cost);
    /// Gives back what was paid, if anything.
    void refund();

   private:
    friend class admission;
    explicit ticket(holder& h)
        : holder_(&h) {}
    holder* holder_ = nullptr;
    unsigned paid_ = 0;
  };

  /// One of the connections of an address; of IPv6, of a /64 network, which is what one customer has.
  ticket connect(const asio::ip::address& from);
  /// One of the streams of a viewer, named by tenant and owner.
  ticket open_stream(std::string_view viewer);
  /// 0 if a request may be answered now, else after how many seconds. One that counts for several may go beyond the
  /// rate, and those after it wait for so much longer.
  unsigned request(const asio::ip::address& from, time_point now, unsigned cost = 1);

 private:
  struct holder {
    std::size_t held = 0;
    bool asked = false;  ///< a request was made
    double requests = 0; ///< that may be made at once
    time_point counted{};
    admission* of = nullptr;
    const std::string* key = nullptr;
    bool is_address = false;
  };
  using table = std::unordered_map<std::string, holder>;

  static std::string key_of(const asio::ip::address& from);
  ticket take(table& in, std::string key, std::size_t most, bool is_address);
  void give_back(holder& h);
  unsigned charge(holder& h, time_point now, unsigned cost);
  void forget_idle(time_point now);

  std::mutex mutex_;
  table addresses_, viewers_;
  std::size_t per_address_ = 0, per_viewer_ = 0;
  double rate_ = 0;
  std::size_t forget_at_ = 0;
};

} // namespace jobcast::net
