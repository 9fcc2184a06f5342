#include "result.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace jobcast::bench {

namespace {

std::string_view name_of(transport t) {
  return t == transport::sse ? "sse" : t == transport::websocket ? "websocket" : "long-poll";
}

std::string_view name_of(way w) {
  switch (w) {
  case way::fcall:
    return "fcall";
  case way::event:
    return "event";
  case way::publish:
    return "publish";
  case way::http:
    return "http";
  }
  return {};
}

double microseconds(std::int64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

std::string duration(std::int64_t ns) {
  double const us = microseconds(ns);
  return us < 10'000 ? fmt::format("{:.0f} us", us)
         : us < 10e6 ? fmt::format("{:.1f} ms", us / 1e3)
                     : fmt::format("{:.1f} s", us / 1e6);
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

} // namespace

std::vector<std::string> result::failures() const {
  std::vector<std::string> out;
  if (lost != 0)
    out.push_back(fmt::format("{} deliveries were lost", lost));
  if (out_of_order != 0)
    out.push_back(fmt::format("{} deliveries repeated a version, or went back", out_of_order));
  if (refused != 0)
    out.push_back(fmt::format("{} reports were not accepted", refused));
  if (asked.every && conflated != 0)
    out.push_back(fmt::format("{} versions were skipped though every one was asked for", conflated));
  return out;
}

std::vector<std::string> result::doubts() const {
  std::vector<std::string> out;
  if (seconds > 0 && own_cpu > 0.9 * seconds)
    out.push_back("the load itself used its whole core, so the server may be able to do more");
  if (asked.rate > 0 && unanswered > asked.rate)
    out.push_back("reports were not answered as fast as they were sent; latency includes their waiting");
  if (seconds > 0 && asked.rate > 0 && reports_per_second() < 0.98 * asked.rate)
    out.push_back(
        fmt::format("the load kept {:.0f} of the {} reports a second asked for", reports_per_second(), asked.rate));
  return out;
}

std::string to_text(const result& r) {
  std::string out;
  auto const line = [&](std::string_view name, const std::string& text) {
    fmt::format_to(std::back_inserter(out), "{:<10} {}\n", name, text);
  };
  line("server",
       fmt::format("{}, {} {} watchers on {} jobs", r.server, r.asked.watchers, name_of(r.asked.over), r.jobs));
  if (r.asked.watchers > 0)
    line("opened",
         fmt::format("{:.0f}/s{}", r.connections_per_second(),
                     r.reopening > 0 ? fmt::format(", all again at once {:.0f}/s", r.reconnections_per_second()) : ""));
  if (r.seconds > 0) {
    line("published", fmt::format("{} via {}, {:.0f}/s; refused {}", r.published, name_of(r.asked.via),
                                  r.reports_per_second(), r.refused));
    if (r.asked.watchers > 0) {
      line("delivered", fmt::format("{:.0f}/s; {} in all, conflated {}, lost {}, out of order {}",
                                    r.deliveries_per_second(), r.delivered, r.conflated, r.lost, r.out_of_order));
      std::string text;
      for (auto const& [name, q] :
           {std::pair<const char*, double>{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}})
        text += fmt::format("{} {}, ", name, duration(r.latencies.at(q)));
      line("latency", text + "max " + duration(r.latencies.max()) +
                          (r.asked.rate == 0 ? " (without a rate this is the length of the window)" : ""));
    }
  }
  for (const usage& u : r.processes) {
    std::string text;
    if (r.seconds > 0) {
      text = fmt::format("CPU {:.0f} % of a core", 100 * u.cpu / r.seconds);
      if (r.delivered_in_time > 0)
        text += fmt::format(", {:.2f} us a delivery", r.cpu_per_delivery(u));
      text += fmt::format(", {:.2f} us a report; ", r.cpu_per_report(u));
    }
    if (r.asked.watchers > 0)
      text +=
          fmt::format("{:.0f} us and {:.0f} bytes a connection; ", r.cpu_per_connection(u), r.memory_per_connection(u));
    line(u.name, text + fmt::format("{:.1f} MiB", u.memory_end / 1048576));
  }
  if (r.seconds > 0)
    line("load", fmt::format("CPU {:.0f} % of a core", 100 * r.own_cpu / r.seconds));
  for (const std::string& doubt : r.doubts())
    line("note", doubt);
  for (const std::string& failure : r.failures())
    line("FAILED", failure);
  return out;
}

std::string to_json(const result& r) {
  std::string out = "{\n";
  auto const at = std::back_inserter(out);
  fmt::format_to(at, "  \"server\": {}, \"transport\": \"{}\", \"via\": \"{}\", \"every\": {}, \"rate\": {},\n",
                 json_text(r.server), name_of(r.asked.over), name_of(r.asked.via), r.asked.every, r.asked.rate);
  fmt::format_to(at, "  \"watchers\": {}, \"jobs\": {}, \"seconds\": {:.3f},\n", r.asked.watchers, r.jobs, r.seconds);
  fmt::format_to(at, "  \"connections_per_second\": {:.1f}, \"reconnections_per_second\": {:.1f},\n",
                 r.connections_per_second(), r.reconnections_per_second());
  fmt::format_to(at, "  \"published\": {}, \"reports_per_second\": {:.1f}, \"refused\": {}, \"unanswered\": {},\n",
                 r.published, r.reports_per_second(), r.refused, r.unanswered);
  fmt::format_to(at,
                 "  \"delivered\": {}, \"deliveries_per_second\": {:.1f}, \"conflated\": {}, \"lost\": {}, "
                 "\"out_of_order\": {},\n",
                 r.delivered, r.deliveries_per_second(), r.conflated, r.lost, r.out_of_order);
  out += "  \"latency_us\": {";
  for (auto const& [name, q] :
       {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99_9", 0.999}, {"p99_99", 0.9999}})
    fmt::format_to(at, "\"{}\": {:.1f}, ", name, microseconds(r.latencies.at(q)));
  fmt::format_to(at, "\"max\": {:.1f}}},\n  \"load_cpu_seconds\": {:.3f},\n  \"processes\": [",
                 microseconds(r.latencies.max()), r.own_cpu);
  for (std::size_t i = 0; i < r.processes.size(); ++i) {
    const usage& u = r.processes[i];
    fmt::format_to(at,
                   "{}\n    {{\"name\": {}, \"cpu_seconds\": {:.3f}, \"cpu_us_per_delivery\": {:.3f}, "
                   "\"cpu_us_per_report\": {:.3f},"
                   " \"cpu_us_per_connection\": {:.1f}, \"rss_bytes\": {:.0f}, \"rss_bytes_per_connection\": {:.0f}}}",
                   i ? "," : "", json_text(u.name), u.cpu, r.cpu_per_delivery(u), r.cpu_per_report(u),
                   r.cpu_per_connection(u), u.memory_end, r.memory_per_connection(u));
  }
  fmt::format_to(at, "{}],\n  \"deliveries_per_tenth\": [{}],\n", r.processes.empty() ? "" : "\n  ",
                 fmt::join(r.series, ","));
  auto const list = [&](std::string_view name, const std::vector<std::string>& texts, std::string_view after) {
    fmt::format_to(at, "  \"{}\": [", name);
    for (std::size_t i = 0; i < texts.size(); ++i)
      fmt::format_to(at, "{}{}", i ? ", " : "", json_text(texts[i]));
    fmt::format_to(at, "]{}\n", after);
  };
  list("notes", r.doubts(), ",");
  list("failures", r.failures(), "");
  return out + "}\n";
}

} // namespace jobcast::bench
