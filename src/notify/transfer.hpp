// One try to deliver, as a libcurl transfer: set up, and read once it is over.
#pragma once

#include "jobcast/base/settings.hpp"
#include "jobcast/notify/address_rules.hpp"
#include "jobcast/notify/verdict.hpp"

#include <array>
#include <curl/curl.h>
#include <memory>
#include <string>
#include <vector>

namespace jobcast::notify {

class transfer {
 public:
  /// A POST that follows no redirect, uses no proxy, and connects only where the rules allow: judged is the address of
  /// each connection as it is made, and again before each request on it.
  static std::unique_ptr<transfer> webhook(const std::string& url, const std::vector<std::string>& headers,
                                           std::string body, const notify_settings& config);
  /// A message for the relay.
  static std::unique_ptr<transfer> email(const std::string& from, const std::string& to, std::string message,
                                         const notify_settings& config);

  CURL* handle() { return easy_.get(); }
  answer read(CURLcode result);

  /// What may be said of it in the log is in `answer`; the rest, secrets among it, stays here.
  transfer(const transfer&) = delete;
  transfer& operator=(const transfer&) = delete;

 private:
  explicit transfer(const notify_settings& config);
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(easy_.get(), option, value);
  }
  void append(const char* line);
  static int about_to_ask(void* self, char* address_there, char*, int, int);
  static curl_socket_t open(void* self, curlsocktype, curl_sockaddr* where);
  static std::size_t take_answer(char*, std::size_t, std::size_t count, void* self);
  static std::size_t give_body(char* to, std::size_t, std::size_t room, void* self);
  static int rewind(void* self, curl_off_t offset, int origin);

  struct free_easy {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };
  struct free_list {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  std::unique_ptr<CURL, free_easy> easy_{curl_easy_init()};
  std::unique_ptr<curl_slist, free_list> list_; ///< header lines, or recipients
  address_rules rules_;
  bool is_webhook_ = false;
  std::string body_;
  std::size_t given_ = 0;    ///< of the body
  std::size_t answered_ = 0; ///< bytes of the answer's body
  std::string forbidden_;    ///< the last address that was refused
  bool connecting_ = false;  ///< some address was not
  std::array<char, CURL_ERROR_SIZE> error_{};
};

} // namespace jobcast::notify
