#include "transfer.hpp"

#include "jobcast/base/survive.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>
#include <new>
#include <sys/socket.h>

namespace jobcast::notify {

namespace {

constexpr long connect_timeout_ms = 10'000;
// Of an answer only the status counts; who sends a book is not read to the end.
constexpr std::size_t answer_limit = 64 * 1024;
constexpr long longest_idle_connection_s = 30;

std::optional<boost::asio::ip::address> address_of(const curl_sockaddr& where) {
  if (where.family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &where.addr, sizeof four);
    return boost::asio::ip::address_v4(ntohl(four.sin_addr.s_addr));
  }
  if (where.family == AF_INET6) {
    // curl_sockaddr ends in a sockaddr, but what it is given is as long as `addrlen` says.
    sockaddr_in6 six{};
    std::memcpy(&six, static_cast<const void*>(&where.addr), std::min<std::size_t>(where.addrlen, sizeof six));
    boost::asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &six.sin6_addr, bytes.size());
    return boost::asio::ip::address_v6(bytes);
  }
  return std::nullopt;
}

} // namespace

transfer::transfer(const notify_settings& config)
    : rules_(config.allow_internal) {
  if (!easy_)
    throw std::bad_alloc();
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(config.timeout.count()));
  set(CURLOPT_CONNECTTIMEOUT_MS, std::min(connect_timeout_ms, static_cast<long>(config.timeout.count())));
  set(CURLOPT_MAXAGE_CONN, longest_idle_connection_s);
  // A proxy from the environment would connect in our place, past the rules.
  set(CURLOPT_PROXY, "");
  set(CURLOPT_ERRORBUFFER, error_.data());
  set(CURLOPT_QUICK_EXIT, 1L);
  if (!config.ca_file.empty())
    set(CURLOPT_CAINFO, config.ca_file.c_str());
  set(CURLOPT_WRITEFUNCTION, &transfer::take_answer);
  set(CURLOPT_WRITEDATA, this);
}

void transfer::append(const char* line) {
  curl_slist* const longer = curl_slist_append(list_.get(), line);
  if (!longer)
    throw std::bad_alloc();
  // The same list, but for the first line.
  if (!list_)
    list_.reset(longer);
}

std::unique_ptr<transfer> transfer::webhook(const std::string& url, const std::vector<std::string>& headers,
                                            std::string body, const notify_settings& config) {
  std::unique_ptr<transfer> t(new transfer(config));
  t->is_webhook_ = true;
  t->body_ = std::move(body);
  for (auto const& line : headers)
    t->append(line.c_str());
  // Nobody needs to be asked first whether a few kilobytes are welcome.
  t->append("Expect:");
  t->set(CURLOPT_URL, url.c_str());
  t->set(CURLOPT_PROTOCOLS_STR, "http,https");
  t->set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  t->set(CURLOPT_FOLLOWLOCATION, 0L);
  t->set(CURLOPT_USERAGENT, "jobcast/" JOBCAST_VERSION);
  t->set(CURLOPT_HTTPHEADER, t->list_.get());
  t->set(CURLOPT_POSTFIELDS, t->body_.data());
  t->set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(t->body_.size()));
  t->set(CURLOPT_OPENSOCKETFUNCTION, &transfer::open);
  t->set(CURLOPT_OPENSOCKETDATA, t.get());
  // A connection that is kept alive is opened once, and the rules may have changed since.
  t->set(CURLOPT_PREREQFUNCTION, &transfer::about_to_ask);
  t->set(CURLOPT_PREREQDATA, t.get());
  return t;
}

std::unique_ptr<transfer> transfer::email(const std::string& from, const std::string& to, std::string message,
                                          const notify_settings& config) {
  std::unique_ptr<transfer> t(new transfer(config));
  t->body_ = std::move(message);
  t->append(to.c_str());
  t->set(CURLOPT_URL, config.smtp_url.c_str());
  t->set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  t->set(CURLOPT_USE_SSL, static_cast<long>(config.smtp_tls == "off"             ? CURLUSESSL_NONE
                                            : config.smtp_tls == "opportunistic" ? CURLUSESSL_TRY
                                                                                 : CURLUSESSL_ALL));
  if (!config.smtp_user.empty()) {
    t->set(CURLOPT_USERNAME, config.smtp_user.c_str());
    t->set(CURLOPT_PASSWORD, config.smtp_password.c_str());
  }
  t->set(CURLOPT_MAIL_FROM, from.c_str());
  t->set(CURLOPT_MAIL_RCPT, t->list_.get());
  t->set(CURLOPT_UPLOAD, 1L);
  t->set(CURLOPT_READFUNCTION, &transfer::give_body);
  t->set(CURLOPT_READDATA, t.get());
  t->set(CURLOPT_SEEKFUNCTION, &transfer::rewind);
  t->set(CURLOPT_SEEKDATA, t.get());
  return t;
}

curl_socket_t transfer::open(void* self, curlsocktype, curl_sockaddr* where) {
  auto* t = static_cast<transfer*>(self);
  bool allowed = false;
  // Nothing may be thrown through curl, which is C.
  survive([&] {
    auto const address = address_of(*where);
    allowed = address && t->rules_.allows(*address);
    if (!allowed)
      t->forbidden_ = address ? address->to_string() : "no IP address";
  });
  if (!allowed)
    return CURL_SOCKET_BAD;
  t->connecting_ = true;
  return ::socket(where->family, where->socktype | SOCK_CLOEXEC, where->protocol);
}

int transfer::about_to_ask(void* self, char* address_there, char*, int, int) {
  auto* t = static_cast<transfer*>(self);
  bool allowed = false;
  survive([&] {
    boost::system::error_code ec;
    auto const address = boost::asio::ip::make_address(address_there, ec);
    allowed = !ec && t->rules_.allows(address);
    if (!allowed)
      t->forbidden_ = address_there;
  });
  if (!allowed)
    t->connecting_ = false;
  return allowed ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

std::size_t transfer::take_answer(char*, std::size_t, std::size_t count, void* self) {
  auto* t = static_cast<transfer*>(self);
  t->answered_ += count;
  return t->answered_ <= answer_limit ? count : 0;
}

std::size_t transfer::give_body(char* to, std::size_t, std::size_t room, void* self) {
  auto* t = static_cast<transfer*>(self);
  std::size_t const size = std::min(room, t->body_.size() - t->given_);
  std::memcpy(to, t->body_.data() + t->given_, size);
  t->given_ += size;
  return size;
}

int transfer::rewind(void* self, curl_off_t offset, int origin) {
  auto* t = static_cast<transfer*>(self);
  if (origin != SEEK_SET || offset < 0 || static_cast<std::size_t>(offset) > t->body_.size())
    return CURL_SEEKFUNC_FAIL;
  t->given_ = static_cast<std::size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

answer transfer::read(CURLcode result) {
  answer out;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &out.status);
  // A webhook's status is its answer, whatever became of the rest; an e-mail has arrived when the whole exchange has.
  bool const http = is_webhook_;
  out.arrived = http ? out.status >= 200 : result == CURLE_OK;
  if (curl_header* field = nullptr;
      http && curl_easy_header(easy_.get(), "Retry-After", 0, CURLH_HEADER, -1, &field) == CURLHE_OK)
    out.retry_after = field->value;
  if (out.arrived)
    return out;
  out.error = error_[0] ? error_.data() : curl_easy_strerror(result);
  if (!forbidden_.empty() && !connecting_) {
    out.forbidden = true;
    out.error = fmt::format("the host's address {} is internal, and not listed in notify.allow_internal", forbidden_);
  }
  return out;
}

} // namespace jobcast::notify
