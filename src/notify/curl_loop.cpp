#include "curl_loop.hpp"

#include "jobcast/base/survive.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <stdexcept>

namespace jobcast::notify {

// A socket of curl's: only ever waited for here, closed by curl.
struct curl_loop::watched {
  using descriptor = asio::posix::basic_stream_descriptor<executor>;

  watched(executor ex, curl_socket_t s)
      : socket(s)
      , handle(ex, s) {}

  curl_socket_t socket;
  descriptor handle;
  int wanted = 0; ///< CURL_POLL_*; CURL_POLL_REMOVE once curl is through with it
  bool reading = false, writing = false;
};

curl_loop::curl_loop(executor ex)
    : executor_(ex)
    , multi_(curl_multi_init())
    , timer_(ex) {
  if (!multi_)
    throw std::runtime_error("libcurl cannot be initialized");
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &curl_loop::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &curl_loop::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

curl_loop::~curl_loop() {
  for (auto const& [easy, done] : running_)
    curl_multi_remove_handle(multi_, easy);
  curl_multi_cleanup(multi_);
  for (auto const& [socket, w] : sockets_)
    w->handle.release();
}

void curl_loop::start(CURL* easy, std::function<void(CURLcode)> done) {
  auto const at = running_.emplace(easy, std::move(done)).first;
  // Asks for a timer, which begins the work.
  if (curl_multi_add_handle(multi_, easy) == CURLM_OK)
    return;
  asio::post(executor_, [failed = std::move(at->second)] { failed(CURLE_OUT_OF_MEMORY); });
  running_.erase(at);
}

int curl_loop::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  // Nothing may be thrown through curl, which is C.
  return survive([&] { static_cast<curl_loop*>(self)->watch(socket, what); }) ? 0 : -1;
}

void curl_loop::watch(curl_socket_t socket, int what) {
  auto& w = sockets_[socket];
  if (what == CURL_POLL_REMOVE) {
    if (w) {
      w->wanted = CURL_POLL_REMOVE;
      w->handle.release();
    }
    sockets_.erase(socket);
    return;
  }
  if (!w)
    w = std::make_shared<watched>(executor_, socket);
  w->wanted = what;
  arm(w);
}

void curl_loop::arm(const std::shared_ptr<watched>& w) {
  auto const wait = [&](auto direction, bool& waiting, int wanted, int event) {
    if (waiting || (w->wanted != wanted && w->wanted != CURL_POLL_INOUT))
      return;
    waiting = true;
    w->handle.async_wait(direction, [this, w, &waiting, wanted, event](error_code ec) {
      waiting = false;
      // Removed means that this loop may be gone too.
      if (ec || w->wanted == CURL_POLL_REMOVE || (w->wanted != wanted && w->wanted != CURL_POLL_INOUT))
        return;
      act(w->socket, event);
      if (w->wanted != CURL_POLL_REMOVE)
        arm(w);
    });
  };
  wait(watched::descriptor::wait_read, w->reading, CURL_POLL_IN, CURL_CSELECT_IN);
  wait(watched::descriptor::wait_write, w->writing, CURL_POLL_OUT, CURL_CSELECT_OUT);
}

int curl_loop::on_timer(CURLM*, long wait_ms, void* self) {
  auto* loop = static_cast<curl_loop*>(self);
  auto const turn = ++loop->timer_turn_;
  loop->timer_.cancel();
  if (wait_ms < 0)
    return 0;
  bool const armed = survive([&] {
    loop->timer_.expires_after(std::chrono::milliseconds(wait_ms));
    loop->timer_.async_wait([loop, turn](error_code ec) {
      if (!ec && turn == loop->timer_turn_)
        loop->act(CURL_SOCKET_TIMEOUT, 0);
    });
  });
  return armed ? 0 : -1;
}

void curl_loop::act(curl_socket_t socket, int events) {
  int still_running = 0;
  curl_multi_socket_action(multi_, socket, events, &still_running);
  collect();
}

void curl_loop::collect() {
  int left = 0;
  while (CURLMsg const* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE)
      continue;
    CURL* const easy = message->easy_handle;
    CURLcode const result = message->data.result;
    curl_multi_remove_handle(multi_, easy);
    auto const found = running_.extract(easy);
    survive([&] { found.mapped()(result); });
  }
}

} // namespace jobcast::notify
