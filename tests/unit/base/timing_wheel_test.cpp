#include "jobcast/base/timing_wheel.hpp"

#include <array>
#include <doctest/doctest.h>
#include <functional>
#include <new>
#include <numeric>

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

TEST_CASE_FIXTURE(fixture, "a called entry may arm itself again, from the end of a jump over many ticks") {
  entry e;
  e.then = [&](entry& self) { wheel.arm(self, 1s); };
  wheel.arm(e, 1s);
  at(10s);
  CHECK(e.calls == 1);
  at(11s);
  CHECK(e.calls == 1);
  at(11'100ms);
  CHECK(e.calls == 2);
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

TEST_CASE_FIXTURE(fixture, "of many that are due no more are called than asked for, and the rest the next times") {
  std::array<entry, 5> due;
  for (entry& e : due)
    wheel.arm(e, 1s);
  auto const called = [&] {
    return std::accumulate(due.begin(), due.end(), 0, [](int n, auto& e) { return n + e.calls; });
  };
  CHECK_FALSE(wheel.advance(start + 2s, 2));
  CHECK(called() == 2);
  due[4].disarm();
  CHECK_FALSE(wheel.advance(start + 2s, 1));
  CHECK(called() == 3);
  CHECK(wheel.advance(start + 2s, 2));
  CHECK(called() == 4);
}

TEST_CASE_FIXTURE(fixture, "what is armed while others are still due is not called early") {
  entry first, second, late;
  wheel.arm(first, 1s);
  wheel.arm(second, 2s);
  CHECK_FALSE(wheel.advance(start + 10s, 1));
  wheel.arm(late, 1s);
  at(10s);
  CHECK(second.calls == 1);
  at(11s);
  CHECK(late.calls == 0);
  at(11'100ms);
  CHECK(late.calls == 1);
}

TEST_CASE_FIXTURE(fixture, "a destroyed entry is forgotten") {
  {
    entry e;
    wheel.arm(e, 1s);
  }
  at(5s);
}

TEST_CASE_FIXTURE(fixture, "an entry that throws takes nothing from those behind it") {
  entry first, second;
  first.then = [](entry&) { throw std::bad_alloc(); };
  wheel.arm(first, 1s);
  wheel.arm(second, 1s);
  at(2s);
  CHECK(first.calls == 1);
  CHECK(second.calls == 1);
}
