#include "config_keys.hpp"

#include "config_checks.hpp"

#include <array>

namespace jobcast::app {

namespace {

constexpr double second = 1'000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
constexpr double KiB = 1024, MiB = 1024 * KiB;
constexpr double million = 1'000'000;

constexpr std::array<std::string_view, 4> log_levels{"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 3> stall_actions{"flag", "fail", "retry"};

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
     "Host and port to serve on. This machine only, since viewers are not authenticated.",
     in<server, &server_settings::listen>,
     {.check = check_listen}},
    {"reactors",
     "Threads that serve connections; 0: one per core.",
     in<server, &server_settings::reactors>,
     {.max = 1024}},
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
};

constexpr auto redis = &settings::redis;
const row redis_rows[] = {
    {"url",
     "redis://[user:password@]host[:port][/db] or unix:///path; empty: a private redis-server is started.",
     in<redis, &redis_settings::url>,
     {.check = check_redis_url}},
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
     "Jobs that a slow watcher of an owner may lag behind.",
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
    {"message",
     "Largest WebSocket message of a client.",
     bytes_in<limits, &limit_settings::message>,
     {.min = KiB, .max = MiB}},
    {"result", "Largest result of a job.", bytes_in<limits, &limit_settings::result>, {.min = 1, .max = 16 * MiB}},
    {"input", "Largest input of a job.", bytes_in<limits, &limit_settings::input>, {.min = 1, .max = 16 * MiB}},
    {"batch", "Lines of one POST /api/reports.", in<limits, &limit_settings::batch>, {.min = 1, .max = 100'000}},
    {"connections",
     "Connections of the whole gateway.",
     in<limits, &limit_settings::connections>,
     {.min = 1, .max = million}},
};

constexpr auto jobs = &settings::jobs;
const row job_rows[] = {
    {"create_on_report", "Whether a report for an unknown id creates the job.",
     in<jobs, &job_settings::create_on_report>},
    {"lease",
     "How long a worker's silence is believed before the job is shown as stalled.",
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

const row cors_rows[] = {
    {"origins",
     "Other origins whose pages may call the API, exact, for example \"https://app.example.com\".",
     in<&settings::cors, &cors_settings::origins>,
     {.check = check_origin}},
};

const row web_rows[] = {
    {"root", "Folder of static files served at /; empty: none.", in<&settings::web, &web_settings::root>},
};

const config_section all_sections[] = {
    {"server", "The program.", server_rows},
    {"redis", "Where the truth is.", redis_rows},
    {"limits", "What one client may cost.", limit_rows},
    {"jobs", "Defaults of all job types.", job_rows},
    {"notify", "Telling outcomes that nobody saw, by webhook and e-mail. See docs/notifications.md.", notify_keys()},
    {"cors", "Pages of other origins.", cors_rows},
    {"web", "Static files.", web_rows},
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
     "A job nobody starts in this time fails.",
     of_type<&type_settings::start_timeout>,
     {.min = second, .max = 30 * day},
     has<&type_settings::start_timeout>,
     "\"5m\""},
    {"max_attempts",
     "How often a job is tried.",
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
     "Whether viewers are offered to retry a failed job.",
     of_type<&type_settings::user_retry>,
     {},
     has<&type_settings::user_retry>,
     "true"},
};

} // namespace

std::span<const config_section> config_sections() {
  return all_sections;
}
std::span<const config_key<type_settings>> type_keys() {
  return type_rows;
}

} // namespace jobcast::app
