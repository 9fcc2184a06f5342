// Pages of records as typed calls (docs/functions.md), over bulk_reads.
#pragma once

#include "jobcast/http/request.hpp"
#include "jobcast/store/bulk_reads.hpp"
#include "jobcast/store/store.hpp"

#include <functional>
#include <string>

namespace jobcast::store {

struct page {
  std::vector<record> records;
  std::string cursor;
};

/// Outcomes that an owner has not seen yet.
struct inbox_page : page {
  std::uint64_t unseen = 0; ///< in all
};

struct history_entry {
  std::vector<std::pair<std::string, std::string>> fields;
};
struct history_page {
  std::vector<history_entry> entries;
  std::string cursor; ///< empty: there are no more
};

/// The client that a page is read for.
struct reader {
  net::admission::payer payer{};
  http::client_presence* client = nullptr; ///< null: is there until the answer comes. Outlives the call
};

/// One per reactor, on its thread. A reader whose rate is spent is told failure::kind::too_many. A read that is
/// still queued when its client leaves is not made, and fails.
class lists {
 public:
  lists(executor on, bulk_reads& reads, std::string ns)
      : executor_(on)
      , reads_(reads)
      , ns_(std::move(ns)) {}

  task<result<page>> list(std::string scope, arguments filters, reader by);
  task<result<inbox_page>> inbox(std::string scope, arguments filters, reader by);
  /// Nothing if there is no such job within the bounds that are among `fields`.
  task<result<std::optional<history_page>>> history(std::string id, arguments fields, reader by);
  /// The records of those of `ids` that exist, in their order. With a `scope`, jobs of other owners are as if there
  /// were none. Beyond half a MiB records come without their `result`, whose bytes `result_omitted` says.
  task<result<std::vector<record>>> by_ids(std::vector<std::string> ids, std::string scope, reader by);

 private:
  template <class Page>
  task<result<Page>> ask(bulk_reads::call what, reader by, std::function<Page(redis::reply_view)> parse,
                         bulk_reads::manners when_in_debt = bulk_reads::manners::refused);

  executor executor_;
  bulk_reads& reads_;
  std::string ns_;
};

} // namespace jobcast::store
