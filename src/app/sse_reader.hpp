// Reads an event stream (WHATWG HTML, "Server-sent events", section 9.2.6) from bytes that arrive in any pieces. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace jobcast::app {

struct sse_event {
  std::string name = "message";
  std::string data;
};

class sse_reader {
 public:
  /// Calls `on_event` for each event completed by these bytes, until it answers false; false then.
  bool feed(std::string_view bytes, const std::function<bool(const sse_event&)>& on_event);
  /// A new connection: what was not completed is dropped, the id and delay are kept.
  void restart();

  const std::string& last_event_id() const { return last_event_id_; }
  /// Milliseconds the server last asked to wait before reconnecting.
  std::optional<unsigned> retry() const { return retry_; }

 private:
  bool end_line(const std::function<bool(const sse_event&)>& on_event);
  void field(std::string_view name, std::string_view value);

  std::string line_;
  bool after_cr_ = false;
  bool first_line_ = true;
  std::string name_, data_, id_, last_event_id_;
  std::optional<unsigned> retry_;
};

} // namespace jobcast::app
