// How much of the gateway one address or one viewer may take: connections, streams, requests a second, and bytes that
// are held in memory for it.
//
// The one thing that reactors share besides counters: clients of one address are spread over all of them. It is asked
// when a connection, request or stream begins and ends, and for bodies and answers that are large, never for an update.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/base/settings.hpp"
#include "jobcast/metrics/counters.hpp"

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace jobcast::net {

/// Thread-safe. Outlives its tickets and accounts. Time is the caller's, so tests move it by hand.
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

  /// For whom bytes are held.
  struct client {
    std::optional<asio::ip::address> address{}; ///< none: a proxy's, or one that is exempt
    std::string viewer{};                       ///< empty: none in particular
    bool publisher = false;                     ///< has all of limits.bodies, others half
  };
  enum class room : std::uint8_t {
    enough,
    client_full,  ///< limits.held_per_client, of its address or of its viewer
    gateway_full, ///< limits.bodies, or the half of it
  };

  /// Bytes that are held for a client: of answers not sent yet, and of bodies and messages not complete yet. Given back
  /// when this is destroyed. On one thread.
  class account {
   public:
    /// Holds nothing, for nobody.
    account() = default;
    account(account&& other) noexcept { swap(other); }
    account& operator=(account&& other) noexcept {
      swap(other);
      return *this;
    }
    ~account();
    /// Holds `bytes` from here on. If there is no room for more, it holds what it held. A client that holds nothing
    /// else is refused by limits.bodies alone.
    room hold(std::size_t bytes);
    std::size_t held() const { return held_; }
    explicit operator bool() const { return of_ != nullptr; }

   private:
    friend class admission;
    void swap(account& other) noexcept {
      std::swap(of_, other.of_);
      std::swap(address_, other.address_);
      std::swap(viewer_, other.viewer_);
      std::swap(shown_, other.shown_);
      std::swap(held_, other.held_);
      std::swap(publisher_, other.publisher_);
    }
    admission* of_ = nullptr;
    holder* address_ = nullptr;
    holder* viewer_ = nullptr;
    metrics::counter* shown_ = nullptr;
    std::size_t held_ = 0;
    bool publisher_ = false;
  };
  /// What it holds is also added to `shown`.
  account open_account(const client& whose, metrics::counter& shown);

  /// One of the connections of an address; of IPv6, of a /64 network, which is what one customer has.
  ticket connect(const asio::ip::address& from);
  /// One of the streams of a viewer, named by tenant and owner.
  ticket open_stream(std::string_view viewer);
  /// 0 if a request may be answered now, else after how many seconds. One that counts for several may go beyond the
  /// rate, and those after it wait for so much longer.
  unsigned request(const asio::ip::address& from, time_point now, unsigned cost = 1);

  /// Whom a read is charged to, whose cost is known afterwards. Copied freely; must not outlive the admission.
  class payer {
   public:
    /// Of whoever is exempt: pays nothing.
    payer() = default;
    payer(admission& of, const asio::ip::address& from)
        : of_(&of)
        , key_(key_of(from)) {}
    /// 0 if a read may be made now, else after how many seconds.
    unsigned wait(time_point now) const { return of_ ? of_->wait(key_, now) : 0; }
    /// Takes so many requests from the rate, beyond it if need be.
    void pay(double requests, time_point now) const {
      if (of_)
        of_->pay(key_, requests, now);
    }
    /// Equal for payers of one address; empty for whoever is exempt.
    const std::string& key() const { return key_; }

   private:
    admission* of_ = nullptr;
    std::string key_;
  };

 private:
  struct holder {
    std::size_t held = 0;     ///< places
    std::size_t accounts = 0; ///< open
    std::size_t bytes = 0;    ///< that they hold
    bool asked = false;       ///< a request was made
    double requests = 0;      ///< that may be made at once
    time_point counted{};
    admission* of = nullptr;
    const std::string* key = nullptr;
    bool is_address = false;
  };
  using table = std::unordered_map<std::string, holder>;

  static std::string key_of(const asio::ip::address& from);
  unsigned wait(const std::string& key, time_point now);
  void pay(const std::string& key, double requests, time_point now);
  void refill(holder& h, time_point now) const;
  holder& find(table& in, std::string key);
  ticket take(table& in, std::string key, std::size_t most);
  void give_back(holder& h);
  void forget_unused(holder& h);
  unsigned charge(holder& h, time_point now, unsigned cost);
  void forget_idle(time_point now);

  std::mutex mutex_;
  table addresses_, viewers_;
  std::size_t per_address_ = 0, per_viewer_ = 0;
  std::size_t bytes_per_client_ = 0, bytes_in_all_ = 0;
  std::size_t bytes_ = 0; ///< held by all accounts
  double rate_ = 0;
  std::size_t forget_at_ = 0;
};

} // namespace jobcast::net
