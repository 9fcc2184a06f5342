// One HTTP request from the command line, over a connection of its own. Blocks.
#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jobcast::app {

struct fetch_request {
  std::string method = "GET";
  std::string url; ///< http or https
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::chrono::seconds patience{10}; ///< for connecting, and for each silence after
};

/// Sees the body as it arrives. False ends the fetch.
using body_reader = std::function<bool(unsigned status, std::string_view piece)>;

struct fetch_failure {
  bool connected = false; ///< it was after the connection stood
  std::string why;
};

/// The status, once the body has ended or `read_body` wants no more. Certificates are checked against those that the
/// system trusts, and those in the file that SSL_CERT_FILE names. No proxy is used.
boost::system::result<unsigned, fetch_failure> fetch(const fetch_request& request, const body_reader& read_body);

/// Adds the token or API key in the environment variable JOBCAST_TOKEN, if there is one: in an argument everyone on the
/// machine could read it.
void add_credentials(fetch_request& request);

/// Fills `url` from `http[s]://host[:port][/path]` and a path to go behind it; false for any other URL.
bool aim(fetch_request& request, std::string_view url, std::string_view path);

} // namespace jobcast::app
