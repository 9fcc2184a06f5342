// A request as the endpoints see it, free of Beast, which would cost every file that includes it half a minute.
#pragma once

#include "jobcast/auth/identity.hpp"

#include <boost/asio/ip/address.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jobcast::http {

using query_parameters = std::vector<std::pair<std::string, std::string>>;

/// Where header fields are looked up; implemented over the parser's own storage.
class field_source {
 public:
  /// The field's value, or empty. Names are compared without regard to case.
  virtual std::string_view field(std::string_view name) const = 0;
  /// Whether there is one, be it empty.
  virtual bool has(std::string_view name) const = 0;
  /// The values of all its lines, in order and joined by commas, which means the same (RFC 9110, section 5.3).
  virtual std::string list(std::string_view name) const = 0;

 protected:
  ~field_source() = default;
};

/// Whether anybody still waits for the answer. On the reactor's thread only.
class client_presence {
 public:
  /// The client has closed its connection, or its sending half. Costs no system call.
  virtual bool gone() const = 0;
  /// Has `told` called when the client leaves, unless it has left by now. One listener at a time; null: none.
  virtual void when_gone(std::function<void()> told) = 0;

 protected:
  ~client_presence() = default;
};

struct request {
  std::string_view method; ///< "GET"; "HEAD" is given as GET with `head` set
  bool head = false;
  bool http10 = false;           ///< HTTP/1.0
  std::string_view authority;    ///< of a target in absolute form
  std::vector<std::string> path; ///< percent-decoded segments; "/api/jobs" is {"api", "jobs"}, "/" is {}
  query_parameters query;
  std::string_view body;
  const field_source* fields = nullptr;
  boost::asio::ip::address peer;     ///< the other end of the connection, which may be a proxy
  client_presence* client = nullptr; ///< who waits for the answer; as long as the handler's task
  auth::identity_ptr who;            ///< who asks; null until the router has found out, or where that is nobody

  std::string_view field(std::string_view name) const { return fields->field(name); }
  /// True if nobody waits for the answer any more, so that what is still to be read for it need not be.
  bool abandoned() const { return client && client->gone(); }
  /// The host that is asked for: of the target if that names one, whatever Host says (RFC 9112, section 3.2.2).
  std::string_view host() const { return authority.empty() ? field("Host") : authority; }
  /// The first parameter of that name.
  std::optional<std::string_view> parameter(std::string_view name) const;
};

/// Decodes `%41`; with `plus_is_space`, also `+`. Nothing if malformed, or if it decodes to a control character.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// Splits a request target, in origin or absolute form (RFC 9112, section 3.2), into `r.authority`, path segments and
/// query. False if it is malformed.
bool parse_target(std::string_view target, request& r);

} // namespace jobcast::http
