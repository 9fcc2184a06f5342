#include "jobcast/base/timing_wheel.hpp"

namespace jobcast {

timing_wheel::timing_wheel(clock::time_point now, std::chrono::milliseconds tick)
    : tick_(tick)
    , start_(now)
    , now_(now)
    , slots_(slot_count) {}

timing_wheel::~timing_wheel() {
  for (slot& s : slots_)
    s.clear();
}

void timing_wheel::arm(wheel_entry& entry, std::chrono::milliseconds delay) {
  entry.disarm();
  // One tick more, because now_ may be up to a tick old: never early.
  auto ticks = static_cast<std::uint64_t>((delay.count() + tick_.count() - 1) / tick_.count()) + 1;
  entry.due_ = current_ + ticks;
  slots_[entry.due_ % slot_count].push_back(entry);
}

void timing_wheel::advance(clock::time_point now) {
  now_ = now;
  auto const target = static_cast<std::uint64_t>((now - start_) / tick_);
  while (current_ < target) {
    ++current_;
    // Called entries may arm others, also into this slot (a full turn away), so the slot is emptied first.
    slot due;
    due.swap(slots_[current_ % slot_count]);
    while (!due.empty()) {
      wheel_entry& entry = due.front();
      due.pop_front();
      if (entry.due_ <= current_)
        entry.on_deadline();
      else
        slots_[entry.due_ % slot_count].push_back(entry);
    }
  }
}

} // namespace jobcast
