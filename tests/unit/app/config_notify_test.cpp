#include "jobcast/app/config.hpp"

#include <doctest/doctest.h>

using namespace jobcast;
using namespace jobcast::app;
using namespace std::chrono_literals;

namespace {

config_errors errors_of(std::string_view toml) {
  const auto result = parse_settings(toml, "jobcast.toml", {});
  return result ? config_errors{} : result.error();
}

std::string error_of(std::string_view toml) {
  const auto errors = errors_of(toml);
  REQUIRE(errors.size() == 1);
  return errors.front();
}

constexpr std::string_view everything = R"(
  [notify]
  grace = "5s"
  schedule = ["1s", "2m"]
  allow_internal = ["10.0.0.0/8"]
  secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
  smtp_url = "smtp://mail.example.com:587"
  smtp_user = "jobcast"
  smtp_password = "pass-word"
  from = "Jobs <jobs@example.com>"
  [notify.webhooks.shop]
  url = "http://10.1.2.3/hook"
  secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3"]
  [notify.templates."report.pdf"]
  subject = "Report {{id}}"
)";

} // namespace

TEST_CASE("webhooks and templates are tables by name, the schedule a list of durations") {
  const auto loaded = parse_settings(everything, "jobcast.toml", {});
  REQUIRE(loaded.has_value());
  const auto& notify = loaded->notify;
  CHECK(notify.grace == 5s);
  CHECK(notify.schedule == std::vector<milliseconds>{1s, 2min});
  CHECK(notify.webhooks.at("shop").url == "http://10.1.2.3/hook");
  CHECK(notify.webhooks.at("shop").secrets.size() == 2);
  CHECK(notify.templates.at("report.pdf").subject == "Report {{id}}");
}

TEST_CASE("the schedule may come from the environment, and be empty") {
  const std::vector<std::string_view> some{"JOBCAST_NOTIFY_SCHEDULE=10ms, 1s"}, none{"JOBCAST_NOTIFY_SCHEDULE="};
  CHECK(parse_settings("", "", some)->notify.schedule == std::vector<milliseconds>{10ms, 1s});
  CHECK(parse_settings("", "", none)->notify.schedule.empty());
}

TEST_CASE("the effective config shows no secret of [notify] and reads as it was meant") {
  const auto text = effective_config(*parse_settings(everything, "jobcast.toml", {}));
  CHECK(text.find("MfKQ") == std::string::npos);
  CHECK(text.find("bmV3") == std::string::npos);
  CHECK(text.find("pass-word") == std::string::npos);
  CHECK(text.find("schedule = [\"1s\", \"2m\"]\n") != std::string::npos);
  CHECK(text.find("[notify.webhooks.\"shop\"]\nurl = \"http://10.1.2.3/hook\"\nsecrets = [\"***\", \"***\"]\n") !=
        std::string::npos);
  CHECK(text.find("[notify.templates.\"report.pdf\"]\nsubject = \"Report {{id}}\"\n") != std::string::npos);
}

TEST_CASE("what is wrong with a webhook is named") {
  CHECK(
      error_of("[notify]\nwebhooks = \"https://example.com\"").find("must be a table: [notify.webhooks.\"<name>\"]") !=
      std::string::npos);
  CHECK(error_of("[notify.webhooks.\"a b\"]").find("is no name") != std::string::npos);
  CHECK(errors_of("[notify.webhooks.shop]").size() == 2);
  CHECK(error_of("[notify.webhooks.shop]\nurl = \"https://example.com\"").find("lacks secrets") != std::string::npos);
  CHECK(error_of("[notify.webhooks.shop]\nuri = \"https://example.com\"").find("uri is no key; keys of") !=
        std::string::npos);
  const std::string secrets = "secrets = [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]\n";
  CHECK(error_of("[notify.webhooks.shop]\n" + secrets + "url = \"http://127.0.0.1/\"").find("notify.allow_internal") !=
        std::string::npos);
  CHECK(error_of("[notify.webhooks.shop]\n" + secrets + "url = \"mailto:a@example.com\"").find("http or https") !=
        std::string::npos);
}

TEST_CASE("a secret that is none is refused without being repeated") {
  const auto error = error_of("[notify]\nsecrets = [\"whsec_hunter2\"]");
  CHECK(error.find("whsec_<base64 of 24 to 64 bytes>") != std::string::npos);
  CHECK(error.find("hunter2") == std::string::npos);
}

TEST_CASE("other values of [notify] are checked for their form") {
  CHECK(error_of("[notify]\nschedule = [\"5\"]").find("must be a list of durations") != std::string::npos);
  CHECK(error_of("[notify]\nschedule = \"5s\"").find("must be a list of durations") != std::string::npos);
  CHECK(error_of("[notify]\nallow_internal = [\"localhost\"]").find("must list addresses or networks") !=
        std::string::npos);
  CHECK(error_of("[notify]\nsmtp_url = \"mail.example.com\"").find("must be smtp://host[:port]") != std::string::npos);
  CHECK(error_of("[notify]\nsmtp_url = \"smtp://user:hunter2@mail\"").find("hunter2") == std::string::npos);
  CHECK(error_of("[notify]\nsmtp_url = \"smtp://mail\"").find("notify.from must be set") != std::string::npos);
  CHECK(error_of("[notify]\ngrace = \"2d\"").find("must be shorter than jobs.retention") != std::string::npos);
  CHECK(error_of("[notify]\nsmtp_tls = \"yes\"").find("required, opportunistic, off") != std::string::npos);
  CHECK(error_of("[notify]\nfrom = \"Jobs\"").find("must be an address") != std::string::npos);
  CHECK(error_of("[notify.templates.default]\ntext = \"{{#done}}\"").find("text lacks {{/done}}") != std::string::npos);
}
