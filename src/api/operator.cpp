// What operators and machines ask: health, readiness, metrics, the description, the browser client.

#include "jobcast/api/endpoints.hpp"
#include "jobcast/base/embedded.hpp"
#include "jobcast/job/json_text.hpp"

namespace jobcast::api {

namespace {

http::response text(std::string_view type, std::string_view body, std::string_view cache) {
  http::response out;
  out.content_type = type;
  out.headers.append("Cache-Control: ").append(cache).append("\r\n");
  out.body = body;
  return out;
}

// What holds nothing of anybody's: a page of any origin may load it, as a module and into a page that is isolated
// (Cross-Origin-Embedder-Policy) too.
http::response public_file(std::string_view type, std::string_view body) {
  http::response out = text(type, body, "no-cache");
  out.add("Cross-Origin-Resource-Policy", "cross-origin");
  out.add("X-Content-Type-Options", "nosniff");
  out.for_everyone = true;
  return out;
}

} // namespace

task<http::answer> get_health(context&, http::request&, parts) {
  co_return text("text/plain; charset=utf-8", "ok\n", "no-store");
}

task<http::answer> get_ready(context& c, http::request&, parts) {
  readiness const now = c.ready();
  if (now.ready)
    co_return text("application/json", R"({"ready":true})", "no-store");
  http::response out = http::problem(503, now.why_not);
  out.add("Retry-After", "1");
  co_return out;
}

task<http::answer> get_metrics(context& c, http::request&, parts) {
  co_return text("text/plain; version=0.0.4; charset=utf-8", c.metrics(), "no-store");
}

task<http::answer> get_openapi(context&, http::request&, parts) {
  co_return public_file("application/yaml", embedded::openapi_yaml());
}

task<http::answer> get_client(context&, http::request& r, parts) {
  std::string_view const name = r.path.front();
  std::string_view const script = name == "components.js"       ? embedded::components_js()
                                  : name == "jobcast.global.js" ? embedded::jobcast_global_js()
                                                                : embedded::jobcast_js();
  co_return public_file("text/javascript; charset=utf-8", script);
}

} // namespace jobcast::api
