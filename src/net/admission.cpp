#include "jobcast/net/admission.hpp"

#include <algorithm>
#include <cmath>

namespace jobcast::net {

namespace {

// So many seconds' worth of requests may come at once.
constexpr double burst_seconds = 5;
// Addresses remembered for their rate alone, before those that are quiet again are looked for.
constexpr std::size_t remembered = 10'000;

double refilled(double requests, double rate, double seconds) {
  return std::min(rate * burst_seconds, requests + rate * seconds);
}

} // namespace

void admission::set_limits(const limit_settings& limits) {
  std::lock_guard const lock(mutex_);
  per_address_ = limits.connections_per_address;
  per_viewer_ = limits.streams_per_owner;
  bytes_per_client_ = limits.held_per_client;
  bytes_in_all_ = limits.bodies;
  rate_ = limits.request_rate;
}

std::string admission::key_of(const asio::ip::address& from) {
  if (from.is_v4() || from.to_v6().is_v4_mapped()) {
    auto const bytes = from.is_v4() ? from.to_v4().to_bytes()
                                    : asio::ip::make_address_v4(asio::ip::v4_mapped, from.to_v6()).to_bytes();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  auto const bytes = from.to_v6().to_bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size() / 2};
}

// Once it is there, it is read without the lock by who holds it.
admission::holder& admission::find(table& in, std::string key) {
  auto const at = in.try_emplace(std::move(key)).first;
  holder& h = at->second;
  if (!h.of) {
    h.of = this;
    h.key = &at->first;
    h.is_address = &in == &addresses_;
  }
  return h;
}

admission::ticket admission::take(table& in, std::string key, std::size_t most) {
  holder& h = find(in, std::move(key));
  if (h.held >= most)
    return {};
  ++h.held;
  return ticket(h);
}

admission::ticket admission::connect(const asio::ip::address& from) {
  std::lock_guard const lock(mutex_);
  return take(addresses_, key_of(from), per_address_);
}

admission::ticket admission::open_stream(std::string_view viewer) {
  std::lock_guard const lock(mutex_);
  return take(viewers_, std::string(viewer), per_viewer_);
}

admission::ticket::~ticket() {
  if (holder_)
    holder_->of->give_back(*holder_);
}

void admission::give_back(holder& h) {
  std::lock_guard const lock(mutex_);
  --h.held;
  forget_unused(h);
}

void admission::forget_unused(holder& h) {
  if (h.held > 0 || h.accounts > 0)
    return;
  if (!h.is_address)
    viewers_.erase(viewers_.find(*h.key));
  else if (!h.asked)
    addresses_.erase(addresses_.find(*h.key));
}

admission::account admission::open_account(const client& whose, metrics::counter& shown) {
  account out;
  out.of_ = this;
  out.shown_ = &shown;
  out.publisher_ = whose.publisher;
  std::lock_guard const lock(mutex_);
  if (whose.address)
    ++(out.address_ = &find(addresses_, key_of(*whose.address)))->accounts;
  if (!whose.viewer.empty())
    ++(out.viewer_ = &find(viewers_, whose.viewer))->accounts;
  return out;
}

admission::room admission::account::hold(std::size_t bytes) {
  if (!of_ || bytes == held_)
    return room::enough;
  std::lock_guard const lock(of_->mutex_);
  if (bytes > held_) {
    for (holder const* h : {address_, viewer_})
      if (h && h->bytes > held_ && h->bytes - held_ + bytes > of_->bytes_per_client_)
        return room::client_full;
    std::size_t const most = publisher_ ? of_->bytes_in_all_ : of_->bytes_in_all_ / 2;
    if (of_->bytes_ - held_ + bytes > most)
      return room::gateway_full;
  }
  for (holder* h : {address_, viewer_})
    if (h)
      h->bytes += bytes - held_;
  of_->bytes_ += bytes - held_;
  shown_->add(bytes - held_);
  held_ = bytes;
  return room::enough;
}

admission::account::~account() {
  if (!of_)
    return;
  hold(0);
  std::lock_guard const lock(of_->mutex_);
  for (holder* h : {address_, viewer_})
    if (h) {
      --h->accounts;
      of_->forget_unused(*h);
    }
}

unsigned admission::request(const asio::ip::address& from, time_point now, unsigned cost) {
  std::lock_guard const lock(mutex_);
  if (rate_ <= 0)
    return 0;
  forget_idle(now);
  return charge(addresses_[key_of(from)], now, cost);
}

bool admission::ticket::pay(time_point now, unsigned cost) {
  std::lock_guard const lock(holder_->of->mutex_);
  if (holder_->of->charge(*holder_, now, cost) != 0)
    return false;
  paid_ += cost;
  return true;
}

void admission::ticket::refund() {
  if (paid_ == 0)
    return;
  std::lock_guard const lock(holder_->of->mutex_);
  holder_->requests += std::exchange(paid_, 0);
}

unsigned admission::charge(holder& h, time_point now, unsigned cost) {
  if (rate_ <= 0)
    return 0;
  refill(h, now);
  if (h.requests < 1)
    return static_cast<unsigned>(std::ceil((1 - h.requests) / rate_));
  h.requests -= cost;
  return 0;
}

// The request that leads to a read has been paid for: what is left may be nothing.
unsigned admission::wait(const std::string& key, time_point now) {
  std::lock_guard const lock(mutex_);
  auto const at = addresses_.find(key);
  if (rate_ <= 0 || at == addresses_.end())
    return 0;
  refill(at->second, now);
  return at->second.requests < 0 ? static_cast<unsigned>(std::ceil(-at->second.requests / rate_)) : 0;
}

void admission::pay(const std::string& key, double requests, time_point now) {
  std::lock_guard const lock(mutex_);
  if (rate_ <= 0)
    return;
  forget_idle(now);
  holder& h = addresses_[key];
  refill(h, now);
  h.requests -= requests;
}

void admission::refill(holder& h, time_point now) const {
  double const passed = std::chrono::duration<double>(now - h.counted).count();
  h.requests = std::exchange(h.asked, true) ? refilled(h.requests, rate_, passed) : rate_ * burst_seconds;
  h.counted = now;
}

// Who holds nothing and has all its requests back is as if it had never been here.
void admission::forget_idle(time_point now) {
  if (addresses_.size() < std::max(remembered, forget_at_))
    return;
  std::erase_if(addresses_, [&](const auto& entry) {
    const holder& h = entry.second;
    double const passed = std::chrono::duration<double>(now - h.counted).count();
    return h.held == 0 && h.accounts == 0 && (!h.asked || refilled(h.requests, rate_, passed) >= rate_ * burst_seconds);
  });
  forget_at_ = addresses_.size() * 2;
}

} // namespace jobcast::net
