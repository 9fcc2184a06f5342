#include "http_fetch.hpp"
#include "job_line.hpp"
#include "jobcast/app/cli.hpp"
#include "jobcast/job/report_json.hpp"
#include "refusal_text.hpp"
#include "sse_reader.hpp"

#include <optional>
#include <ostream>
#include <thread>

namespace jobcast::app {

namespace {

using namespace std::chrono_literals;

constexpr auto silence = 45s; ///< three heartbeats
constexpr unsigned default_retry = 2000;

class watcher {
 public:
  watcher(const fetch_request& request, const watch_screen& screen, std::ostream& errors)
      : request_(request)
      , screen_(screen)
      , errors_(errors) {}

  int run() {
    for (bool first = true;; first = false) {
      if (const auto code = connect(first))
        return *code;
      std::this_thread::sleep_for(std::chrono::milliseconds(reader_.retry().value_or(default_retry)));
    }
  }

 private:
  /// The exit code, or nothing to connect again.
  std::optional<int> connect(bool first) {
    auto request = request_;
    add_credentials(request);
    if (!reader_.last_event_id().empty())
      request.headers.emplace_back("Last-Event-ID", reader_.last_event_id());
    reader_.restart();
    std::string refusal;
    const auto status = fetch(request, [&](unsigned code, std::string_view piece) {
      if (code == 200)
        return reader_.feed(piece, [this](const sse_event& event) { return on_event(event); });
      refusal += piece;
      return refusal.size() < 65536;
    });
    if (last_ && last_->is_final())
      return end(last_->status == "done" ? 0 : 1);
    if (status && *status != 200) {
      end(1);
      errors_ << "jobcast: " << refusal_text(*status, refusal) << "\n";
      return 1;
    }
    if (!status && first && !status.error().connected) {
      errors_ << "jobcast: cannot reach the gateway: " << status.error().why << "\n";
      return 1;
    }
    note("connection lost; trying again");
    return std::nullopt;
  }

  /// False once nothing more is to be read.
  bool on_event(const sse_event& event) {
    if (event.name == "job") {
      if (auto line = describe_job(event.data)) {
        last_ = std::move(line);
        show(last_->text);
        return !last_->is_final();
      }
    } else if (event.name == "missing") {
      note("no such job yet; waiting for it");
    } else if (event.name == "gateway" && event.data.find("\"ok\"") == std::string::npos) {
      note(event.data.find("degraded") != std::string::npos ? "the gateway has lost Redis; waiting"
                                                            : "the gateway asks to connect again");
    }
    return true;
  }

  /// Something about the connection, beside what is known of the job.
  void note(std::string_view text) { show((last_ ? last_->text + "  " : "") + "(" + std::string(text) + ")"); }

  void show(const std::string& text) {
    if (text == shown_)
      return;
    shown_ = text;
    if (screen_.terminal) // back to the start of the line, and clear what is left of the longer one before
      screen_.out << "\r" << fitted(text, screen_.columns > 1 ? screen_.columns - 1 : 0) << "\x1b[K" << std::flush;
    else
      screen_.out << text << "\n" << std::flush;
  }

  int end(int code) {
    if (screen_.terminal && !shown_.empty())
      screen_.out << "\n";
    return code;
  }

  const fetch_request& request_;
  const watch_screen& screen_;
  std::ostream& errors_;
  sse_reader reader_;
  std::optional<job_line> last_;
  std::string shown_;
};

} // namespace

int watch(const std::string& url, const std::string& id, const watch_screen& screen, std::ostream& errors) {
  fetch_request request;
  request.headers.emplace_back("Accept", "text/event-stream");
  request.patience = silence;
  if (!job::is_job_id(id)) {
    errors << "jobcast: a job id is " << job::job_id_rule << "\n";
    return 2;
  }
  if (!aim(request, url, "/api/jobs/" + id + "/events")) {
    errors << "jobcast: " << url << " is no URL such as " << default_url << "\n";
    return 2;
  }
  return watcher(request, screen, errors).run();
}

} // namespace jobcast::app
