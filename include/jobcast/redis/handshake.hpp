// What is said first on a new connection, and whether the answers make it usable. No I/O.
//
// A server that accepts connections need not be of use: it may want a password, be loading its data (-LOADING) or be a
// replica without its master (-MASTERDOWN). AUTH and SELECT succeed in the last two, so a PING ends the handshake.
#pragma once

#include "jobcast/redis/address.hpp"
#include "jobcast/redis/reply.hpp"

#include <string>
#include <vector>

namespace jobcast::redis {

class handshake {
 public:
  explicit handshake(const address& where);

  /// Encoded commands, to be sent in one go.
  const std::string& request() const { return request_; }

  enum class state { waiting, done, failed };
  /// Takes the next reply; not to be called again after done or failed.
  state on_reply(reply_view reply);

  /// After failed: which command, and what the server said.
  const std::string& failure() const { return failure_; }

 private:
  void add(std::initializer_list<std::string_view> arguments);

  std::string request_;
  std::vector<std::string> commands_;
  std::size_t answered_ = 0;
  std::string failure_;
};

} // namespace jobcast::redis
