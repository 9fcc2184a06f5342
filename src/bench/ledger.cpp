#include "ledger.hpp"

namespace jobcast::bench {

void ledger::open(account& a, std::uint64_t version) {
  a.open = true;
  a.version = version;
  ++watchers_[a.job];
}

void ledger::close(account& a) {
  if (a.open)
    --watchers_[a.job];
  a.open = false;
}

ledger::verdict ledger::receive(account& a, std::uint64_t version) {
  if (version <= a.version) {
    ++out_of_order_;
    return verdict::out_of_order;
  }
  conflated_ += version - a.version - 1;
  ++delivered_;
  a.version = version;
  return verdict::news;
}

} // namespace jobcast::bench
