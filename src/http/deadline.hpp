#pragma once

#include "jobcast/base/timing_wheel.hpp"
#include "jobcast/net/client_socket.hpp"

namespace jobcast::http {

/// Cuts off whatever the connection is waiting for when its time is over.
class deadline final : public wheel_entry {
 public:
  explicit deadline(net::client_socket& socket)
      : socket_(socket) {}
  void on_deadline() override {
    expired_ = true;
    socket_.cancel();
  }
  bool expired() const { return expired_; }

 private:
  net::client_socket& socket_;
  bool expired_ = false;
};

} // namespace jobcast::http
