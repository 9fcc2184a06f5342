// What a client asks to be streamed, checked and ready to be opened.
#pragma once

#include "jobcast/auth/identity.hpp"
#include "jobcast/net/admission.hpp"

#include <string>
#include <vector>

namespace jobcast::hub {

struct watch_request {
  std::vector<std::string> jobs; ///< valid ids, no duplicates; empty for an owner's
  std::string scope;             ///< of the owner, if `jobs` is empty
  bool single = false;           ///< GET /api/jobs/{id}/events: ends with its job
  bool every = false;            ///< each version instead of the newest
  bool head = false;             ///< HEAD: only the response head
  bool chunked = true;           ///< false for HTTP/1.0, whose bodies last until the close
  std::string last_event_id;
  auth::identity_ptr who;      ///< null where everyone may see everything
  net::admission::payer payer; ///< whom reads for it are charged to
  std::string headers;         ///< further response headers (CORS), each line ending in CRLF
};

} // namespace jobcast::hub
