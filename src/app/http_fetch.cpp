#include "http_fetch.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <curl/curl.h>
#include <memory>
#include <stdexcept>

namespace jobcast::app {

namespace {

struct free_easy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct free_list {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct free_url {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

struct exchange {
  CURL* easy;
  const body_reader& read_body;
  std::chrono::seconds patience;
  std::chrono::steady_clock::time_point heard = std::chrono::steady_clock::now();
  bool enough = false;
  bool silent = false;

  unsigned status() const {
    long code = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
    return static_cast<unsigned>(code);
  }

  static std::size_t take(char* piece, std::size_t, std::size_t size, void* self) {
    auto& x = *static_cast<exchange*>(self);
    x.heard = std::chrono::steady_clock::now();
    x.enough = !x.read_body(x.status(), {piece, size});
    return x.enough ? 0 : size;
  }

  // Called about once a second. A heartbeat of three bytes is a sign of life, for which libcurl's lowest speed is too
  // high.
  static int check(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto& x = *static_cast<exchange*>(self);
    x.silent = std::chrono::steady_clock::now() - x.heard > x.patience;
    return x.silent;
  }
};

} // namespace

boost::system::result<unsigned, fetch_failure> fetch(const fetch_request& request, const body_reader& read_body) {
  const std::unique_ptr<CURL, free_easy> owned(curl_easy_init());
  CURL* const easy = owned.get();
  if (!easy)
    throw std::runtime_error("libcurl cannot be used");
  std::unique_ptr<curl_slist, free_list> lines;
  const auto add_line = [&](const std::string& line) { lines.reset(curl_slist_append(lines.release(), line.c_str())); };
  for (const auto& [name, value] : request.headers)
    add_line(name + ": " + value);
  add_line("Expect:"); // nobody needs to be asked first whether a report is welcome

  std::array<char, CURL_ERROR_SIZE> why{};
  exchange x{easy, read_body, request.patience};
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, static_cast<long>(request.patience.count()));
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &exchange::check);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &x);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "jobcast/" JOBCAST_VERSION);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines.get());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, why.data());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &exchange::take);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &x);
  if (const char* trusted = std::getenv("SSL_CERT_FILE"); trusted && *trusted)
    curl_easy_setopt(easy, CURLOPT_CAINFO, trusted);
  if (!request.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());

  const CURLcode result = curl_easy_perform(easy);
  if (result == CURLE_OK || x.enough)
    return {boost::system::in_place_value, x.status()};
  curl_off_t ready = 0; // microseconds until the request could be sent
  curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
  return fetch_failure{ready > 0, x.silent ? "nothing came for too long"
                                  : why[0] ? why.data()
                                           : curl_easy_strerror(result)};
}

void add_credentials(fetch_request& request) {
  if (const char* token = std::getenv("JOBCAST_TOKEN"); token && *token)
    request.headers.emplace_back("Authorization", std::string("Bearer ") + token);
}

bool aim(fetch_request& request, std::string_view url, std::string_view path) {
  const std::unique_ptr<CURLU, free_url> parsed(curl_url());
  std::string base(url);
  if (!(base.starts_with("http://") || base.starts_with("https://")) || base.ends_with(':') ||
      curl_url_set(parsed.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK)
    return false;
  for (const CURLUPart unwanted : {CURLUPART_USER, CURLUPART_QUERY, CURLUPART_FRAGMENT}) {
    char* found = nullptr;
    if (curl_url_get(parsed.get(), unwanted, &found, 0) == CURLUE_OK) {
      curl_free(found);
      return false;
    }
  }
  while (base.ends_with('/'))
    base.pop_back();
  request.url = base + std::string(path);
  return true;
}

} // namespace jobcast::app
