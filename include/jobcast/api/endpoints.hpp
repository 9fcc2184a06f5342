// The endpoints of protocol section 3, one function each. `parts` are the path segments that the route left open.
#pragma once

#include "jobcast/api/context.hpp"

#include <span>

namespace jobcast::api {

using parts = std::span<const std::string>;
using endpoint = task<http::answer> (*)(context&, http::request&, parts);

task<http::answer> get_status(context&, http::request&, parts);
task<http::answer> get_history(context&, http::request&, parts);
task<http::answer> get_inbox(context&, http::request&, parts);
task<http::answer> get_jobs(context&, http::request&, parts);
task<http::answer> get_job_events(context&, http::request&, parts);
task<http::answer> get_events(context&, http::request&, parts);
task<http::answer> get_websocket(context&, http::request&, parts);
task<http::answer> post_jobs(context&, http::request&, parts);
task<http::answer> post_report(context&, http::request&, parts);
task<http::answer> post_reports(context&, http::request&, parts);
task<http::answer> post_cancel(context&, http::request&, parts);
task<http::answer> post_retry(context&, http::request&, parts);
task<http::answer> post_seen(context&, http::request&, parts);
task<http::answer> post_watch_links(context&, http::request&, parts);
task<http::answer> delete_job(context&, http::request&, parts);
/// cancel, retry or seen by name, for WebSocket: an empty text, or the problem document.
/// `attempt`: of seen, whose outcome it was; 0: not said.
task<std::string> run_command(context&, auth::identity_ptr who, std::string op, std::string id, std::uint64_t attempt);
task<http::answer> get_health(context&, http::request&, parts);
task<http::answer> get_ready(context&, http::request&, parts);
task<http::answer> get_metrics(context&, http::request&, parts);
task<http::answer> get_openapi(context&, http::request&, parts);
task<http::answer> get_client(context&, http::request&, parts);
/// Everything no other route takes: the files of `web.root`.
task<http::answer> get_file(context&, http::request&, parts);

} // namespace jobcast::api
