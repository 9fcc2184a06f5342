// Runs libcurl transfers on an Asio event loop: curl says which sockets and which timer it waits for, and is told when
// they are ready.
#pragma once

#include "jobcast/base/asio.hpp"

#include <curl/curl.h>
#include <functional>
#include <map>
#include <memory>

namespace jobcast::notify {

/// All members are to be called on the executor's thread, and none from inside a curl callback. One curl_global_init
/// must have come first.
class curl_loop {
 public:
  explicit curl_loop(executor ex);
  ~curl_loop(); ///< abandons what still runs, without a word

  /// Performs a prepared transfer; `easy` must live until `done` was called or the loop is gone. `done` is never called
  /// from inside start(), and may start others.
  void start(CURL* easy, std::function<void(CURLcode)> done);

 private:
  struct watched;
  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*);
  static int on_timer(CURLM*, long wait_ms, void* self);
  void watch(curl_socket_t socket, int what);
  void arm(const std::shared_ptr<watched>& w);
  void act(curl_socket_t socket, int events);
  void collect();

  executor executor_;
  CURLM* multi_;
  steady_timer timer_;
  unsigned timer_turn_ = 0;
  std::map<curl_socket_t, std::shared_ptr<watched>> sockets_;
  std::map<CURL*, std::function<void(CURLcode)>> running_;
};

} // namespace jobcast::notify
