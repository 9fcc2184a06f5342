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

TEST_CASE("a fault that lasts is told once until it is over") {
  complaint_gate gate(10s);
  complaint_gate::clock::time_point const begun(1h);
  CHECK(gate.admit(begun, "refused") == 0);
  CHECK_FALSE(gate.admit(begun + 1h, "refused"));
  CHECK(gate.admit(begun + 1h, "wrong password") == 1);
  CHECK_FALSE(gate.admit(begun + 1h + 1s, "refused"));
  CHECK(gate.admit(begun + 1h + 10s, "refused") == 1);
  CHECK_FALSE(gate.admit(begun + 2h, "refused"));
  gate.over();
  CHECK(gate.take_kept_back() == 1);
  CHECK(gate.admit(begun + 3h, "refused") == 0);
  gate.over();
  CHECK_FALSE(gate.admit(begun + 3h + 1s, "refused"));
}
