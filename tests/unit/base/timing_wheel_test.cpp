#include "jobcast/base/timing_wheel.hpp"

#include <doctest/doctest.h>
#include <functional>

using namespace std::chrono_literals;
using jobcast::timing_wheel;

namespace {

struct entry final : jobcast::wheel_entry {
  int calls = 0;
  std::function<void(entry&)> then;
  void on_deadline() override {
    ++calls;
    if (then)
      then(*this);
  }
};

struct fixture {
  timing_wheel::clock::time_point start{};
  timing_wheel wheel{start};
  void at(std::chrono::milliseconds since_start) { wheel.advance(start + since_start); }
};

} // namespace

TEST_CASE_FIXTURE(fixture, "an entry is called once its deadline has passed, and never before") {
  entry e;
  wheel.arm(e, 1'000ms);
  at(1'000ms);
  CHECK(e.calls == 0);
  at(1'100ms);
  CHECK(e.calls == 1);
  at(100s);
  CHECK(e.calls == 1);
}

TEST_CASE_FIXTURE(fixture, "a deadline more than a turn of the wheel away is kept") {
  entry e;
  wheel.arm(e, 300s);
  at(299s);
  CHECK(e.calls == 0);
  at(301s);
  CHECK(e.calls == 1);
}

TEST_CASE_FIXTURE(fixture, "arming again moves the deadline, disarming takes it away") {
  entry moved, gone;
  wheel.arm(moved, 1s);
  wheel.arm(gone, 1s);
  at(500ms);
  wheel.arm(moved, 2s);
  gone.disarm();
  at(2s);
  CHECK(moved.calls == 0);
  at(3s);
  CHECK(moved.calls == 1);
  CHECK(gone.calls == 0);
}

TEST_CASE_FIXTURE(fixture, "a called entry may arm itself again, also within a jump over many ticks") {
  entry e;
  e.then = [&](entry& self) { wheel.arm(self, 1s); };
  wheel.arm(e, 1s);
  for (int second = 1; second <= 20; ++second)
    at(std::chrono::seconds(second));
  CHECK(e.calls > 15);
  CHECK(e.calls < 20);
}

TEST_CASE_FIXTURE(fixture, "a called entry may disarm another that is due in the same tick") {
  entry first, second;
  first.then = [&](entry&) { second.disarm(); };
  wheel.arm(first, 1s);
  wheel.arm(second, 1s);
  at(5s);
  CHECK(first.calls == 1);
  CHECK(second.calls == 0);
}

TEST_CASE_FIXTURE(fixture, "a destroyed entry is forgotten") {
  {
    entry e;
    wheel.arm(e, 1s);
  }
  at(5s);
}
