// uWebSockets: GET /<job> is a WebSocket that is sent each record as text. Built by `scripts/bench --uws FOLDER`
// against a checkout, since no package has the library.
//
//   uws PORT REDIS_PORT
#include <App.h>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

struct watch {
  std::string job;
};
using socket = uWS::WebSocket<false, true, watch>;

uWS::App* app = nullptr;
us_socket_t* redis = nullptr;
std::string from_redis;
/// Of a channel whose subscription is not acknowledged yet: who waits.
std::unordered_map<std::string, std::vector<socket*>> waiting;
std::unordered_map<std::string, bool> subscribed;

void command(const std::string& channel) {
  std::string const text = "*2\r\n$9\r\nSUBSCRIBE\r\n$" + std::to_string(channel.size()) + "\r\n" + channel + "\r\n";
  us_socket_write(0, redis, text.data(), static_cast<int>(text.size()), 0);
}

// The next string or number of a push, array heads passed over. False: it has not wholly come.
bool next(std::string_view& at, std::string_view& value) {
  auto end = at.find("\r\n");
  if (end != at.npos && at.front() == '*') {
    at.remove_prefix(end + 2);
    end = at.find("\r\n");
  }
  if (end == at.npos)
    return false;
  if (at.front() == ':') {
    at.remove_prefix(end + 2);
    return true;
  }
  auto const size = static_cast<std::size_t>(std::atoi(at.data() + 1));
  if (at.size() < end + 2 + size + 2)
    return false;
  value = at.substr(end + 2, size);
  at.remove_prefix(end + 2 + size + 2);
  return true;
}

void on_push(std::string_view kind, std::string_view channel, std::string_view last) {
  if (kind == "subscribe") {
    subscribed[std::string(channel)] = true;
    for (socket* each : waiting[std::string(channel)])
      each->send("ready", uWS::OpCode::TEXT);
    waiting.erase(std::string(channel));
  } else if (kind == "message") {
    // "<version> <flags> <record>"
    auto const record = last.substr(last.find(' ', last.find(' ') + 1) + 1);
    app->publish(channel, record, uWS::OpCode::TEXT);
  }
}

us_socket_t* on_redis(us_socket_t* s, char* bytes, int size) {
  from_redis.append(bytes, static_cast<std::size_t>(size));
  std::string_view rest = from_redis;
  for (std::string_view at = rest, kind, channel, last; next(at, kind) && next(at, channel) && next(at, last);
       rest = at)
    on_push(kind, channel, last);
  from_redis.erase(0, from_redis.size() - rest.size());
  return s;
}

void on_open(socket* ws) {
  std::string const channel = "jobcast:event:" + ws->getUserData()->job;
  ws->subscribe(channel);
  if (subscribed[channel]) {
    ws->send("ready", uWS::OpCode::TEXT);
    return;
  }
  auto& others = waiting[channel];
  others.push_back(ws);
  if (others.size() == 1)
    command(channel);
}

} // namespace

int main(int count, char** arguments) {
  if (count < 3)
    return 2;
  uWS::App here;
  app = &here;
  us_socket_context_options_t const plain{};
  us_socket_context_t* context = us_create_socket_context(0, reinterpret_cast<us_loop_t*>(uWS::Loop::get()), 0, plain);
  us_socket_context_on_open(0, context, [](us_socket_t* s, int, char*, int) { return s; });
  us_socket_context_on_data(0, context, on_redis);
  us_socket_context_on_writable(0, context, [](us_socket_t* s) { return s; });
  us_socket_context_on_close(0, context, [](us_socket_t* s, int, void*) { return s; });
  us_socket_context_on_end(0, context, [](us_socket_t* s) { return s; });
  us_socket_context_on_connect_error(0, context, [](us_socket_t* s, int) {
    std::exit(1);
    return s;
  });
  redis = us_socket_context_connect(0, context, "127.0.0.1", std::atoi(arguments[2]), nullptr, 0, 0);

  here.ws<watch>("/:job",
                 {
                     .compression = uWS::DISABLED,
                     .idleTimeout = 0,
                     .maxBackpressure = 16 * 1024 * 1024,
                     .upgrade =
                         [](auto* response, auto* request, auto* context) {
                           response->template upgrade<watch>({std::string(request->getParameter(0))},
                                                             request->getHeader("sec-websocket-key"),
                                                             request->getHeader("sec-websocket-protocol"),
                                                             request->getHeader("sec-websocket-extensions"), context);
                         },
                     .open = on_open,
                 })
      .listen("127.0.0.1", std::atoi(arguments[1]),
              [](auto* listening) {
                if (!listening)
                  std::exit(1);
              })
      .run();
}
