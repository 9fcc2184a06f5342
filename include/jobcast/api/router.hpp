// From method and path to an endpoint, with CORS and the check of Origin around all of them.
#pragma once

#include "jobcast/api/context.hpp"

namespace jobcast::api {

class router final : public http::request_handler {
 public:
  explicit router(context& c)
      : context_(c) {}

  http::verdict judge(http::request& r) override;
  task<http::answer> handle(http::request& r) override;
  void decorate(const http::request* r, http::response& out) override;
  net::admission::client holder(const asio::ip::address& peer, const http::request* r) override;
  bool draining() const override { return context_.draining(); }

 private:
  std::optional<http::response> refuse(http::request& r);

  context& context_;
};

} // namespace jobcast::api
