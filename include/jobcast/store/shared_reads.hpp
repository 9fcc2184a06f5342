// Reads of single records, shared.
//
// The problem: who cannot hold a connection asks for the same record every other second, and a call of a function costs
// Redis as much as a report's half. So what is asked for in one turn of the loop becomes one call, and a job that many
// ask for is read once in it.
#pragma once

#include "jobcast/store/store.hpp"

#include <boost/asio/async_result.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace jobcast::store {

/// One per reactor, on its thread.
class shared_reads {
 public:
  /// Null: there is no such job, or not in the scope.
  using found = std::shared_ptr<const record>;

  shared_reads(executor on, store& from)
      : executor_(on)
      , store_(from) {}
  shared_reads(const shared_reads&) = delete;
  shared_reads& operator=(const shared_reads&) = delete;

  /// The record as it is at some time after the call began. `id` is a valid job id; `scope` as for store::get().
  task<result<found>> get(std::string id, std::string scope = {});

 private:
  using resume = asio::async_result<asio::use_awaitable_t<executor>, void()>::handler_type;
  struct asker {
    resume go;
    result<found>* into;
  };
  struct read {
    std::string id;
    std::vector<asker> askers;
  };
  using batch = std::vector<read>;

  void send_due();
  void send(const std::string& scope, std::shared_ptr<batch> reads);
  void on_read(const std::string& scope, batch& reads, result<std::vector<std::optional<record>>> records);
  static void answer(read& r, const result<found>& what);

  executor executor_;
  store& store_;
  /// By scope, then id: not sent yet.
  std::unordered_map<std::string, std::unordered_map<std::string, std::vector<asker>>> due_;
};

} // namespace jobcast::store
