// From the configuration to what is made of the files it names: keys, certificates. Read at start, by `jobcast check`,
// and again on SIGHUP.
#pragma once

#include "jobcast/auth/authenticator.hpp"
#include "jobcast/base/settings.hpp"
#include "jobcast/net/networks.hpp"
#include "jobcast/net/tls.hpp"

#include <boost/system/result.hpp>
#include <memory>
#include <optional>
#include <string>

namespace jobcast::app {

/// What reactors share of it. Immutable, replaced as a whole; safe to use from any thread.
struct secrets {
  std::shared_ptr<const auth::authenticator> auth;
  std::shared_ptr<const net::networks> trusted_proxies;
  std::optional<net::tls_context> tls; ///< of the listener
};

/// The error is a sentence that names the key and the file, and never what is in it. Any thread.
boost::system::result<secrets, std::string> load_secrets(const settings& values);

/// The keys that tokens are verified with, as configured.
boost::system::result<auth::key_ring, std::string> load_keys(const auth_settings& values);

} // namespace jobcast::app
