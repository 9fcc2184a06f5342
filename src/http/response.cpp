#include "jobcast/http/response.hpp"

#include "jobcast/job/json_text.hpp"

#include <fmt/format.h>

namespace jobcast::http {

namespace {

void append_number(std::string& out, std::size_t number) {
  fmt::format_int const digits(number);
  out.append(digits.data(), digits.size());
}

} // namespace

std::string_view reason(unsigned status) {
  switch (status) {
  case 200:
    return "OK";
  case 202:
    return "Accepted";
  case 204:
    return "No Content";
  case 304:
    return "Not Modified";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 101:
    return "Switching Protocols";
  case 426:
    return "Upgrade Required";
  case 413:
    return "Content Too Large";
  case 415:
    return "Unsupported Media Type";
  case 422:
    return "Unprocessable Content";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 501:
    return "Not Implemented";
  case 503:
    return "Service Unavailable";
  case 505:
    return "HTTP Version Not Supported";
  default:
    return "Unknown";
  }
}

bool sends_body(const response& r, bool head) {
  return !head && r.status != 204 && r.status != 304;
}

std::string serialize_head(const response& r, bool keep_alive) {
  std::string out;
  out.reserve(256 + r.headers.size());
  out += "HTTP/1.1 ";
  append_number(out, r.status);
  out.append(" ").append(reason(r.status)).append("\r\n");
  if (sends_body(r, false)) {
    if (r.body_size() > 0)
      out.append("Content-Type: ").append(r.content_type).append("\r\n");
    out += "Content-Length: ";
    append_number(out, r.body_size());
    out += "\r\n";
  }
  out += r.headers;
  if (!keep_alive)
    out += "Connection: close\r\n";
  out += "\r\n";
  return out;
}

std::string problem_json(unsigned status, std::string_view detail, std::string_view field) {
  std::string out = fmt::format(R"({{"type":"about:blank","title":"{}","status":{},"detail":)", reason(status), status);
  job::append_json_string(out, detail);
  if (!field.empty()) {
    out += R"(,"field":)";
    job::append_json_string(out, field);
  }
  out += '}';
  return out;
}

response problem(unsigned status, std::string_view detail, std::string_view field) {
  response r;
  r.status = status;
  r.content_type = "application/problem+json";
  r.headers = "Cache-Control: no-store\r\n";
  r.body = problem_json(status, detail, field);
  return r;
}

} // namespace jobcast::http
