// What endpoints have in common: checking ids and owners, records as responses, failures as problems.
#pragma once

#include "jobcast/api/context.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace jobcast::api {

/// The problem for a call that gave no answer; 503 with Retry-After while Redis is away.
http::response problem_of(context& c, const store::failure& f);
/// The same, with a field that was refused named as in `body`, the JSON that it came in.
http::response problem_of(context& c, store::failure f, std::string_view body);
/// Unknown and not-yours look alike.
http::response not_found(std::string_view id);
/// A problem if `id` cannot be a job's.
std::optional<http::response> check_job_id(std::string_view id, std::string_view field = "id");
/// The scope that `?owner=` (and `&tenant=`) name, or a problem. `me` is whoever asks; others' are for who may read
/// them.
std::variant<std::string, http::response> scope_of(const http::request& r);

/// Seconds to wait before asking again for a record that is not final: until `retry_at` or `eta` where it says so, else
/// 1 s for a fresh one growing to 15 s; times `load`, and up to a fifth more by `random`. Pure.
unsigned retry_after(std::string_view record, std::int64_t now, double load, std::uint32_t random);
void add_retry_after(context& c, http::response& out, std::string_view record);

/// `200` or `202` with the record, ETag and Retry-After.
http::response record_response(context& c, unsigned status, std::string_view event_id, bool final,
                               std::string_view record);
/// The header lines of everything that depends on who asks and may be cached by nobody else.
std::string private_headers();

} // namespace jobcast::api
