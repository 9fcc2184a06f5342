#include "jobcast/base/timing_wheel.hpp"

#include "jobcast/base/survive.hpp"

namespace jobcast {

timing_wheel::timing_wheel(clock::time_point now, std::chrono::milliseconds tick)
    : tick_(tick)
    , start_(now)
    , now_(now)
    , slots_(slot_count) {}

timing_wheel::~timing_wheel() {
  for (slot& s : slots_)
    s.clear();
  taken_.clear();
}

void timing_wheel::arm(wheel_entry& entry, std::chrono::milliseconds delay) {
  entry.disarm();
  // One tick more, because now_ may be up to a tick old: never early.
  auto ticks = static_cast<std::uint64_t>((delay.count() + tick_.count() - 1) / tick_.count()) + 1;
  entry.due_ = tick_of(now_) + ticks;
  slots_[entry.due_ % slot_count].push_back(entry);
}

std::uint64_t timing_wheel::tick_of(clock::time_point at) const {
  return static_cast<std::uint64_t>((at - start_) / tick_);
}

bool timing_wheel::advance(clock::time_point now, std::size_t most) {
  now_ = now;
  for (;;) {
    for (; !taken_.empty(); --most) {
      if (most == 0)
        return false;
      wheel_entry& entry = taken_.front();
      taken_.pop_front();
      if (entry.due_ <= current_)
        survive([&entry] { entry.on_deadline(); });
      else
        slots_[entry.due_ % slot_count].push_back(entry);
    }
    if (current_ >= tick_of(now))
      return true;
    ++current_;
    // Called entries may arm others, also into this slot (a full turn away), so the slot is emptied first.
    taken_.swap(slots_[current_ % slot_count]);
  }
}

} // namespace jobcast
