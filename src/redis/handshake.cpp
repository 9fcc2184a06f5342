#include "jobcast/redis/handshake.hpp"

#include "jobcast/redis/denied.hpp"
#include "jobcast/redis/resp.hpp"

namespace jobcast::redis {

handshake::handshake(const address& where) {
  if (!where.password.empty()) {
    if (where.user.empty())
      add({"AUTH", where.password});
    else
      add({"AUTH", where.user, where.password});
  }
  if (where.database != 0)
    add({"SELECT", std::to_string(where.database)});
  add({"PING"});
}

void handshake::add(std::initializer_list<std::string_view> arguments) {
  append_command(request_, arguments);
  commands_.emplace_back(*arguments.begin());
}

handshake::state handshake::on_reply(reply_view reply) {
  if (reply.is_error()) {
    failure_ = commands_[answered_] + ": " + std::string(reply.text());
    if (is_denied(reply.text()))
      failure_.append("; ").append(denied_hint);
    return state::failed;
  }
  return ++answered_ == commands_.size() ? state::done : state::waiting;
}

} // namespace jobcast::redis
