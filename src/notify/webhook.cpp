#include "jobcast/notify/webhook.hpp"

#include "jobcast/job/job_key.hpp"
#include "jobcast/notify/signature.hpp"

#include <algorithm>
#include <ctime>
#include <curl/curl.h>
#include <fmt/chrono.h>
#include <memory>

namespace jobcast::notify {

namespace {

constexpr std::size_t longest_url = 2000;

/// A URL as curl reads it, since curl is what will follow it: another reader might see another host.
class parsed_url {
 public:
  explicit parsed_url(std::string_view text) {
    problem_ = curl_url_set(url_.get(), CURLUPART_URL, std::string(text).c_str(), CURLU_DISALLOW_USER);
  }
  CURLUcode problem() const { return problem_; }
  std::string part(CURLUPart which) const {
    char* text = nullptr;
    if (curl_url_get(url_.get(), which, &text, 0) != CURLUE_OK)
      return {};
    std::string out(text);
    curl_free(text);
    return out;
  }

 private:
  struct cleanup {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
  };
  std::unique_ptr<CURLU, cleanup> url_{curl_url()};
  CURLUcode problem_;
};

std::string timestamp_text(std::int64_t ms) {
  auto const seconds = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", utc, ms % 1000);
}

} // namespace

std::string identity(const delivery& d, std::string_view ns) {
  return job::request_hash({"ns", std::string(ns), "job", d.job, "created", std::to_string(d.created), "attempt",
                            std::to_string(d.attempt), "status", d.status})
      .substr(0, 32);
}

std::string webhook_body(const delivery& d) {
  return fmt::format(R"({{"type":"job.{}","timestamp":"{}","data":{}}})", d.status, timestamp_text(d.finished),
                     d.record);
}

std::vector<std::string> webhook_headers(std::string_view identity, std::string_view body, std::int64_t now,
                                         std::span<const std::string> secrets) {
  std::string const id = fmt::format("msg_{}", identity);
  std::int64_t const timestamp = now / 1000;
  return {"webhook-id: " + id, fmt::format("webhook-timestamp: {}", timestamp),
          "webhook-signature: " + signature(secrets, id, timestamp, body), "Content-Type: application/json"};
}

std::string check_webhook_url(std::string_view text, const address_rules& rules) {
  auto const visible = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
  if (text.size() > longest_url)
    return fmt::format("may have {} bytes", longest_url);
  if (!std::all_of(text.begin(), text.end(), visible))
    return "must be a URL in ASCII without spaces; percent-encode what is not";
  parsed_url const url(text);
  if (url.problem() == CURLUE_USER_NOT_ALLOWED)
    return "must hold no user or password; the signature says who sends";
  std::string const scheme = url.problem() == CURLUE_OK ? url.part(CURLUPART_SCHEME) : "";
  if (scheme != "http" && scheme != "https")
    return "must be an http or https URL";
  std::string host = url.part(CURLUPART_HOST);
  if (host.size() > 2 && host.front() == '[')
    host = host.substr(1, host.find_first_of("]%") - 1);
  boost::system::error_code ec;
  if (auto const address = boost::asio::ip::make_address(host, ec); !ec && !rules.allows(address))
    return fmt::format("may not name {}, an internal address; name a public one, or have it listed in "
                       "notify.allow_internal",
                       address.to_string());
  return {};
}

std::string loggable(std::string_view text) {
  parsed_url const url(text);
  std::string const port = url.part(CURLUPART_PORT);
  return fmt::format("{}://{}{}{}", url.part(CURLUPART_SCHEME), url.part(CURLUPART_HOST), port.empty() ? "" : ":",
                     port);
}

std::string endpoint_key(std::string_view url) {
  return job::request_hash({"url", std::string(url)}).substr(0, 40);
}

} // namespace jobcast::notify
