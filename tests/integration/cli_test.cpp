#include "jobcast/app/cli.hpp"

#include "jobcast/base/asio.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>
#include <sstream>
#include <thread>

using namespace jobcast;
using strings = std::vector<std::string>;

namespace {

/// A gateway that answers each connection with the next of its lines, and keeps what was asked.
class scripted_gateway {
 public:
  explicit scripted_gateway(strings answers)
      : answers_(std::move(answers))
      , thread_([this] { serve(); }) {}
  ~scripted_gateway() {
    if (thread_.joinable())
      thread_.join();
  }
  std::string url() { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  /// Heads and bodies, once all answers were given.
  const strings& asked() {
    thread_.join();
    return asked_;
  }

 private:
  void serve() {
    for (const auto& answer : answers_) {
      auto socket = acceptor_.accept();
      std::string request;
      const auto head = asio::read_until(socket, asio::dynamic_buffer(request), "\r\n\r\n");
      if (const auto at = request.find("Content-Length: "); at < head) {
        const auto rest = head + std::stoul(request.substr(at + 16)) - request.size();
        asio::read(socket, asio::dynamic_buffer(request), asio::transfer_exactly(rest));
      }
      asked_.push_back(request);
      asio::write(socket, asio::buffer(answer));
    }
  }

  asio::io_context context_;
  tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
  strings answers_, asked_;
  std::thread thread_;
};

const std::string stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nretry: 1\n\n";

std::string job_event(std::string_view id, std::string_view members) {
  return "id: " + std::string(id) + "\nevent: job\ndata: {\"id\":\"inv-1\"," + std::string(members) + "}\n\n";
}

std::string answer(std::string_view status, std::string_view body) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

struct watched {
  int code;
  std::string out, errors;
};
watched watch(const std::string& url, bool terminal = false) {
  std::ostringstream out, errors;
  const int code = app::watch(url, "inv-1", {out, terminal, 40}, errors);
  return {code, out.str(), errors.str()};
}

struct reported {
  int code;
  std::string out, errors;
};
reported report(const std::string& url, const strings& fields, const std::string& id = "inv-1") {
  std::ostringstream out, errors;
  const int code = app::report(url, id, fields, out, errors);
  return {code, out.str(), errors.str()};
}

} // namespace

TEST_CASE("a watch goes on where a lost connection left off, and ends with the job") {
  scripted_gateway gateway({stream_head + job_event("5-1", R"("status":"processing","progress":{"percent":10})"),
                            stream_head + job_event("6-2", R"("status":"done","progress":{"percent":100})")});
  const auto seen = watch(gateway.url());
  CHECK(seen.code == 0);
  CHECK(seen.out == "inv-1  processing  [==>                     ]  10 %\n"
                    "inv-1  processing  [==>                     ]  10 %  (connection lost; trying again)\n"
                    "inv-1  done  [========================] 100 %\n");
  const auto asked = gateway.asked();
  CHECK(asked[0].starts_with("GET /api/jobs/inv-1/events HTTP/1.1\r\n"));
  CHECK(holds(asked[0], "Accept: text/event-stream\r\n"));
  CHECK_FALSE(holds(asked[0], "Last-Event-ID"));
  CHECK(holds(asked[1], "Last-Event-ID: 5-1\r\n"));
}

TEST_CASE("a watch of a job that fails answers 1") {
  for (const std::string status : {"failed", "cancelled"}) {
    scripted_gateway gateway(
        {stream_head + job_event("5-1", "\"status\":\"" + status + "\",\"error\":{\"title\":\"Out of paper\"}")});
    const auto seen = watch(gateway.url());
    CHECK(seen.code == 1);
    CHECK(seen.out == "inv-1  " + status + "  Out of paper\n");
  }
}

TEST_CASE("on a terminal one line is drawn again and again") {
  scripted_gateway gateway({stream_head + job_event("5-1", R"("status":"pending","progress":{})") +
                            job_event("6-2", R"("status":"done","progress":{"percent":100,"message":"All pages"})")});
  const auto seen = watch(gateway.url(), true);
  CHECK(seen.out == "\rinv-1  pending\x1b[K\rinv-1  done  [========================…\x1b[K\n");
}

TEST_CASE("a watch says what keeps it waiting") {
  scripted_gateway gateway({stream_head + "event: missing\ndata: {\"id\":\"inv-1\"}\n\n" +
                            "event: gateway\ndata: {\"state\":\"degraded\"}\n\n" +
                            job_event("5-1", R"("status":"done")")});
  const auto seen = watch(gateway.url());
  CHECK(seen.code == 0);
  CHECK(seen.out == "(no such job yet; waiting for it)\n(the gateway has lost Redis; waiting)\ninv-1  done\n");
}

TEST_CASE("a watch that is refused ends with why") {
  scripted_gateway gateway({answer("404 Not Found", R"({"title":"Not Found"})")});
  const auto seen = watch(gateway.url());
  CHECK(seen.code == 1);
  CHECK(seen.errors == "jobcast: the gateway answered 404: {\"title\":\"Not Found\"}\n");
}

TEST_CASE("what a problem document says is what a person is told") {
  auto const refused =
      answer("400 Bad Request", R"({"title":"Bad Request","detail":"a number from 0 to 100","field":"percent"})");
  CHECK(report(scripted_gateway({refused}).url(), {"percent=101"}).errors ==
        "jobcast: the gateway answered 400: percent: a number from 0 to 100\n");
  auto const unknown = answer("401 Unauthorized", R"({"title":"Unauthorized","detail":"Say who you are."})");
  CHECK(watch(scripted_gateway({unknown}).url()).errors == "jobcast: the gateway answered 401: Say who you are.\n");
  auto const hostile = answer("403 Forbidden", R"({"detail":"\u001b]0;owned\u0007","field":"\u009b2J"})");
  CHECK(watch(scripted_gateway({hostile}).url()).errors == "jobcast: the gateway answered 403:  2J:  ]0;owned \n");
  auto const page = answer("502 Bad Gateway", "\x1b[2J" + std::string(5000, 'x'));
  CHECK(watch(scripted_gateway({page}).url()).errors ==
        "jobcast: the gateway answered 502:  [2J" + std::string(296, 'x') + "\n");
}

TEST_CASE("a gateway that is not there is said to be, once") {
  const auto url = scripted_gateway({}).url();
  CHECK(watch(url).code == 1);
  CHECK(holds(watch(url).errors, "Failed to connect"));
  CHECK(report(url, {"percent=1"}).code == 1);
}

TEST_CASE("a report sends its fields and shows the answer") {
  scripted_gateway gateway({answer("200 OK", R"({"result":"ok","version":3})")});
  const auto told = report(gateway.url(), {"status=done", "message=a=b \"c\"", "result={\"pages\": 7}"});
  CHECK(told.code == 0);
  CHECK(told.out == "{\"result\":\"ok\",\"version\":3}\n");
  const auto asked = gateway.asked();
  CHECK(asked[0].starts_with("POST /api/jobs/inv-1/report HTTP/1.1\r\n"));
  CHECK(asked[0].ends_with("\r\n\r\n"
                           R"({"status":"done","message":"a=b \"c\"","result":{"pages": 7}})"));
}

TEST_CASE("a report that is refused shows the problem") {
  scripted_gateway gateway({answer("400 Bad Request", R"({"title":"Bad Request","field":"percent"})")});
  const auto told = report(gateway.url(), {"percent=many"});
  CHECK(told.code == 1);
  CHECK(told.out.empty());
  CHECK(holds(told.errors, "\"field\":\"percent\""));
}

TEST_CASE("arguments that cannot be meant are usage errors") {
  CHECK(report("http://127.0.0.1:1", {"percent"}).code == 2);
  CHECK(report("http://127.0.0.1:1", {"=1"}).code == 2);
  CHECK(report("http://127.0.0.1:1", {"result={"}).code == 2);
  CHECK(holds(report("http://127.0.0.1:1", {"result=hello"}).errors, "result takes JSON"));
  CHECK(report("http://127.0.0.1:1", {"percent=1"}, "a b").code == 2);
  CHECK(report("127.0.0.1:1", {"percent=1"}).code == 2);
  CHECK(watch("ftp://x").code == 2);
}
