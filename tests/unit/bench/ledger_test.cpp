#include "bench/ledger.hpp"

#include <doctest/doctest.h>

using namespace jobcast::bench;

TEST_CASE("each change is owed to every watcher of its job until it is delivered") {
  ledger l(2);
  account a{.job = 0}, b{.job = 0}, other{.job = 1};
  for (account* each : {&a, &b, &other})
    l.open(*each, 0);
  CHECK(l.publish(0) == 1);
  CHECK(l.outstanding() == 2);
  CHECK(l.receive(a, 1) == ledger::verdict::news);
  CHECK(l.outstanding() == 1);
  l.receive(b, 1);
  CHECK(l.outstanding() == 0);
  CHECK(l.delivered() == 2);
}

TEST_CASE("versions that were passed over count as conflated, and are owed no more") {
  ledger l(1);
  account a;
  l.open(a, 0);
  for (int i = 0; i < 3; ++i)
    l.publish(0);
  l.receive(a, 3);
  CHECK(l.delivered() == 1);
  CHECK(l.conflated() == 2);
  CHECK(l.outstanding() == 0);
}

TEST_CASE("a last version that does not come is outstanding: it was lost") {
  ledger l(1);
  account a;
  l.open(a, 0);
  l.publish(0);
  l.publish(0);
  l.receive(a, 1);
  CHECK(l.outstanding() == 1);
}

TEST_CASE("a version that was had before, or goes back, is out of order and nothing else") {
  ledger l(1);
  account a;
  l.open(a, 5);
  CHECK(l.receive(a, 5) == ledger::verdict::out_of_order);
  CHECK(l.receive(a, 4) == ledger::verdict::out_of_order);
  CHECK(l.out_of_order() == 2);
  CHECK(l.delivered() == 0);
  CHECK(a.version == 5);
}

TEST_CASE("a report that was refused is owed to nobody") {
  ledger l(1);
  account a;
  l.open(a, 0);
  l.publish(0);
  l.refuse(0);
  CHECK(l.outstanding() == 0);
  CHECK(l.refused() == 1);
  CHECK(l.published() == 0);
}

TEST_CASE("a watcher that left is owed nothing more") {
  ledger l(1);
  account a;
  l.open(a, 0);
  l.close(a);
  l.publish(0);
  CHECK(l.outstanding() == 0);
}
