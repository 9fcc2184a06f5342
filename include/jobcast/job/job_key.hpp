// Idempotent creation without a table (protocol section 5): the id of a keyed job is derived from who sent which key,
// and its record keeps a hash of the request, so that a replay is told from a different request under the same key.
// Pure.
#pragma once

#include "jobcast/job/report_json.hpp"

#include <string>
#include <string_view>

namespace jobcast::job {

/// `k` and 26 characters of a-z 2-7: the first 130 bits of SHA-256(publisher, NUL, key) in base32 (RFC 4648 section 6,
/// lower case). The key comes from a header and so holds no NUL, which keeps the two apart.
std::string keyed_job_id(std::string_view publisher, std::string_view idempotency_key);

/// SHA-256 in lower case hex over the pairs sorted by name, each part with its length: the order of members and white
/// space between them make no difference, every value does.
std::string request_hash(const pairs& fields);

} // namespace jobcast::job
