#include "config_keys.hpp"

#include "config_checks.hpp"

#include <array>

namespace jobcast::app {

namespace {

constexpr double KiB = 1024, MiB = 1024 * KiB;

constexpr std::array<std::string_view, 4> log_levels{"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 3> stall_actions{"flag", "fail", "retry"};
constexpr std::array<std::string_view, 2> severities{"low", "high"};

template <auto Group, auto Member>
target in(settings& values) {
  return &(values.*Group.*Member);
}
template <auto Group, auto Member>
target bytes_in(settings& values) {
  return byte_size{&(values.*Group.*Member)};
}

using row = config_key<settings>;

constexpr auto server = &settings::server;
const row server_rows[] = {
    {"listen",
     "Host and port to serve on. Without keys in [auth], this machine only.",
     in<server, &server_settings::listen>,
     {.check = check_listen}},
    {"reactors",
     "Threads that serve connections; 0: one per core.",
     in<server, &server_settings::reactors>,
     {.max = 1024}},
    {"io_uring", "Send to many streams in one system call, where the kernel allows it (io_uring).",
     in<server, &server_settings::io_uring>},
    {"data_dir",
     "Folder of the private Redis. Unused with redis.url.",
     in<server, &server_settings::data_dir>,
     {.check = check_not_empty}},
    {"drain_timeout",
     "After SIGTERM, how long streams and requests may take to end.",
     in<server, &server_settings::drain_timeout>,
     {.max = 10 * minute}},
    {"log_level",
     "The least severe lines that are logged.",
     in<server, &server_settings::log_level>,
     {.choices = log_levels}},
    {"tls_certificate", "Certificate chain, a PEM file, to serve HTTPS; empty: plain HTTP. Read again on SIGHUP.",
     in<server, &server_settings::tls_certificate>},
    {"tls_key", "Its private key, a PEM file.", in<server, &server_settings::tls_key>},
    {"trusted_proxies",
     "Addresses or networks, such as \"10.0.0.0/8\", of proxies whose X-Forwarded-For tells who asks.",
     in<server, &server_settings::trusted_proxies>,
     {.check = check_network}},
};

constexpr auto redis = &settings::redis;
const row redis_rows[] = {
    {"url",
     "redis://[user:password@]host[:port][/db], rediss:// for TLS, or unix:///path; empty: a private redis-server.",
     in<redis, &redis_settings::url>,
     {.check = check_redis_url}},
    {"tls_ca",
     "Of rediss://: what must have signed the server's certificate, a PEM file; empty: what the system trusts.",
     in<redis, &redis_settings::tls_ca>},
    {"tls_certificate", "Of rediss://: our certificate, a PEM file, if the server wants one.",
     in<redis, &redis_settings::tls_certificate>},
    {"tls_key", "Of rediss://: its private key, a PEM file.", in<redis, &redis_settings::tls_key>},
    {"namespace", "What all keys and channels begin with.", in<redis, &redis_settings::ns>, {.check = check_namespace}},
    {"embedded_port",
     "Port of the private Redis on 127.0.0.1, for workers; 0: none.",
     in<redis, &redis_settings::embedded_port>,
     {.max = 65535}},
};

constexpr auto limits = &settings::limits;
const row limit_rows[] = {
    {"write_timeout",
     "A stream whose socket takes nothing for this long is closed.",
     in<limits, &limit_settings::write_timeout>,
     {.min = second, .max = hour}},
    {"send_buffer",
     "Kernel send buffer of a stream: more holds stale updates for a stalled client.",
     bytes_in<limits, &limit_settings::send_buffer>,
     {.min = 4 * KiB, .max = 16 * MiB}},
    {"jobs_per_stream",
     "Jobs one stream may watch by id.",
     in<limits, &limit_settings::jobs_per_stream>,
     {.min = 1, .max = 10'000}},
    {"outbox",
     "Unsent bytes that a watcher of every version may hold.",
     bytes_in<limits, &limit_settings::outbox>,
     {.min = 16 * KiB, .max = 64 * MiB}},
    {"feed_backlog",
     "Most unsent jobs before a slow owner stream is closed; 64 times outbox is the most unsent bytes.",
     in<limits, &limit_settings::feed_backlog>,
     {.min = 100, .max = million}},
    {"resume_overlap",
     "How far back a resumed stream of several jobs is repeated; 0s: write_timeout and 60s.",
     in<limits, &limit_settings::resume_overlap>,
     {.max = day}},
    {"heartbeat",
     "Pause after which an idle stream is sent a heartbeat.",
     in<limits, &limit_settings::heartbeat>,
     {.min = second, .max = 10 * minute}},
    {"linger",
     "How long a job stays watched after its last watcher leaves.",
     in<limits, &limit_settings::linger>,
     {.max = 10 * minute}},
    {"long_poll",
     "Longest wait that Prefer: wait may ask for.",
     in<limits, &limit_settings::long_poll>,
     {.min = second, .max = 10 * minute}},
    {"retry",
     "Delay before an event stream reconnects, jittered to once to twice this.",
     in<limits, &limit_settings::retry>,
     {.min = 100, .max = 5 * minute}},
    {"request_timeout",
     "Time to send a whole request.",
     in<limits, &limit_settings::request_timeout>,
     {.min = second, .max = 10 * minute}},
    {"keep_alive",
     "Idle time between the requests of a connection.",
     in<limits, &limit_settings::keep_alive>,
     {.min = second, .max = hour}},
    {"header", "Largest head of a request.", bytes_in<limits, &limit_settings::header>, {.min = KiB, .max = MiB}},
    {"body", "Largest body of a request.", bytes_in<limits, &limit_settings::body>, {.min = KiB, .max = 64 * MiB}},
    {"bodies",
     "Memory for the bodies of all requests and for all unsent answers in the whole gateway; half for non-publishers.",
     bytes_in<limits, &limit_settings::bodies>,
     {.min = 64 * KiB, .max = 64.0 * 1024 * MiB}},
    {"held_per_client",
     "Of that, memory for one address, and for one viewer. Publishers are exempt.",
     bytes_in<limits, &limit_settings::held_per_client>,
     {.min = 64 * KiB, .max = 64.0 * 1024 * MiB}},
    {"message",
     "Largest WebSocket message of a client, and largest body of who may not publish.",
     bytes_in<limits, &limit_settings::message>,
     {.min = KiB, .max = MiB}},
    {"result",
     "Largest result of a job. Redis does nothing else while one is checked: about 10-20 ms for 64 KiB, 75-300 ms for "
     "1 MiB. "
     "Put larger things into files.",
     bytes_in<limits, &limit_settings::result>,
     {.min = 1, .max = MiB}},
    {"input",
     "Largest input of a job. Costs what a result costs.",
     bytes_in<limits, &limit_settings::input>,
     {.min = 1, .max = MiB}},
    {"batch", "Lines of one POST /api/reports.", in<limits, &limit_settings::batch>, {.min = 1, .max = 100'000}},
    {"connections",
     "Connections of the whole gateway. The limit on open files must allow for them and 100 more.",
     in<limits, &limit_settings::connections>,
     {.min = 1, .max = million}},
    {"reserve",
     "Connections reserved for publishers and operators.",
     in<limits, &limit_settings::reserve>,
     {.max = million}},
    {"connections_per_address",
     "Connections from one address (IPv6: one /64 network).",
     in<limits, &limit_settings::connections_per_address>,
     {.min = 1, .max = million}},
    {"streams_per_owner",
     "Event streams and WebSockets of one viewer: one `sub` of one tenant.",
     in<limits, &limit_settings::streams_per_owner>,
     {.min = 1, .max = million}},
    {"request_rate",
     "Requests a second from one address in the long run, five times that at once. A TLS handshake and reads of many "
     "jobs "
     "count as several. API keys are exempt. 0: any number.",
     in<limits, &limit_settings::request_rate>,
     {.max = million}},
};

constexpr auto jobs = &settings::jobs;
const row job_rows[] = {
    {"create_on_report", "Whether a report for an unknown id creates the job.",
     in<jobs, &job_settings::create_on_report>},
    {"lease",
     "A job is shown as stalled when its worker is silent for this long.",
     in<jobs, &job_settings::lease>,
     {.min = second, .max = 7 * day}},
    {"retention",
     "How long a finished record is kept.",
     in<jobs, &job_settings::retention>,
     {.min = minute, .max = 365 * day}},
    {"abandoned",
     "How long an unfinished record is kept after its last sign of life.",
     in<jobs, &job_settings::abandoned>,
     {.min = minute, .max = 365 * day}},
};

constexpr auto auth = &settings::auth;
const row auth_rows[] = {
    {"secret",
     "Shared with the application that signs viewers' tokens (JWT, HS256): text of 32 bytes or more, never decoded.",
     in<auth, &auth_settings::secret>,
     {.secret = true}},
    {"jwks_file", "Keys of the issuer as a JWK set, a file. Read again on SIGHUP, like all keys.",
     in<auth, &auth_settings::jwks_file>},
    {"issuer", "What `iss` of a token must be; empty: anything.", in<auth, &auth_settings::issuer>},
    {"audience", "What `aud` of a token must hold; empty: only tokens without `aud` are taken.",
     in<auth, &auth_settings::audience>},
    {"leeway", "How far clocks may differ.", in<auth, &auth_settings::leeway>, {.max = 10 * minute}},
    {"cookie",
     "Name of the HttpOnly cookie that may carry a token.",
     in<auth, &auth_settings::cookie>,
     {.check = check_cookie_name}},
    {"link_secrets",
     "Required once there are keys in [auth]: what watch links are signed with, 32 bytes or more each. The first "
     "signs, all "
     "verify. The same on all gateways.",
     in<auth, &auth_settings::link_secrets>,
     {.check = check_secret, .secret = true}},
    {"link_ttl",
     "How long a watch link is good, at most.",
     in<auth, &auth_settings::link_ttl>,
     {.min = second, .max = 30 * day}},
};

const row cors_rows[] = {
    {"origins",
     "Other origins whose pages may call the API, exact, for example \"https://app.example.com\".",
     in<&settings::cors, &cors_settings::origins>,
     {.check = check_origin}},
};

const row web_rows[] = {
    {"root", "Folder of static files served at /; empty: none.", in<&settings::web, &web_settings::root>},
};

const row metrics_rows[] = {
    {"key",
     "Hash of the key that opens /metrics, as `jobcast key --metrics` prints it; empty: operators' tokens alone.",
     in<&settings::metrics, &metrics_settings::key>,
     {.check = check_metrics_key}},
};

const config_section all_sections[] = {
    {"server", "The program.", server_rows},
    {"redis", "Where the truth is.", redis_rows},
    {"limits", "What one client may cost.", limit_rows},
    {"jobs", "Defaults of all job types.", job_rows},
    {"auth",
     "Who may see and do what (docs/security.md). Without any key everyone may do everything, on this machine only.",
     auth_rows},
    {"notify", "Telling outcomes that nobody saw, by webhook and e-mail. See docs/notifications.md.", notify_keys()},
    {"cors", "Pages of other origins.", cors_rows},
    {"web", "Static files.", web_rows},
    {"metrics", "What Prometheus reads.", metrics_rows},
};

template <auto Member>
target of_type(type_settings& type) {
  if (!(type.*Member))
    (type.*Member).emplace();
  return &*(type.*Member);
}
template <auto Member>
bool has(const type_settings& type) {
  return (type.*Member).has_value();
}
template <auto Member>
target of_backoff(type_settings& type) {
  if (!type.backoff)
    type.backoff.emplace();
  return &(*type.backoff.*Member);
}

const config_key<type_settings> type_rows[] = {
    {"lease",
     "As jobs.lease, for this type.",
     of_type<&type_settings::lease>,
     {.min = second, .max = 7 * day},
     has<&type_settings::lease>,
     "\"60s\""},
    {"grace",
     "How long after `stalled` was shown before on_stall acts.",
     of_type<&type_settings::grace>,
     {.max = 7 * day},
     has<&type_settings::grace>,
     "\"5m\""},
    {"on_stall",
     "What becomes of a stalled job. With grace alone: retry if max_attempts is above 1, else fail.",
     of_type<&type_settings::on_stall>,
     {.choices = stall_actions},
     has<&type_settings::on_stall>,
     "\"flag\""},
    {"start_timeout",
     "A job nobody starts in this time fails, or goes to another worker. With dispatch, 5m if not set.",
     of_type<&type_settings::start_timeout>,
     {.min = second, .max = 30 * day},
     has<&type_settings::start_timeout>,
     "\"5m\""},
    {"max_attempts",
     "How often a job is tried; 1 if not set.",
     of_type<&type_settings::max_attempts>,
     {.min = 1, .max = 1000},
     has<&type_settings::max_attempts>,
     "3"},
    {"backoff.base",
     "Pause before the second attempt.",
     of_backoff<&backoff_settings::base>,
     {.max = day},
     has<&type_settings::backoff>,
     "\"5s\""},
    {"backoff.factor",
     "What each further pause is multiplied by.",
     of_backoff<&backoff_settings::factor>,
     {.min = 1, .max = 100},
     has<&type_settings::backoff>,
     "2.0"},
    {"backoff.cap",
     "The longest pause.",
     of_backoff<&backoff_settings::cap>,
     {.max = 7 * day},
     has<&type_settings::backoff>,
     "\"10m\""},
    {"dispatch",
     "Whether created jobs are put on the work stream of their type.",
     of_type<&type_settings::dispatch>,
     {},
     has<&type_settings::dispatch>,
     "true"},
    {"user_retry",
     "Whether viewers are offered to retry a failed job. Not set: with dispatch; and created jobs while a consumer "
     "group "
     "reads the stream <namespace>:commands.",
     of_type<&type_settings::user_retry>,
     {},
     has<&type_settings::user_retry>,
     "true"},
};

template <class Owner, auto Member>
target of(Owner& owner) {
  return &(owner.*Member);
}
template <class Owner, auto Member>
bool is_set(const Owner& owner) {
  return !(owner.*Member).empty();
}

constexpr std::array<std::string_view, 4> algorithms{"HS256", "RS256", "ES256", "EdDSA"};
using key_settings = auth_key_settings;
const config_key<key_settings> auth_key_rows[] = {
    {"algorithm",
     "The only algorithm this key is used with.",
     of<key_settings, &key_settings::algorithm>,
     {.choices = algorithms},
     is_set<key_settings, &key_settings::algorithm>,
     "\"HS256\""},
    {"secret",
     "Of HS256: 32 bytes or more.",
     of<key_settings, &key_settings::secret>,
     {.secret = true},
     is_set<key_settings, &key_settings::secret>,
     "\"what `openssl rand -base64 32` prints\""},
    {"file",
     "Of the others: the public key, a PEM file.",
     of<key_settings, &key_settings::file>,
     {},
     is_set<key_settings, &key_settings::file>,
     "\"\""},
};

const config_key<publisher_settings> publisher_rows[] = {
    {"hashes",
     "Of its API keys, as `jobcast key` prints them; two while one replaces the other.",
     of<publisher_settings, &publisher_settings::hashes>,
     {.check = check_key_hash},
     is_set<publisher_settings, &publisher_settings::hashes>,
     "[\"sha256:0000000000000000000000000000000000000000000000000000000000000000\"]"},
    {"types",
     "The only job types it may publish; left out: all.",
     of<publisher_settings, &publisher_settings::types>,
     {.check = check_type_name},
     is_set<publisher_settings, &publisher_settings::types>,
     "[\"invoice\"]"},
};

const config_table<type_settings> types{
    "jobs",
    "types",
    "Types of jobs: one table each, with what differs from the defaults above. The values here are examples.",
    "report.pdf",
    [](settings& s) -> std::map<std::string, type_settings>& { return s.jobs.types; },
    type_rows};
const config_table<auth_key_settings> auth_keys{
    "auth",
    "keys",
    "Further keys that tokens are signed with: one table each, named by `kid`. The values here are examples.",
    "2026-01",
    [](settings& s) -> std::map<std::string, auth_key_settings>& { return s.auth.keys; },
    auth_key_rows};
const config_table<publisher_settings> publishers{
    "auth",
    "publishers",
    "Applications and workers that publish with an API key: one table each. The values here are examples.",
    "billing",
    [](settings& s) -> std::map<std::string, publisher_settings>& { return s.auth.publishers; },
    publisher_rows};

template <auto Member>
target of_failure(failure_settings& failure) {
  if (!(failure.*Member))
    (failure.*Member).emplace();
  return &*(failure.*Member);
}
template <auto Member>
bool says(const failure_settings& failure) {
  return (failure.*Member).has_value();
}

const config_key<failure_settings> failure_rows[] = {
    {"title",
     "What failed, in a line.",
     of_failure<&failure_settings::title>,
     {.check = check_title},
     says<&failure_settings::title>,
     "\"The shop's database did not answer\""},
    {"detail",
     "The particulars.",
     of_failure<&failure_settings::detail>,
     {.check = check_paragraph},
     says<&failure_settings::detail>,
     "\"Nothing was charged.\""},
    {"action",
     "What to do next.",
     of_failure<&failure_settings::action>,
     {.check = check_paragraph},
     says<&failure_settings::action>,
     "\"Try again in a few minutes.\""},
    {"link",
     "Where to do it or read about it: an http or https address, or a path.",
     of_failure<&failure_settings::link>,
     {.check = check_link},
     says<&failure_settings::link>,
     "\"/help/database\""},
    {"severity",
     "A notice that can be dismissed, or one that stays until somebody acts.",
     of_failure<&failure_settings::severity>,
     {.choices = severities},
     says<&failure_settings::severity>,
     "\"low\""},
};

} // namespace

std::span<const config_key<failure_settings>> failure_keys() {
  return failure_rows;
}
std::span<const config_section> config_sections() {
  return all_sections;
}
const config_table<type_settings>& type_table() {
  return types;
}
const config_table<auth_key_settings>& auth_key_table() {
  return auth_keys;
}
const config_table<publisher_settings>& publisher_table() {
  return publishers;
}

} // namespace jobcast::app
