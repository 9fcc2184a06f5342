// What a client asks with `Prefer: wait`: to hold a request until its job's record changes.
#pragma once

#include "jobcast/auth/identity.hpp"
#include "jobcast/http/request.hpp"

#include <chrono>
#include <string>

namespace jobcast::hub {

struct poll_request {
  auth::identity_ptr who; ///< null where everyone may see everything
  std::string job;
  std::string known; ///< event id of the record that the client has; empty: the job is missing as far as it may know
  std::chrono::milliseconds wait;
  http::client_presence* client; ///< who waits for the answer; null: somebody to the end
};

} // namespace jobcast::hub
