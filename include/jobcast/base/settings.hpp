// Every configurable value with its default. Plain data: reading and checking it is app/config's work, and rooms
// take only the group they need. Documented for users in config/jobcast.toml.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace jobcast {

using std::chrono::milliseconds;

struct server_settings {
  std::string listen = "127.0.0.1:8080";
  unsigned reactors = 0; ///< 0: one per core
  bool io_uring = false; ///< many sends in one system call
  std::string data_dir = "jobcast-data";
  milliseconds drain_timeout{10'000};
  std::string log_level = "info";
  std::string tls_certificate;              ///< PEM file, the chain included; empty: plain HTTP
  std::string tls_key;                      ///< PEM file
  std::vector<std::string> trusted_proxies; ///< addresses or networks whose X-Forwarded-For is believed
};

struct redis_settings {
  std::string url;    ///< redis[s]://[user:password@]host[:port][/db] or unix:///path; empty: a private child server
  std::string tls_ca; ///< PEM file; empty: what the system trusts
  std::string tls_certificate; ///< PEM file, for a server that wants to know us
  std::string tls_key;
  std::string ns = "jobcast";         ///< `redis.namespace`
  std::uint16_t embedded_port = 6390; ///< loopback port of the private server, for workers; 0: none
};

struct limit_settings {
  milliseconds write_timeout{120'000}; ///< a stream whose socket takes nothing for this long is closed
  std::size_t send_buffer = 16 * 1024; ///< SO_SNDBUF of streams, bytes
  std::size_t jobs_per_stream = 200;
  std::size_t outbox = 256 * 1024;   ///< unsent bytes one watcher of every version (or of outcomes) may hold
  std::size_t feed_backlog = 10'000; ///< jobs a slow watcher of an owner may lag behind
  milliseconds resume_overlap{0};    ///< 0: write_timeout + 60 s
  milliseconds heartbeat{15'000};
  milliseconds linger{5'000};           ///< how long a watch outlives its last watcher
  milliseconds long_poll{60'000};       ///< cap of Prefer: wait
  milliseconds retry{2'000};            ///< `retry:` told to event streams, jittered to 1-2 times this
  milliseconds request_timeout{10'000}; ///< to send a whole request
  milliseconds keep_alive{75'000};      ///< idle connection between requests
  std::size_t header = 16 * 1024;
  std::size_t body = 1024 * 1024;
  std::size_t bodies = 64 * 1024 * 1024;         ///< bytes of bodies, messages and answers held in the whole gateway
  std::size_t held_per_client = 8 * 1024 * 1024; ///< of them, for one address or viewer
  std::size_t message = 64 * 1024;               ///< one WebSocket message of a client
  std::size_t result = 64 * 1024;
  std::size_t input = 64 * 1024;
  std::size_t batch = 1'000;        ///< lines of one POST /api/reports
  std::size_t connections = 18'000; ///< of the whole gateway
  std::size_t reserve = 100;        ///< of them, those that only publishers and operators get
  std::size_t connections_per_address = 2'000;
  std::size_t streams_per_owner = 100;
  unsigned request_rate = 200; ///< requests a second from one address, in the long run; 0: any number
};

struct backoff_settings {
  milliseconds base{5'000};
  double factor = 2.0;
  milliseconds cap{600'000};
};

/// `[jobs.failures."<code>"]`: what viewers are told of a failure. What is unset stays as the worker said it.
struct failure_settings {
  std::optional<std::string> title, detail, action, link;
  std::optional<std::string> severity; ///< low or high
};
/// By error code, or by a pattern in which `*` stands for any text.
using failure_catalogue = std::map<std::string, failure_settings>;

/// `[jobs.types."<type>"]`; what is unset falls back to `[jobs]`.
struct type_settings {
  std::optional<milliseconds> lease;
  std::optional<milliseconds> grace;
  std::optional<std::string> on_stall; ///< flag, fail or retry
  std::optional<milliseconds> start_timeout;
  std::optional<unsigned> max_attempts;
  std::optional<backoff_settings> backoff;
  std::optional<bool> dispatch;
  std::optional<bool> user_retry;
  failure_catalogue failures; ///< looked at before that of all types
};

struct job_settings {
  bool create_on_report = true;
  milliseconds lease{60'000};
  milliseconds retention{24LL * 3600 * 1000};
  milliseconds abandoned{7LL * 24 * 3600 * 1000};
  failure_catalogue failures; ///< of all types
  std::map<std::string, type_settings> types;
};

/// `[auth.keys."<kid>"]`
struct auth_key_settings {
  std::string algorithm = "HS256";
  std::string secret; ///< of HS256
  std::string file;   ///< PEM, of the others
};

/// `[auth.publishers."<name>"]`
struct publisher_settings {
  std::vector<std::string> hashes; ///< sha256:<hex> of its API keys
  std::vector<std::string> types;  ///< the only ones it may publish; empty: all
};

struct auth_settings {
  std::string secret; ///< HS256, of tokens without a kid
  std::map<std::string, auth_key_settings> keys;
  std::string jwks_file;
  std::string issuer, audience;
  milliseconds leeway{30'000};
  std::string cookie = "jobcast_token";
  std::vector<std::string> link_secrets; ///< the first signs, all verify
  milliseconds link_ttl{900'000};
  std::map<std::string, publisher_settings> publishers;

  bool enabled() const { return !secret.empty() || !keys.empty() || !jwks_file.empty() || !publishers.empty(); }
};

/// `[notify.webhooks.<name>]`
struct webhook_settings {
  std::string url;
  std::vector<std::string> secrets; ///< `whsec_<base64>`; each signs, so that a receiver may move from one to the next
};

/// `[notify.templates."<type>"]`; what is empty is taken from `default`, then from the program.
struct template_settings {
  std::string subject, text, html;
};

struct notify_settings {
  milliseconds grace{60'000}; ///< how long an outcome may go unseen before it is told
  std::vector<milliseconds> schedule{milliseconds(5'000),      milliseconds(300'000),    milliseconds(1'800'000),
                                     milliseconds(7'200'000),  milliseconds(18'000'000), milliseconds(36'000'000),
                                     milliseconds(50'400'000), milliseconds(72'000'000), milliseconds(86'400'000)};
  milliseconds timeout{20'000};            ///< of one try
  unsigned concurrency = 16;               ///< tries at once per channel and gateway
  unsigned dead_letters = 10'000;          ///< how many are kept
  unsigned waiting = 1'000'000;            ///< how many may wait per channel
  std::vector<std::string> allow_internal; ///< networks: internal addresses that webhooks may reach
  std::vector<std::string> secrets;        ///< sign webhooks that jobs name; none: jobs may name none
  std::string ca_file;                     ///< PEM; empty: the system's
  std::string smtp_url;                    ///< smtp://host[:port] or smtps://...; empty: no e-mail
  std::string smtp_tls = "required";       ///< required, opportunistic or off
  std::string smtp_user, smtp_password;
  std::string from; ///< "name@example.com" or "Name <name@example.com>"
  std::map<std::string, webhook_settings> webhooks;
  std::map<std::string, template_settings> templates;
};

struct cors_settings {
  std::vector<std::string> origins; ///< exact, e.g. "https://app.example.com"
};

struct web_settings {
  std::string root; ///< folder served at `/`; empty: none
};

struct metrics_settings {
  std::string key; ///< sha256:<hex> of the key that opens /metrics; empty: none
};

struct settings {
  server_settings server;
  redis_settings redis;
  limit_settings limits;
  job_settings jobs;
  auth_settings auth;
  notify_settings notify;
  cors_settings cors;
  web_settings web;
  metrics_settings metrics;
};

} // namespace jobcast
