#include "peer.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <stdexcept>
#include <toml++/toml.h>

namespace jobcast::bench {

peer jobcast_peer(const options& o) {
  peer p;
  p.channel = o.ns + ":event:{job}";
  if (o.every) {
    p.sse += "?every=true";
    p.hello.front() = R"({"op":"watch","jobs":["{job}"],"every":true})";
  }
  return p;
}

peer read_peer(const std::string& file) {
  peer p;
  p.name = file;
  p.snapshots = false;
  for (std::string* ours : {&p.sse, &p.websocket, &p.subprotocol, &p.post})
    ours->clear();
  p.hello.clear();
  toml::table table;
  try {
    table = toml::parse_file(file);
  } catch (const toml::parse_error& problem) {
    throw std::runtime_error(
        fmt::format("--peer {}: line {}: {}", file, problem.source().begin.line, problem.description()));
  }
  struct member {
    std::string_view name;
    std::string* into;
  };
  member const texts[] = {{"name", &p.name},           {"sse", &p.sse},
                          {"websocket", &p.websocket}, {"subprotocol", &p.subprotocol},
                          {"ready", &p.ready},         {"channel", &p.channel},
                          {"event", &p.event},         {"post", &p.post},
                          {"post_type", &p.post_type}, {"post_body", &p.post_body}};
  for (auto const& [key, value] : table) {
    if (key == "hello" && value.is_array()) {
      for (auto const& text : *value.as_array())
        p.hello.push_back(text.value_or(std::string()));
      continue;
    }
    auto const* at =
        std::find_if(std::begin(texts), std::end(texts), [&](const member& m) { return m.name == key.str(); });
    if (at == std::end(texts) || !value.is_string())
      throw std::runtime_error(fmt::format("--peer {}: '{}' is not known, or not a text", file, key.str()));
    *at->into = **value.as_string();
  }
  return p;
}

std::string fill(std::string_view text, std::string_view job, std::string_view version, std::string_view record) {
  std::string out;
  out.reserve(text.size() + job.size() + version.size() + record.size());
  while (!text.empty()) {
    auto const brace = text.find('{');
    out.append(text.substr(0, brace));
    if (brace == std::string_view::npos)
      break;
    text.remove_prefix(brace);
    if (text.starts_with("{job}"))
      out.append(job), text.remove_prefix(5);
    else if (text.starts_with("{version}"))
      out.append(version), text.remove_prefix(9);
    else if (text.starts_with("{record}"))
      out.append(record), text.remove_prefix(8);
    else
      out += '{', text.remove_prefix(1);
  }
  return out;
}

} // namespace jobcast::bench
