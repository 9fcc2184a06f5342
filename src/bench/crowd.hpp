// The watchers: opens their connections, a bounded number at a time, and enters what they are given in the ledger.
#pragma once

#include "cutters.hpp"
#include "histogram.hpp"
#include "ledger.hpp"
#include "marked_record.hpp"
#include "peer.hpp"
#include "poller.hpp"
#include "target.hpp"

#include <array>
#include <memory>
#include <vector>

namespace jobcast::bench {

class crowd;

/// One connection that watches one job.
class watcher final : public pollable {
 public:
  watcher(crowd& c, std::uint32_t job)
      : crowd_(c) {
    account_.job = job;
  }
  ~watcher() { close(); }
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;

  void connect(unsigned source);
  void close();

 private:
  enum class stage : std::uint8_t { closed, connecting, head, body };

  [[noreturn]] void fail_to_connect(int why) const;
  void on_ready(std::uint32_t events) override;
  void on_bytes(std::string_view bytes);
  void on_head(const response_head& head);
  void on_body(std::string_view bytes);
  void on_frame(std::uint8_t opcode, std::string_view payload);
  bool on_answers(std::string_view bytes);
  void on_message(std::string_view text);
  void opened(std::uint64_t version);
  void send(std::string_view bytes);

  crowd& crowd_;
  int fd_ = -1;
  stage stage_ = stage::closed;
  bool chunked_ = false;
  account account_;
  remainder head_;
  dechunker chunks_;
  event_cutter events_;
  frame_cutter frames_;
};

class crowd {
 public:
  crowd(poller& p, const options& o, const peer& to, const target& where, const record_format& format, ledger& account);

  /// Opens every watcher, `at_a_time` of them; answers the seconds it took. Throws std::runtime_error if a server
  /// refuses, or opens nothing more for a while.
  double open(unsigned at_a_time);
  void close();

  /// What came since the last call of begin().
  const histogram& latencies() const { return latencies_; }
  /// Deliveries in each tenth of a second.
  const std::vector<std::uint32_t>& series() const { return series_; }
  void begin();

 private:
  friend class watcher;

  [[noreturn]] void closed_by_server(int why) const;
  std::string request(std::uint32_t job, std::string_view etag) const;
  void received(std::int64_t sent_at);

  poller& poller_;
  const options& options_;
  const peer& peer_;
  const target& where_;
  const record_format& format_;
  ledger& ledger_;
  unsigned sources_ = 0, first_source_ = 0;
  std::vector<std::unique_ptr<watcher>> watchers_;
  std::size_t opened_ = 0;
  histogram latencies_;
  std::vector<std::uint32_t> series_;
  std::int64_t begun_ = 0;
  std::array<char, 64 * 1024> buffer_;
};

} // namespace jobcast::bench
