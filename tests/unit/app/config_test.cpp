#include "jobcast/app/config.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <iterator>

using namespace jobcast;
using namespace jobcast::app;
using namespace std::chrono_literals;
using variables = std::vector<std::string_view>;

namespace {

settings loaded(std::string_view toml, const variables& environment = {}) {
  const auto result = parse_settings(toml, "jobcast.toml", environment);
  if (!result)
    FAIL(result.error().front());
  return *result;
}

config_errors errors_of(std::string_view toml, const variables& environment = {}) {
  const auto result = parse_settings(toml, "jobcast.toml", environment);
  return result ? config_errors{} : result.error();
}

std::string error_of(std::string_view toml, const variables& environment = {}) {
  const auto errors = errors_of(toml, environment);
  REQUIRE(errors.size() == 1);
  return errors.front();
}

/// config/jobcast.toml, read from the source tree.
std::string documented_file() {
  std::ifstream file(JOBCAST_SOURCE_DIR "/config/jobcast.toml");
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Takes away the # in front of every key and table.
std::string with_keys_uncommented(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (const bool line_start = i == 0 || text[i - 1] == '\n';
        !line_start || text[i] != '#' || text[i + 1] == ' ' || text[i + 1] == '\n')
      out += text[i];
  return out;
}

} // namespace

TEST_CASE("without a file and variables every setting has its default") {
  const auto values = loaded("");
  CHECK(values.server.listen == "127.0.0.1:8080");
  CHECK(values.redis.ns == "jobcast");
  CHECK(values.limits.write_timeout == 120s);
  CHECK(effective_config(values) == effective_config(settings{}));
}

TEST_CASE("a file sets keys by section") {
  const auto values = loaded(R"(
    [server]
    listen = "[::1]:9000"
    reactors = 2
    [redis]
    url = "unix:///run/redis.sock"
    namespace = "shop"
    [limits]
    heartbeat = "5s"
    body = "2MiB"
    header = 8192
    [jobs]
    create_on_report = false
    retention = "48h"
    [cors]
    origins = ["https://app.example.com", "http://localhost:5173"]
  )");
  CHECK(values.server.listen == "[::1]:9000");
  CHECK(values.server.reactors == 2);
  CHECK(values.redis.url == "unix:///run/redis.sock");
  CHECK(values.redis.ns == "shop");
  CHECK(values.limits.heartbeat == 5s);
  CHECK(values.limits.body == 2 * 1024 * 1024);
  CHECK(values.limits.header == 8192);
  CHECK_FALSE(values.jobs.create_on_report);
  CHECK(values.jobs.retention == 48h);
  CHECK(values.cors.origins == std::vector<std::string>{"https://app.example.com", "http://localhost:5173"});
}

TEST_CASE("durations are read in every unit") {
  const auto lease = [](const std::string& text) { return loaded("[jobs]\nlease = \"" + text + "\"").jobs.lease; };
  CHECK(lease("1500ms") == 1500ms);
  CHECK(lease("60s") == 60s);
  CHECK(lease("5m") == 5min);
  CHECK(lease("24h") == 24h);
  CHECK(lease("7d") == 168h);
}

TEST_CASE("what is no duration is refused with what is accepted") {
  for (const std::string value :
       {"60", "\"60\"", "\"\"", "\"s\"", "\"-1s\"", "\"1.5s\"", "\"1 s\"", "\"1h30m\"", "\"5S\"",
        "\"99999999999999999999s\"", "true", "1.5", "[]", "{ a = 1 }", "1979-05-27"}) {
    CAPTURE(value);
    CHECK(error_of("[jobs]\nlease = " + value)
              .starts_with(
                  "jobcast.toml:2: jobs.lease must be a duration such as \"60s\" (ms, s, m, h, d), from 1s to 7d"));
  }
}

TEST_CASE("a value out of range is refused with the range") {
  CHECK(error_of("[redis]\nembedded_port = 65536") ==
        "jobcast.toml:2: redis.embedded_port must be a whole number, from 0 to 65535");
  CHECK(error_of("[server]\nreactors = -1") ==
        "jobcast.toml:2: server.reactors must be a whole number, from 0 to 1024");
  CHECK(error_of("[limits]\nbody = \"1B\"") ==
        "jobcast.toml:2: limits.body must be bytes or a size such as \"64KiB\", from 1KiB to 64MiB");
  CHECK(error_of("[limits]\nbody = \"64KB\"").find("such as \"64KiB\"") != std::string::npos);
  CHECK(error_of("[server]\nlog_level = \"loud\"") ==
        "jobcast.toml:2: server.log_level must be one of debug, info, warning, error");
}

TEST_CASE("unknown sections and keys are refused with the known ones") {
  CHECK(error_of("\n[sever]\nlisten = \"127.0.0.1:1\"") == "jobcast.toml:2: sever is no section; sections are server, "
                                                           "redis, limits, jobs, auth, notify, cors, web, metrics");
  CHECK(error_of("[redis]\n\nuri = \"\"") == "jobcast.toml:3: redis.uri is no key; keys of [redis] are url, tls_ca, "
                                             "tls_certificate, tls_key, namespace, embedded_port");
  CHECK(error_of("listen = \"127.0.0.1:1\"").starts_with("jobcast.toml:1: listen is no section"));
  CHECK(error_of("\"server.listen\" = 1").starts_with("jobcast.toml:1: server.listen is no section"));
  CHECK(error_of("server = 5") == "jobcast.toml:1: server must be a section: [server]");
  CHECK(error_of("[server.listen]\nhost = 1") == "jobcast.toml:1: server.listen must be text, not a table");
}

TEST_CASE("all errors are told at once, of file and environment") {
  const auto errors =
      errors_of("[server]\nreactors = \"two\"\nlisten = 8080\n[limits]\nbatch = 0", {"JOBCAST_JOBS_LEASE=never"});
  CHECK(errors.size() == 4);
}

TEST_CASE("a file that is no TOML is refused with the line") {
  CHECK(error_of("[server]\nlisten = \n").starts_with("jobcast.toml:2: "));
}

TEST_CASE("variables win over the file") {
  const auto values =
      loaded("[redis]\nurl = \"redis://one\"\n[jobs]\nlease = \"1m\"",
             {"PATH=/bin", "JOBCAST_REDIS_URL=unix:///two?db=3", "JOBCAST_JOBS_LEASE=90s", "JOBCAST_SERVER_REACTORS=3",
              "JOBCAST_LIMITS_BODY=64KiB", "JOBCAST_LIMITS_HEADER=4096", "JOBCAST_JOBS_CREATE_ON_REPORT=false",
              "JOBCAST_CORS_ORIGINS=https://a.example, https://b.example", "JOBCAST_REDIS_NAMESPACE=other"});
  CHECK(values.redis.url == "unix:///two?db=3");
  CHECK(values.redis.ns == "other");
  CHECK(values.jobs.lease == 90s);
  CHECK(values.server.reactors == 3);
  CHECK(values.limits.body == 64 * 1024);
  CHECK(values.limits.header == 4096);
  CHECK_FALSE(values.jobs.create_on_report);
  CHECK(values.cors.origins == std::vector<std::string>{"https://a.example", "https://b.example"});
  CHECK(loaded("[cors]\norigins = [\"https://a.example\"]", {"JOBCAST_CORS_ORIGINS="}).cors.origins.empty());
}

TEST_CASE("a variable that is wrong is named with what is accepted") {
  CHECK(error_of("", {"JOBCAST_SERVER_REACTORS=two"}) ==
        "JOBCAST_SERVER_REACTORS must be a whole number, from 0 to 1024");
  CHECK(error_of("", {"JOBCAST_JOBS_CREATE_ON_REPORT=yes"}) == "JOBCAST_JOBS_CREATE_ON_REPORT must be true or false");
  CHECK(error_of("", {"JOBCAST_REDIS_URI=x"}) == "JOBCAST_REDIS_URI is no variable of jobcast; keys of [redis] are "
                                                 "url, tls_ca, tls_certificate, tls_key, namespace, embedded_port");
}

TEST_CASE("a variable that is misspelt is told, though it names a port") {
  CHECK(error_of("", {"JOBCAST_REDIS_EMBEDED_PORT=1"}).find("JOBCAST_REDIS_EMBEDED_PORT is no variable of jobcast") !=
        std::string::npos);
}

TEST_CASE("variables that Kubernetes sets for services named like us are left alone") {
  CHECK(errors_of("", {"JOBCAST_PORT=tcp://10.0.0.1:80", "JOBCAST_REDIS_SERVICE_HOST=10.0.0.2",
                       "JOBCAST_REDIS_PORT=tcp://10.0.0.2:6379", "JOBCAST_REDIS_PORT_6379_TCP_ADDR=10.0.0.2"})
            .empty());
}

TEST_CASE("a type sets what differs from the defaults") {
  const auto values = loaded(R"(
    [jobs.types."report.pdf"]
    lease = "5m"
    on_stall = "retry"
    max_attempts = 3
    backoff = { base = "1s", factor = 3, cap = "1m" }
    dispatch = true
    [jobs.types.mail]
  )");
  REQUIRE(values.jobs.types.size() == 2);
  const auto& type = values.jobs.types.at("report.pdf");
  CHECK(type.lease == milliseconds(5min));
  CHECK(type.on_stall == "retry");
  CHECK(type.max_attempts == 3u);
  CHECK(type.dispatch == true);
  CHECK_FALSE(type.grace.has_value());
  REQUIRE(type.backoff.has_value());
  CHECK(type.backoff->base == 1s);
  CHECK(type.backoff->factor == 3.0);
  CHECK(type.backoff->cap == 1min);
}

TEST_CASE("what is wrong with a type is named") {
  CHECK(error_of("[jobs.types.\"a b\"]").find("is no name") != std::string::npos);
  CHECK(error_of("[jobs.types]\npdf = 1").find("must be a table") != std::string::npos);
  CHECK(error_of("[jobs]\ntypes = 1").find("must be a table") != std::string::npos);
  CHECK(error_of("[jobs.types.pdf]\non_stall = \"ignore\"") ==
        "jobcast.toml:2: jobs.types.\"pdf\".on_stall must be one of flag, fail, retry");
  CHECK(error_of("[jobs.types.pdf]\nbackoff = \"5s\"").find("backoff = { base") != std::string::npos);
  CHECK(error_of("[jobs.types.pdf]\nbackoff = { bse = \"5s\" }")
            .starts_with(
                "jobcast.toml:2: jobs.types.\"pdf\".backoff.bse is no key; keys of [jobs.types.\"...\"] are lease, "));
  CHECK(error_of("[jobs.types.pdf]\nleese = \"5s\"").find("leese is no key") != std::string::npos);
}

TEST_CASE("what is wrong is told in the order of the lines") {
  const auto errors = errors_of("[server]\nlisten = 5\n[limits]\nbody = \"x\"\n[auth]\nleeway = \"q\"");
  REQUIRE(errors.size() == 3);
  CHECK(errors[0].find(":2: server.listen") != std::string::npos);
  CHECK(errors[1].find(":4: limits.body") != std::string::npos);
  CHECK(errors[2].find(":6: auth.leeway") != std::string::npos);
}

TEST_CASE("without keys only loopback may be listened on") {
  for (const std::string good : {"127.0.0.1:8080", "127.8.9.1:1", "[::1]:8080", "localhost:0"})
    CHECK(errors_of("[server]\nlisten = \"" + good + "\"").empty());
  for (const std::string open : {"0.0.0.0:8080", "[::]:8080", "192.168.1.5:80", "[::ffff:127.0.0.1]:80"}) {
    CAPTURE(open);
    CHECK(error_of("[server]\nlisten = \"" + open + "\"").find("while [auth] has no keys") != std::string::npos);
  }
  for (const std::string odd : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", ":8080",
                                "*:8080", "127.1:80", "127.0.0.1.example.com:80"}) {
    CAPTURE(odd);
    CHECK(error_of("[server]\nlisten = \"" + odd + "\"").find("must be host:port with a port up to 65535") !=
          std::string::npos);
  }
}

TEST_CASE("what viewers are told of a failure is set by code, for all types or one") {
  const auto values = loaded(R"(
    [jobs.failures."PDO*"]
    title = "The database did not answer"
    [jobs.types.import.failures.BAD_ROW]
    action = "Mend the row."
    severity = "high"
  )");
  CHECK(values.jobs.failures.at("PDO*").title == "The database did not answer");
  CHECK(values.jobs.types.at("import").failures.at("BAD_ROW").action == "Mend the row.");
  CHECK(effective_config(loaded(effective_config(values))) == effective_config(values));
  CHECK(error_of("[jobs.failures.A]\nseverity = \"urgent\"").find("low, high") != std::string::npos);
  CHECK(error_of("[jobs.failures.A]\nlink = \"javascript:1\"").find("http") != std::string::npos);
  CHECK(error_of("[jobs.failures.A]\ntitel = \"x\"").find("is no key") != std::string::npos);
}

TEST_CASE("keys are checked for what they need together") {
  const std::string secret = "secret = \"" + std::string(32, 's') + "\"\n";
  const std::string links = "link_secrets = [\"" + std::string(32, 'l') + "\"]\n";
  CHECK(errors_of("[server]\nlisten = \"0.0.0.0:8080\"\n[auth]\n" + secret + links).empty());
  CHECK(error_of("[auth]\n" + secret).find("auth.link_secrets must be set") != std::string::npos);
  CHECK(error_of("[auth]\nsecret = \"short\"\n" + links).find("32 bytes or more") != std::string::npos);
  CHECK(error_of("[auth]\nlink_secrets = [\"short\"]").find("32 bytes or more") != std::string::npos);
  CHECK(error_of("[auth]\n" + links + "[auth.keys.a]\nalgorithm = \"ES256\"").find("must have a file") !=
        std::string::npos);
  CHECK(error_of("[auth]\n" + links + "[auth.keys.a]\nfile = \"a.pem\"").find("must have a secret") !=
        std::string::npos);
  CHECK(error_of("[auth]\n" + links + "[auth.publishers.a]\ntypes = [\"t\"]").find("must list hashes") !=
        std::string::npos);
  CHECK(error_of("[auth.publishers.a]\nhashes = [\"jck_in-the-clear\"]").find("jck_in") == std::string::npos);
  CHECK(error_of("[auth.keys.a]\nalgorithm = \"none\"").find("HS256") != std::string::npos);
  CHECK(error_of("[server]\ntls_key = \"k.pem\"").find("must be set together") != std::string::npos);
  CHECK(error_of("[server]\ntrusted_proxies = [\"10.0.0.0/33\"]").find("networks") != std::string::npos);
}

TEST_CASE("metrics.key is a hash, never the key") {
  std::string const hash = "sha256:" + std::string(64, 'a');
  CHECK(loaded("[metrics]\nkey = \"" + hash + "\"").metrics.key == hash);
  for (const std::string& wrong :
       {std::string("jck_in-the-clear"), std::string("sha256:"), "md5:" + std::string(64, 'a')}) {
    std::string const said = error_of("[metrics]\nkey = \"" + wrong + "\"");
    CHECK(said.find("metrics.key must be a hash as `jobcast key --metrics` prints it") != std::string::npos);
    CHECK(said.find("jck_in") == std::string::npos);
  }
}

TEST_CASE("texts with a form are checked for it") {
  CHECK(error_of("[redis]\nnamespace = \"a*\"").find("must be 1 to 64 of") != std::string::npos);
  CHECK(error_of("[redis]\nurl = \"http://user:secret@x\"").find("secret") == std::string::npos);
  for (const std::string bad :
       {"*", "null", "https://", "https://a/", "https://*.example.com", "a.example", "https://A.example"}) {
    CAPTURE(bad);
    CHECK(error_of("[cors]\norigins = [\"" + bad + "\"]").find("exact origins") != std::string::npos);
  }
}

TEST_CASE("the effective config reads back the same and hides passwords") {
  const std::string_view toml = R"(
    [limits]
    body = 100000
    [jobs.types."a:b"]
    grace = "90s"
    backoff = { factor = 1.5 }
  )";
  const auto text = effective_config(loaded(toml));
  CHECK(effective_config(loaded(text)) == text);
  CHECK(text.find("[jobs.types.\"a:b\"]\ngrace = \"90s\"\nbackoff.base = \"5s\"\nbackoff.factor = 1.5\n") !=
        std::string::npos);

  const auto keys = effective_config(loaded(R"(
    [auth]
    secret = "the one secret that nobody may see"
    link_secrets = ["the other secret that nobody may see"]
    [auth.keys.next]
    secret = "the third secret that nobody may see"
  )"));
  CHECK(keys.find("that nobody may see") == std::string::npos);
  CHECK(keys.find("secret = \"***\"") != std::string::npos);

  const auto secret = effective_config(loaded("[redis]\nurl = \"redis://user:p@ss@host:1/2\""));
  CHECK(secret.find("url = \"redis://***@host:1/2\"") != std::string::npos);
}

TEST_CASE("config/jobcast.toml holds every key with its default") {
  CHECK_MESSAGE(documented_file() == documented_config(),
                "write it anew: jobcast check --defaults > config/jobcast.toml");
}

TEST_CASE("config/jobcast.toml as it is, and with every key uncommented, sets the defaults") {
  CHECK(effective_config(loaded(documented_file())) == effective_config(settings{}));
  auto text = with_keys_uncommented(documented_file());
  // Where there are keys, and there is an example of one, links need a secret.
  const std::string none = "link_secrets = []";
  text.replace(text.find(none), none.size(), "link_secrets = [\"" + std::string(32, 'x') + "\"]");
  auto values = loaded(text);
  REQUIRE(values.jobs.types.count("report.pdf") == 1);
  CHECK(values.jobs.types.at("report.pdf").user_retry == true);
  REQUIRE(values.auth.keys.count("2026-01") == 1);
  REQUIRE(values.auth.publishers.count("billing") == 1);
  CHECK(values.jobs.failures.at("PDO*").severity == "low");
  values.jobs.types.clear();
  CHECK(values.notify.webhooks.count("shop") == 1);
  values.notify.webhooks.clear();
  CHECK(values.notify.templates.at("report.pdf").html == "<p>...</p>");
  values.notify.templates.clear();
  values.jobs.failures.clear();
  values.auth = {};
  CHECK(effective_config(values) == effective_config(settings{}));
}

TEST_CASE("keys that a running gateway does not take over are named when they change") {
  settings running, fresh;
  CHECK(keys_for_restart(running, fresh).empty());
  fresh.limits.heartbeat = milliseconds(1);
  fresh.limits.send_buffer = 8192;
  fresh.server.log_level = "debug";
  fresh.server.trusted_proxies = {"10.0.0.0/8"};
  CHECK(keys_for_restart(running, fresh).empty());
  fresh.server.listen = "[::1]:80";
  fresh.redis.url = "redis://elsewhere";
  CHECK(keys_for_restart(running, fresh) == std::vector<std::string>{"server.listen", "redis.url"});
}

TEST_CASE("a file that cannot be read is an error that names it") {
  const auto missing = load_settings("/nonexistent/jobcast.toml", {});
  REQUIRE(missing.has_error());
  CHECK(missing.error().front().starts_with("/nonexistent/jobcast.toml: cannot be read"));
  CHECK(load_settings("/", {}).has_error());
  CHECK(load_settings(std::nullopt, {}).has_value());
}

TEST_CASE("a whole configuration can be given as text in JOBCAST_CONFIG") {
  const std::string_view text = "JOBCAST_CONFIG=[jobs.types.export]\nlease = \"5m\"\n[limits]\nheartbeat = \"7s\"\n";
  const variables given = {"PATH=/bin", text, "JOBCAST_LIMITS_HEARTBEAT=9s"};
  const auto loaded = load_settings(std::nullopt, given);
  REQUIRE(loaded.has_value());
  CHECK(loaded->jobs.types.at("export").lease == milliseconds(300'000));
  CHECK(loaded->limits.heartbeat == milliseconds(9'000)); // a variable of its own wins
}

TEST_CASE("an error in JOBCAST_CONFIG names it and the line") {
  const variables given = {"JOBCAST_CONFIG=[limits]\nheartbeet = \"7s\"\n"};
  const auto loaded = load_settings(std::nullopt, given);
  REQUIRE(loaded.has_error());
  CHECK(loaded.error().front().starts_with("JOBCAST_CONFIG:2: limits.heartbeet"));
}

TEST_CASE("a path in JOBCAST_CONFIG is told from a configuration") {
  const variables given = {"JOBCAST_CONFIG=/etc/jobcast.toml"};
  const auto loaded = load_settings(std::nullopt, given);
  REQUIRE(loaded.has_error());
  CHECK(loaded.error().front().find("--config") != std::string::npos);
  const variables section = {"JOBCAST_CONFIG=[limits]"};
  CHECK(load_settings(std::nullopt, section).has_value());
}

TEST_CASE("a file beside JOBCAST_CONFIG is an error, since one would be ignored") {
  const variables given = {"JOBCAST_CONFIG=[limits]"};
  const auto both = load_settings("/some/jobcast.toml", given);
  REQUIRE(both.has_error());
  CHECK(both.error().front().find("give one of the two") != std::string::npos);
}
