// From method and path to an endpoint, with CORS and the check of Origin around all of them.
#pragma once

#include "jobcast/api/context.hpp"

namespace jobcast::api {

class router final : public http::request_handler {
 public:
  explicit router(context& c)
      : context_(c) {}

  task<http::answer> handle(http::request& r) override;
  void decorate(const http::field_source* fields, http::response& r) override;
  bool draining() const override { return context_.draining(); }

 private:
  context& context_;
};

} // namespace jobcast::api
