#include "jobcast/base/complaint_gate.hpp"

#include <doctest/doctest.h>

using namespace jobcast;
using namespace std::chrono_literals;

TEST_CASE("one complaint in so long passes, and says how many were kept back") {
  complaint_gate gate(10s);
  complaint_gate::clock::time_point const begun(1h);
  CHECK(gate.admit(begun) == 0);
  CHECK_FALSE(gate.admit(begun));
  CHECK_FALSE(gate.admit(begun + 9s));
  CHECK(gate.admit(begun + 10s) == 2);
  CHECK_FALSE(gate.admit(begun + 19s));
  CHECK(gate.admit(begun + 40s) == 1);
}
