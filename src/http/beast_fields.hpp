// The fields of a request that Beast has parsed.
#pragma once

#include "jobcast/http/request.hpp"

#include <boost/beast/http/fields.hpp>
#include <string>
#include <string_view>

namespace jobcast::http {

class beast_fields final : public field_source {
 public:
  explicit beast_fields(const boost::beast::http::fields& fields)
      : fields_(fields) {}
  std::string_view field(std::string_view name) const override {
    auto const value = fields_[boost::beast::string_view(name.data(), name.size())];
    return {value.data(), value.size()};
  }
  bool has(std::string_view name) const override {
    return fields_.find(boost::beast::string_view(name.data(), name.size())) != fields_.end();
  }
  std::string list(std::string_view name) const override {
    std::string all;
    auto const [first, last] = fields_.equal_range(boost::beast::string_view(name.data(), name.size()));
    for (auto at = first; at != last; ++at)
      all.append(at == first ? "" : ",").append(at->value().data(), at->value().size());
    return all;
  }

 private:
  const boost::beast::http::fields& fields_;
};

} // namespace jobcast::http
