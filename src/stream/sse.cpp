#include "jobcast/stream/sse.hpp"

#include "jobcast/http/chunk.hpp"
#include "jobcast/http/response.hpp"
#include "jobcast/stream/session.hpp"

#include <charconv>
#include <fmt/format.h>
#include <vector>

namespace jobcast::stream {

namespace {

using request = hub::watch_request;

/// T of `Last-Event-ID: <T>-<version>`; 0 if it is none of ours.
std::int64_t time_of(std::string_view event_id) {
  std::int64_t at = 0;
  auto const [end, ec] = std::from_chars(event_id.data(), event_id.data() + event_id.size(), at);
  return ec == std::errc{} && end != event_id.data() && end != event_id.data() + event_id.size() && *end == '-' ? at
                                                                                                                : 0;
}

constexpr std::string_view comment = ":\n\n";

hub::encoding encoding_of(const request& r) {
  return r.chunked ? hub::encoding::chunked_sse : hub::encoding::sse;
}

// The response head, and what a stream begins with. Every watcher is sent the very same bytes, so an event's chunk head
// is part of it. Over HTTP/1.0 the body lasts until the close (RFC 9112, section 6.3).
std::string response_head(const request& r, host& h) {
  std::string head = "HTTP/1.1 200 OK\r\nContent-Type: ";
  head += http::event_stream_type;
  head += "\r\n"
          "Cache-Control: no-store, no-transform\r\n"
          "X-Accel-Buffering: no\r\n";
  head += r.headers;
  if (r.chunked)
    head += "Transfer-Encoding: chunked\r\n";
  head += "Connection: close\r\n\r\n";
  if (r.head)
    return head;
  std::string beginning = fmt::format("retry: {}\n\n", h.jittered_retry());
  beginning += hub::event::time(h.clock.now())->sse();
  r.chunked ? http::append_chunk(head, beginning) : void(head += beginning);
  return head;
}

// An EventSource never comes back after a refusal, so one that will pass is a stream that ends at once.
std::string busy_answer(const request& r, host& h) {
  hub::event_ptr const busy = hub::event::gateway("busy");
  std::string const head = response_head(r, h);
  return r.chunked ? head + std::string(busy->chunk()) + std::string(http::last_chunk)
                   : head + std::string(busy->sse());
}

/// What streams of any kind have in common.
class sse_session : public session {
 protected:
  sse_session(net::client_socket socket, host& h, const request& r)
      : session(std::move(socket), h, encoding_of(r)) {}

  bool is_chunked() const { return box_.encoded_as() == hub::encoding::chunked_sse; }
  /// Sends what is due, ends the body and closes.
  void end_when_sent() {
    if (is_chunked())
      box_.end_with(host_.last_chunk);
    close_when_sent();
  }
  void send_comment() {
    std::string bytes;
    is_chunked() ? http::append_chunk(bytes, comment) : void(bytes = comment);
    box_.prepend(bytes);
  }
};

/// Streams of several jobs or of an owner: they last until the client leaves.
class many_session final : public sse_session {
 public:
  many_session(net::client_socket socket, host& h, const request& r)
      : sse_session(std::move(socket), h, r)
      , links_(std::make_unique<hub::link[]>(r.jobs.size()))
      , count_(r.jobs.size()) {
    std::int64_t const overlap = h.limits.resume_overlap.count();
    // Of later than now it is of a Redis whose clock was wrong, or none of ours: what came since is not known by it.
    if (std::int64_t const last = time_of(r.last_event_id); last > overlap && last <= h.clock.now())
      since_ = last - overlap;
  }

  void begin(const request& r) {
    box_.prepend(response_head(r, host_));
    start();
    host_.hub.enlist(*this);
    for (std::size_t i = 0; i < count_; ++i) {
      if (r.every)
        links_[i].want_every();
      host_.hub.open(*this, links_[i], r.jobs[i], r.payer);
    }
    if (r.jobs.empty()) {
      if (r.every)
        member_.want_every();
      host_.hub.open_feed(*this, member_, r.scope, since_, r.payer);
    }
    flush();
  }

  void notify(hub::event_ptr notice) override { box_.add_notice(std::move(notice)); }
  void finish(hub::event_ptr last_word) override {
    box_.add_notice(std::move(last_word));
    end_when_sent();
    flush();
  }

 private:
  void on_expired() override {
    on_closed();
    finish(hub::event::end("expired"));
  }

  // A client that resumes has seen what became final long enough ago.
  bool prepare() override {
    if (since_ == 0)
      return true;
    for (auto at = dirty().begin(); at != dirty().end();) {
      hub::link& l = *at++;
      if (!l.started() && l.pending() == 1 && l.at(0)->final() && l.at(0)->updated_at() < since_)
        l.pop();
    }
    return true;
  }

  void keep_alive() override {
    if (box_.empty(dirty()))
      send_comment();
  }

  void on_closed() override {
    for (std::size_t i = 0; i < count_; ++i)
      host_.hub.close(links_[i]);
    host_.hub.close_feed(member_);
  }

  std::unique_ptr<hub::link[]> links_;
  std::size_t count_;
  hub::feed_member member_;
  std::int64_t since_ = 0;
};

/// The stream of one job: ends with it. The most common stream by far, so it holds its link itself and nothing more.
class single_session final : public sse_session {
 public:
  single_session(net::client_socket socket, host& h, request r)
      : sse_session(std::move(socket), h, r)
      , opening_(std::make_unique<request>(std::move(r))) {}

  void begin(const request&) {
    start();
    host_.hub.enlist(*this);
    if (opening_->every)
      link_.want_every();
    host_.hub.open(*this, link_, opening_->jobs.front(), opening_->payer);
    flush();
  }

  void notify(hub::event_ptr notice) override { box_.add_notice(std::move(notice)); }
  void finish(hub::event_ptr last_word) override {
    finishing_ = true;
    box_.add_notice(std::move(last_word));
    end_when_sent();
    flush();
  }

 private:
  void on_expired() override {
    on_closed();
    finish(hub::event::end("expired"));
  }

  // Nothing is answered before there is something to say: a client that has the outcome is answered 204.
  bool prepare() override {
    if (opening_ && !answer())
      return false;
    if (link_.pending() == 0 || finishing_)
      return true;
    bool const final = link_.at(link_.pending() - 1)->final();
    if (final && !end_) {
      end_ = hub::event::end("final");
      box_.add_notice(end_);
      end_when_sent();
    } else if (!final && end_ && box_.withdraw(end_)) {
      // Retried before the client read the outcome: it is told of both, and the stream goes on.
      end_.reset();
      box_.withdraw_end();
      stay_open();
    }
    return true;
  }

  bool answer() {
    if (link_.pending() == 0 && box_.empty(dirty()))
      return false;
    auto const asked = std::move(opening_);
    if (link_.pending() == 1 && !asked->last_event_id.empty() && link_.at(0)->kind() == hub::event_kind::job &&
        link_.at(0)->id() == asked->last_event_id) {
      bool const over = link_.at(0)->final();
      link_.pop();
      if (over) {
        box_.prepend("HTTP/1.1 204 No Content\r\n" + asked->headers +
                     "Cache-Control: no-store\r\nConnection: close\r\n\r\n");
        close_when_sent();
        return true;
      }
    }
    box_.prepend(response_head(*asked, host_));
    return true;
  }

  void keep_alive() override {
    if (!opening_ && box_.empty(dirty()))
      send_comment();
  }

  bool is_begun() const override { return !opening_; }

  void on_closed() override { host_.hub.close(link_); }

  hub::link link_;
  std::unique_ptr<request> opening_; ///< until the response head is sent
  hub::event_ptr end_;               ///< on its way
  bool finishing_ = false;           ///< whatever becomes of the job
};

/// HEAD, and whatever else is answered by some bytes and the end.
class brief_session final : public session {
 public:
  brief_session(net::client_socket socket, host& h)
      : session(std::move(socket), h, hub::encoding::sse) {}
  void begin(std::string_view bytes) {
    box_.prepend(bytes);
    start();
    close_when_sent();
    flush();
  }
  void notify(hub::event_ptr) override {}
  void finish(hub::event_ptr) override {}

 private:
  bool prepare() override { return true; }
  void on_expired() override {}
  void on_closed() override {}
};

template <class Session>
void end_if_draining(Session& s, host& h) {
  if (h.draining)
    s.finish(h.draining_notice());
}

} // namespace

void open_sse(net::client_socket socket, host& h, hub::watch_request r) {
  if (r.head)
    return session_ptr<brief_session>(new brief_session(std::move(socket), h))->begin(response_head(r, h));
  auto place = admit_stream(h, r.who);
  if (!place)
    return session_ptr<brief_session>(new brief_session(std::move(socket), h))->begin(busy_answer(r, h));
  auto const begin = [&, who = r.who](auto opened) {
    opened->set_place(*std::move(place));
    opened->set_who(who);
    opened->begin(r);
    end_if_draining(*opened, h);
  };
  if (r.single)
    begin(session_ptr<single_session>(new single_session(std::move(socket), h, std::move(r))));
  else
    begin(session_ptr<many_session>(new many_session(std::move(socket), h, r)));
}

} // namespace jobcast::stream
