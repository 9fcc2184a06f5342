#include "jobcast/stream/ws.hpp"

#include "jobcast/auth/rules.hpp"
#include "jobcast/http/response.hpp"
#include "jobcast/job/scope.hpp"
#include "jobcast/stream/session.hpp"
#include "jobcast/stream/ws_codec.hpp"
#include "jobcast/stream/ws_message.hpp"
#include "ws_watches.hpp"

#include <algorithm>
#include <memory>
#include <vector>

namespace jobcast::stream {

namespace {

constexpr unsigned errors_per_minute = 16;
constexpr unsigned missed_pings = 2;
// Answers to a client that asks and does not read.
constexpr std::size_t unread_answers = 64 * 1024;
// No client has a use for more of its own pings between two heartbeats.
constexpr unsigned pings_per_heartbeat = 1000;
// How long a client may take to say who it is.
constexpr std::int64_t auth_patience_ms = 10'000;
// So few bytes of a message under way, or of answers unread, are not counted.
constexpr std::size_t uncounted = 4096;
// Cancel, retry and seen that Redis has not answered yet.
constexpr unsigned commands_at_once = 64;
// A message counts for a request for each so many bytes: longer ones take longer to read.
constexpr std::size_t bytes_per_request = 4096;

class ws_session final : public session {
 public:
  ws_session(net::client_socket socket, host& h, const asio::ip::address& client)
      : session(std::move(socket), h, hub::encoding::websocket)
      , decoder_(h.limits.message)
      , client_(client.is_v6() ? client.to_v6().to_bytes()
                               : asio::ip::make_address_v6(asio::ip::v4_mapped, client.to_v4()).to_bytes()) {
    h.counters.websockets.add();
  }
  ~ws_session() {
    host_.counters.websockets.subtract();
    if (for_answers_)
      *for_answers_ = nullptr;
  }

  void begin(std::string_view head) {
    box_.prepend(head);
    start();
    if (!is_nobody())
      tell_time();
    host_.hub.enlist(*this);
    flush();
  }

  /// Its viewer has too many streams already.
  void refuse_place() {
    box_.add_notice(hub::event::gateway("busy"));
    end(ws_close::try_again_later, "limits.streams_per_owner");
  }

  void notify(hub::event_ptr notice) override {
    // Nobody has nothing to renew.
    if (notice->kind() != hub::event_kind::reauth || !is_nobody())
      box_.add_notice(std::move(notice));
  }
  void finish(hub::event_ptr last_word) override {
    box_.add_notice(std::move(last_word));
    end(ws_close::restart, "draining");
  }

 private:
  bool on_bytes(char* bytes, std::size_t size) override {
    heard_ = true;
    while (open() && !ending_) {
      ws_item const item = decoder_.next(bytes, size);
      if (item.what == ws_item::kind::none)
        break;
      // Control frames between fragments do not make the message any younger.
      message_stale_ = message_stale_ && decoder_.in_message();
      on_item(item);
    }
    // One send for all answers to what came together.
    flush();
    if (open() && !ending_)
      count_held();
    return true;
  }

  // Half a message, and answers that the client does not read, count as an HTTP request's body and answer do.
  void count_held() {
    std::size_t const bytes = decoder_.held() + box_.unsent_prefix();
    if (bytes <= uncounted)
      return held_.reset();
    if (!held_)
      held_ = std::make_unique<net::admission::account>(
          host_.admission.open_account(holder_of(who(), asio::ip::address_v6(client_)), host_.counters.body_bytes));
    auto const has = held_->hold(bytes);
    if (has == net::admission::room::enough)
      return;
    host_.counters.busy_refused.add();
    end(ws_close::try_again_later,
        has == net::admission::room::client_full ? "limits.held_per_client" : "limits.bodies");
  }

  void on_item(const ws_item& item) {
    switch (item.what) {
    case ws_item::kind::text:
      return on_text(item.payload);
    case ws_item::kind::binary:
      return fail(ws_close::unsupported, "messages are JSON text");
    case ws_item::kind::ping:
      if (++pings_ > pings_per_heartbeat)
        return fail(ws_close::policy, "too many pings");
      return answer(http::ws_opcode::pong, item.payload);
    case ws_item::kind::close:
      return answer_close(item);
    case ws_item::kind::failure:
      return fail(item.code, {});
    case ws_item::kind::pong:
    case ws_item::kind::none:
      return;
    }
  }

  void on_text(std::string_view json) {
    bool const within = within_rate(static_cast<unsigned>(1 + json.size() / bytes_per_request));
    // To read a long message takes longer than to refuse it.
    if (!within && json.size() > bytes_per_request)
      return refuse_rate({});
    auto const message = read_ws_message(json, host_.limits.jobs_per_stream);
    if (!message)
      return refuse(message.error().echo, http::problem_json(400, message.error().detail, message.error().field));
    if (!within)
      return refuse_rate(message->echo);
    if (is_nobody() && message->op != ws_op::auth && message->op != ws_op::ping)
      return refuse(message->echo,
                    http::problem_json(401, "Say who you are first: {\"op\":\"auth\",\"token\":...}.", "op"));
    switch (message->op) {
    case ws_op::watch:
      return watch(*message);
    case ws_op::unwatch:
      return unwatch(*message);
    case ws_op::cancel:
    case ws_op::retry:
    case ws_op::seen:
      return command(*message);
    case ws_op::auth:
      return authenticate(*message);
    case ws_op::ping:
      return say("pong", message->echo);
    }
  }

  // API keys are exempt here too.
  bool is_exempt() const { return !who() || who()->what == auth::identity::kind::api_key; }
  net::admission::payer payer() const {
    return is_exempt() ? net::admission::payer()
                       : net::admission::payer(host_.admission, asio::ip::address_v6(client_));
  }

  bool within_rate(unsigned cost) {
    if (is_exempt() || cost == 0)
      return true;
    bool const within = host_.admission.request(asio::ip::address_v6(client_), host_.wheel.now(), cost) == 0;
    if (!within)
      host_.counters.rate_limited.add();
    return within;
  }

  void refuse_rate(const std::string& echo) {
    refuse(echo,
           http::problem_json(429, "There were too many messages from this address (limits.request_rate).", "op"));
  }

  // As of an event stream, limits.jobs_per_stream of them are paid for by the request that opened the connection.
  unsigned cost_of_watching(std::size_t fresh) {
    std::size_t const paid = host_.limits.jobs_per_stream;
    std::size_t const free = std::min(fresh, paid - std::min<std::size_t>(paid_for_, paid));
    paid_for_ = static_cast<std::uint16_t>(paid_for_ + free);
    return static_cast<unsigned>(fresh - free);
  }

  bool is_nobody() const { return who() && who()->what == auth::identity::kind::nobody; }

  // The first token says who it is, later ones for how long.
  void authenticate(const ws_message& message) {
    if (!who())
      return say("ack", message.echo);
    auto const now = host_.authenticate(message.token);
    if (!now) {
      host_.counters.auth_refused.add();
      return refuse(message.echo, now.error());
    }
    bool const was_nobody = is_nobody();
    if (was_nobody) {
      auto place = admit_stream(host_, *now);
      if (!place)
        return refuse(message.echo,
                      http::problem_json(429, "This viewer has as many streams as limits.streams_per_owner "
                                              "allows; close some."));
      set_place(*std::move(place));
    } else if ((*now)->sub != who()->sub || (*now)->tenant != who()->tenant) {
      return refuse(
          message.echo,
          http::problem_json(403, "This token is of another viewer; open another connection for it.", "token"));
    }
    set_who(*now);
    credentials_renewed();
    watches_.judge_again(host_.hub);
    say("ack", message.echo);
    if (was_nobody)
      tell_time();
    if (auto const followed = watches_.followed(); followed && !may_watch(*followed)) {
      tell_problem({}, http::problem_json(403, "This token may not watch the owner that the last one did.", "owner"));
      watches_.unfollow(host_.hub);
    }
  }

  void watch(const ws_message& message) {
    if (!message.owner.empty())
      return watch_owner(message);
    auto const fresh = static_cast<std::size_t>(
        std::count_if(message.jobs.begin(), message.jobs.end(), [&](auto& job) { return !watches_.watches(job); }));
    if (watches_.size() + fresh > host_.limits.jobs_per_stream)
      return refuse(
          message.echo,
          http::problem_json(400, "One connection watches up to limits.jobs_per_stream jobs; unwatch some.", "jobs"));
    if (!within_rate(cost_of_watching(fresh)))
      return refuse_rate(message.echo);
    say("ack", message.echo);
    if (ending_)
      return;
    for (const std::string& job : message.jobs) {
      if (watches_.watches(job))
        continue;
      watches_.watch(host_.hub, *this, job, message.version_of(job), message.every, payer());
    }
  }

  owner_name owner_of(const ws_message& message) const {
    if (who() && message.owner == "me")
      return {message.tenant.empty() ? who()->tenant : message.tenant, who()->sub};
    return {message.tenant, message.owner};
  }
  bool may_watch(owner_name whose) const {
    return !who() || (!whose.owner.empty() && auth::may_read_owner(*who(), whose.tenant, whose.owner));
  }

  void watch_owner(const ws_message& message) {
    auto const whose = owner_of(message);
    if (!may_watch(whose))
      return refuse(message.echo, http::problem_json(403, "These are not your jobs; ask for owner \"me\".", "owner"));
    std::string scope = job::scope_key(whose.tenant, whose.owner);
    if (scope.size() > job::max_scope)
      return refuse(message.echo, http::problem_json(
                                      400, "Tenant and owner, percent-encoded, may take 256 bytes together.", "owner"));
    if (watches_.followed())
      return refuse(message.echo,
                    http::problem_json(400, "One connection watches one owner; unwatch the other first.", "owner"));
    say("ack", message.echo);
    if (ending_)
      return;
    watches_.follow(host_.hub, *this, whose, std::move(scope), message.every, payer());
  }

  void unwatch(const ws_message& message) {
    auto const whose = owner_of(message);
    if (!message.owner.empty() && watches_.follows(job::scope_key(whose.tenant, whose.owner)))
      watches_.unfollow(host_.hub);
    watches_.unwatch(host_.hub, message.jobs);
    say("ack", message.echo);
  }

  void command(const ws_message& message) {
    std::string_view const name = message.op == ws_op::cancel  ? "cancel"
                                  : message.op == ws_op::retry ? "retry"
                                                               : "seen";
    if (commands_ == commands_at_once)
      return refuse(message.echo, http::problem_json(429, "Await the answers to what was sent before.", "op"));
    ++commands_;
    if (!for_answers_)
      for_answers_ = std::make_shared<ws_session*>(this);
    host_.command(who(), name, message.job, message.attempt,
                  [at = for_answers_, echo = message.echo](std::string problem) {
                    session_ptr<ws_session> const self(*at);
                    if (!self || !self->open())
                      return;
                    --self->commands_;
                    if (problem.empty())
                      self->say("ack", echo);
                    else
                      self->refuse(echo, std::move(problem));
                    self->flush();
                  });
  }

  void tell_time() {
    answer(http::ws_opcode::text,
           R"({"event":"time",)" + std::string(hub::event::time(host_.clock.now())->data().substr(1)));
  }
  bool is_begun() const override { return !is_nobody(); }

  // {"event":name,"id":echo}
  void say(std::string_view name, const std::string& echo) {
    std::string json = R"({"event":")" + std::string(name) + '"';
    if (!echo.empty())
      json += R"(,"id":)" + echo;
    answer(http::ws_opcode::text, json + '}');
  }

  void tell_problem(const std::string& echo, std::string_view problem) {
    answer(http::ws_opcode::text, R"({"event":"error")" + (echo.empty() ? std::string() : R"(,"id":)" + echo) +
                                      R"(,"problem":)" + std::string(problem) + '}');
  }

  void refuse(const std::string& echo, std::string_view problem) {
    tell_problem(echo, problem);
    auto const now = static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(host_.wheel.now().time_since_epoch()).count());
    if (now - errors_since_ >= 60) {
      errors_since_ = now;
      errors_ = 0;
    }
    if (++errors_ > errors_per_minute)
      fail(ws_close::policy, "too many errors");
  }

  void answer(http::ws_opcode opcode, std::string_view payload) {
    if (ending_)
      return;
    if (box_.unsent_prefix() > unread_answers)
      return fail(ws_close::policy, "read what you ask for");
    std::string frame;
    http::append_ws_frame(frame, opcode, payload);
    box_.prepend(frame);
  }

  // The peer did what it must not.
  void fail(ws_close code, std::string_view why) {
    if (ending_)
      return;
    host_.counters.websocket_failures.add();
    end(code, why);
  }

  void end(ws_close code, std::string_view why) {
    std::string frame;
    http::append_ws_close(frame, code, why);
    end_with(frame);
  }

  // With the peer's own code, or without one if it gave none.
  void answer_close(const ws_item& asked) {
    if (asked.has_code)
      return end(asked.code, {});
    std::string frame;
    http::append_ws_frame(frame, http::ws_opcode::close, {});
    end_with(frame);
  }

  // Closes once the close frame is sent; the peer's own is awaited for a bounded time.
  void end_with(std::string_view close_frame) {
    if (std::exchange(ending_, true))
      return;
    box_.end_with(hub::event::raw(close_frame));
    close_when_sent();
    flush();
  }

  bool prepare() override {
    watches_.prepare(host_.hub, dirty(), box_);
    return true;
  }

  // Only an answer to a ping tells that the peer is there, whatever it was sent.
  void heartbeat() override {
    pings_ = 0;
    if (held_)
      count_held();
    missed_ = std::exchange(heard_, false) ? 0 : missed_ + 1;
    if (missed_ > missed_pings) {
      host_.counters.websocket_dead.add();
      return end(ws_close::policy, "pings went unanswered");
    }
    // A message that has been under way for a whole heartbeat is one of a peer that sends a byte a second.
    if (decoder_.in_message() && std::exchange(message_stale_, true))
      return fail(ws_close::policy, "a message took too long to arrive");
    answer(http::ws_opcode::ping, {});
  }

  void on_expired() override {
    on_closed();
    if (is_nobody())
      return fail(ws_close::policy, "nobody said who this is");
    box_.add_notice(hub::event::end("expired"));
    end(ws_close::policy, "the token has expired or was taken back");
  }

  void on_closed() override { watches_.leave(host_.hub); }

  ws_decoder decoder_;
  asio::ip::address_v6::bytes_type client_; ///< its address, of IPv4 too
  // What is small comes behind it, into the room that it does not use itself: thousands of these are idle.
  [[no_unique_address]] ws_watches watches_;
  bool heard_ = true;
  bool message_stale_ = false;
  bool ending_ = false;
  std::uint8_t missed_ = 0, commands_ = 0;
  std::uint16_t errors_ = 0, pings_ = 0;
  std::uint16_t paid_for_ = 0;     ///< ids that cost nothing more; limits.jobs_per_stream is 10,000 at most
  std::uint32_t errors_since_ = 0; ///< steady seconds
  std::unique_ptr<net::admission::account> held_; ///< while it is much
  std::shared_ptr<ws_session*> for_answers_;      ///< what commands under way answer to; null once it is gone
};

} // namespace

auth::identity_ptr awaits_auth(std::int64_t now_ms) {
  boost::intrusive_ptr<auth::identity> const nobody(new auth::identity);
  nobody->what = auth::identity::kind::nobody;
  nobody->expires_at = nobody->renew_by = now_ms + auth_patience_ms;
  return nobody;
}

void open_websocket(net::client_socket socket, host& h, std::string head, auth::identity_ptr who,
                    const asio::ip::address& client) {
  auto place = admit_stream(h, who);
  session_ptr<ws_session> const opened(new ws_session(std::move(socket), h, client));
  opened->set_who(std::move(who));
  opened->begin(head);
  if (!place)
    opened->refuse_place();
  else
    opened->set_place(*std::move(place));
  if (h.draining)
    opened->finish(h.draining_notice());
}

} // namespace jobcast::stream
