// Who asks, once their credentials were checked.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jobcast::auth {

/// Immutable once made. Shared by what one client opened; the count is not atomic, so it stays on one thread.
struct identity : boost::intrusive_ref_counter<identity, boost::thread_unsafe_counter> {
  enum class kind : std::uint8_t {
    nobody,  ///< has not said who it is
    open,    ///< no keys are configured: everyone may do everything
    token,   ///< a JSON Web Token
    link,    ///< a watch link: reads what it names, and nothing else
    api_key, ///< of a publisher
  };
  kind what = kind::nobody;
  bool by_cookie = false;         ///< a browser adds it by itself, so commands need an allowed Origin
  bool read_all = false;          ///< scope jobs:read:all
  bool publish = false;           ///< scope jobs:publish, or an API key
  bool operate = false;           ///< scope operator
  std::string sub;                ///< the owner it is; empty: none
  std::string tenant;             ///< empty: none
  std::string name;               ///< of an API key; of a token without `sub`, its issuer
  std::vector<std::string> jobs;  ///< ids it may see besides what it owns
  std::vector<std::string> types; ///< of a publisher: the only ones it may publish; empty: all
  std::int64_t expires_at = 0;    ///< milliseconds since the epoch; 0: never
  std::int64_t renew_by = 0;      ///< the same without the leeway for clocks: when its bearer takes it to end
  std::uint64_t vouched_by = 0;   ///< fingerprint of the key, secret or publisher behind it; 0: none
};

using identity_ptr = boost::intrusive_ptr<const identity>;

/// The scopes a token may carry.
inline constexpr std::string_view scope_read_all = "jobs:read:all";
inline constexpr std::string_view scope_publish = "jobs:publish";
inline constexpr std::string_view scope_operator = "operator";

} // namespace jobcast::auth
