// The subcommands beside serve and check. Each blocks and answers the exit code of the program.
#pragma once

#include "jobcast/base/settings.hpp"

#include <iosfwd>
#include <string>
#include <vector>

namespace jobcast::app {

inline constexpr auto default_url = "http://127.0.0.1:8080";

/// `jobcast report`: one report from "field=value" texts, named as in docs/functions.md; `result` takes JSON. The
/// answer goes to `out` as one line of JSON. 0 if the gateway took it, 2 if the arguments cannot be meant, 1 for
/// anything else, such as a report that was ignored because the job is over.
int report(const std::string& url, const std::string& id, const std::vector<std::string>& fields, std::ostream& out,
           std::ostream& errors);

struct watch_screen {
  std::ostream& out;
  bool terminal = false;    ///< redraw one line, instead of a line for each change
  std::size_t columns = 80; ///< of the terminal
};

/// `jobcast watch`: a progress bar until the job is final, reconnecting where the stream left off. 0 if it is done, 1
/// if it failed or was cancelled, or the gateway cannot be reached at first or refuses, 2 if the arguments cannot be
/// meant.
int watch(const std::string& url, const std::string& id, const watch_screen& screen, std::ostream& errors);

/// Who a token is for, and how it is signed.
struct token_request {
  std::string sub, tenant;
  std::vector<std::string> jobs, scopes;
  milliseconds ttl{3'600'000};
  std::string kid;      ///< of the configured HS256 key; empty: auth.secret. With key_file, what the token is to name
  std::string key_file; ///< a private key in PEM, instead
  std::string algorithm = "ES256"; ///< of key_file
};

/// `jobcast token`: prints a signed token. 0, or 2 if the arguments cannot be meant or there is no key.
int token(const settings& config, const token_request& asked, std::ostream& out, std::ostream& errors);

/// `jobcast key`: prints a new API key and what to configure for it. 0, or 2 if the configuration takes no such name.
int key(const std::string& name, std::ostream& out, std::ostream& errors);
/// The same for /metrics.
void metrics_key(std::ostream& out);

/// `jobcast refused`: reports that were refused, newest first, a line each: time, job, field, reason. 0 if Redis
/// answered, 1 if it cannot be asked, 2 if the configuration names no port to ask it on.
int refused(const settings& config, std::ostream& out, std::ostream& errors);

enum class notify_action { list, replay, drop };

/// `jobcast notify`: the notifier's dead letters. `ids` names those to replay or drop; none means all. 0 if Redis took
/// it, 1 if Redis did not answer or a name is no dead letter, 2 if the configuration names no port to ask Redis on.
int notify(const settings& config, notify_action what, const std::vector<std::string>& ids, std::ostream& out,
           std::ostream& errors);

} // namespace jobcast::app
