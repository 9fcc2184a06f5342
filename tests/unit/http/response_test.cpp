#include "jobcast/http/response.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace jobcast;

TEST_CASE("every status that is answered has its name") {
  for (unsigned status :
       {101, 200, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 426, 429, 431, 500, 501, 503, 505})
    CHECK_MESSAGE(http::reason(status) != "Unknown", status);
  CHECK(http::reason(401) == "Unauthorized");
  CHECK(http::problem_json(401, "Say who you are.").find(R"("title":"Unauthorized")") != std::string::npos);
}

TEST_CASE("a body is announced where there is one, and where HEAD asks for its head alone") {
  http::response out;
  out.body = "{}";
  CHECK(http::serialize_head(out, true) ==
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n");
  CHECK(http::sends_body(out, false));
  CHECK_FALSE(http::sends_body(out, true));
  out.status = 204;
  CHECK(http::serialize_head(out, false) == "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  CHECK_FALSE(http::sends_body(out, false));
}
