// Who asks, and whether they may: what the router checks before an endpoint runs, and endpoints once they know the job.
#pragma once

#include "jobcast/api/context.hpp"
#include "jobcast/auth/rules.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace jobcast::api {

/// The address of whoever asks, which proxies that are trusted have forwarded.
asio::ip::address client_of(const context& c, const http::request& r);

/// Whose limits.request_rate reads are charged to that cost more than a request: the address of whoever asks. Nobody's
/// for API keys, and where everyone may do everything.
net::admission::payer payer_of(const context& c, const http::request& r);

store::reader reader_of(const context& c, const http::request& r);

/// Has `open` take the connection over for a stream, which counts as a connection of the client's address if that came
/// through a proxy; or refuses it, if the address has limits.connections_per_address of them.
http::answer take_over(context& c, const http::request& r, std::function<void(net::client_socket)> open);

/// What a held poll takes of the limits, as long as it lives.
struct poll_place {
  net::admission::ticket viewer;  ///< among the streams of a viewer
  net::admission::ticket address; ///< among the connections of an address that came through a proxy
};
/// A place for a poll; nothing if its viewer or address has no more.
std::optional<poll_place> admit_poll(context& c, const http::request& r);

/// Finds out who asks and stores it in `r.who`, within limits.request_rate. Answers a refusal, or nothing.
std::optional<http::response> identify(context& c, http::request& r);

/// limits.request_rate for what takes no credentials. As with credentials, it is not for where everyone may do
/// everything.
std::optional<http::response> check_anonymous_rate(context& c, const http::request& r);

/// Whom bytes that a request brings, or is answered with, are held for.
net::admission::client holder_of(const context& c, const http::request& r);

/// Nothing if whoever asks may do that to some job at least; else 401 or 403.
std::optional<http::response> check_may_ever(context& c, const http::request& r, auth::action what);

/// Whether limits.reserve is for whoever asks.
bool has_reserve(const http::request& r);

/// Nothing if limits.reserve leaves room for whoever asks.
std::optional<http::response> check_room(context& c, const http::request& r);

/// Whether that may be done to the job of this record.
bool may(const auth::identity& who, auth::action what, std::string_view record);

/// The scope to which reading this job can be narrowed (store::get), so that the jobs of others take no longer than
/// none; empty for whoever may see more than what they own.
std::string own_scope(const auth::identity& who, std::string_view id);

/// Fields that have the function library judge whether that may be done to the job, in the call that does it: the job
/// of another is then a missing one. None for whoever may do everything.
store::arguments bounding_fields(const auth::identity& who, auth::action what, std::string_view id);

/// For streams: null where everyone may see everything, so that nothing is judged.
auth::identity_ptr watching(const http::request& r);

/// Words of the history that only jobcast writes become `worker`: over HTTP nobody may pass for it. `role`: the word
/// that jobcast itself writes for whoever sends this.
void replace_reserved_by(store::arguments& fields, std::string_view role);

/// Fields that have the function library refuse what a publisher may not publish.
void add_publisher_bounds(const auth::identity& who, store::arguments& fields);
http::response may_not_publish();

/// A refusal that will pass: for an event stream a stream that says so and ends, since an EventSource never comes back
/// after anything else (protocol section 4); otherwise a problem with Retry-After.
http::response passing_refusal(context& c, const http::request& r, unsigned status, std::string_view detail,
                               unsigned retry_after_s);

} // namespace jobcast::api
