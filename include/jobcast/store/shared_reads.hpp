// Reads of single records, shared.
//
// The problem: who cannot hold a connection asks for the same record every other second, and a call of a function costs
// Redis as much as a report's half. So what is asked for in one turn of the loop becomes one call, and a job that many
// ask for is read once in it. Whatever goes wrong, each who asked is answered: nobody else would resume it.
#pragma once

#include "jobcast/store/store.hpp"

#include <boost/asio/async_result.hpp>
#include <functional>
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

  using records = result<std::vector<std::optional<record>>>;
  /// As store::get().
  using reader = std::function<task<records>(std::vector<std::string> ids, std::string scope)>;

  shared_reads(executor on, store& from)
      : shared_reads(on, [&from](auto ids, auto scope) { return from.get(std::move(ids), std::move(scope)); }) {}
  shared_reads(executor on, reader from)
      : executor_(on)
      , read_(std::move(from)) {}
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
  void on_read(const std::string& scope, batch& reads, records got);
  static void answer(read& r, const result<found>& what);
  /// The same for those that were not answered yet. Needs no memory.
  static void fail(batch& reads) noexcept;
  static void fail(std::vector<asker>& askers) noexcept;

  executor executor_;
  reader read_;
  /// By scope, then id: not sent yet.
  std::unordered_map<std::string, std::unordered_map<std::string, std::vector<asker>>> due_;
};

} // namespace jobcast::store
