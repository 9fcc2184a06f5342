#include "jobcast/bench/command.hpp"

#include "run.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <fstream>
#include <memory>
#include <ostream>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace jobcast::bench {

namespace {

constexpr int usage_error = 2;

/// Reads one of some words into the number it stands for.
template <class Value>
CLI::Validator word_of(std::vector<std::pair<std::string, Value>> words) {
  std::string choice;
  for (auto const& [word, value] : words)
    choice += (choice.empty() ? "" : word == words.back().first ? " or " : ", ") + word;
  return CLI::Validator(
      [words = std::move(words), choice](std::string& text) {
        for (auto const& [word, value] : words)
          if (text == word) {
            text = std::to_string(static_cast<int>(value));
            return std::string();
          }
        return "'" + text + "' is not " + choice;
      },
      "");
}

bool runs(int pid) {
  return ::access(("/proc/" + std::to_string(pid)).c_str(), F_OK) == 0;
}

/// "name=pid,pid" or "pid,pid"; empty pids if it is neither.
process_group group_of(std::string_view text) {
  process_group group{"process", {}};
  if (auto const equals = text.find('='); equals != std::string_view::npos) {
    group.name = text.substr(0, equals);
    text.remove_prefix(equals + 1);
  }
  while (!text.empty()) {
    auto const comma = text.find(',');
    auto const digits = text.substr(0, comma);
    int pid = 0;
    auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
    if (ec != std::errc{} || end != digits.data() + digits.size() || pid <= 0)
      return {};
    group.pids.push_back(pid);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return group;
}

bool write(const std::string& file, const std::string& text, std::ostream& out, std::ostream& errors) {
  if (file == "-") {
    out << text;
    return true;
  }
  std::ofstream into(file);
  into << text;
  if (into.flush())
    return true;
  errors << "jobcast: cannot write " << file << "\n";
  return false;
}

int measure(const options& o, std::ostream& out, std::ostream& errors) {
  if (auto const problem = problem_of(o); !problem.empty()) {
    errors << "jobcast: " << problem << "\n";
    return usage_error;
  }
  try {
    result const r = run(o);
    bool fine = r.failures().empty();
    if (o.json != "-" && o.plot != "-")
      out << to_text(r);
    if (!o.json.empty())
      fine &= write(o.json, to_json(r), out, errors);
    if (!o.plot.empty())
      fine &= write(o.plot, to_svg(r), out, errors);
    return fine ? 0 : 1;
  } catch (const std::runtime_error& problem) {
    errors << "jobcast: " << problem.what() << "\n";
    return 1;
  }
}

} // namespace

std::function<int()> add_command(CLI::App& program, std::ostream& out, std::ostream& errors) {
  struct arguments {
    options asked;
    std::vector<std::string> processes;
    std::string rate = "1000";
  };
  auto const given = std::make_shared<arguments>();
  options& o = given->asked;
  auto* bench = program.add_subcommand("bench", "Load a gateway with watchers and reports, and measure what arrives.");
  bench->add_option("--url", o.url, "The gateway.")->capture_default_str();
  bench->add_option("--redis", o.redis, "Its Redis, for the ways of reporting but http.")->capture_default_str();
  bench->add_option("--namespace", o.ns, "The gateway's redis.namespace.")->capture_default_str();
  bench->add_option("--watchers", o.watchers, "Connections.")->capture_default_str();
  bench->add_option("--jobs", o.jobs, "Jobs they watch; 0: one each.")->capture_default_str();
  bench->add_option("--transport", o.over, "sse, websocket or long-poll.")
      ->transform(word_of<transport>(
          {{"sse", transport::sse}, {"websocket", transport::websocket}, {"long-poll", transport::long_poll}}))
      ->default_str("sse");
  bench->add_flag("--every", o.every, "Watchers ask for every version instead of the newest.");
  bench->add_option("--via", o.via, "How jobs are reported on: fcall, publish, http, or event (ready-made events).")
      ->transform(
          word_of<way>({{"fcall", way::fcall}, {"publish", way::publish}, {"http", way::http}, {"event", way::event}}))
      ->default_str("fcall");
  bench->add_option("--rate", given->rate, "Reports a second, or max.")->capture_default_str();
  bench->add_option("--window", o.window, "With --rate max: deliveries under way at a time.")->capture_default_str();
  bench->add_option("--seconds", o.seconds, "Length of the load; 0: only open the connections.")->capture_default_str();
  bench->add_option("--record", o.record, "Bytes of a record, via event.")->capture_default_str();
  bench->add_option("--batch", o.batch, "Lines of a request, via http.")->capture_default_str();
  bench->add_option("--connections", o.connections, "Connections to report on, via http.")->capture_default_str();
  bench->add_option("--opening", o.opening, "Connections being opened at a time.")->capture_default_str();
  bench->add_flag("--storm", o.storm, "At the end close all connections, and open them again at once.");
  bench->add_option("--sources", o.sources, "Loopback addresses to connect from; 0: as many as ports demand.")
      ->capture_default_str();
  bench->add_option("--header", o.headers, "Further header of each request, such as \"Authorization: Bearer ...\".");
  bench->add_option("--process", given->processes, "NAME=PID[,PID...]: watch CPU and memory of these.")
      ->allow_extra_args(false);
  bench->add_option("--json", o.json, "File for the result as JSON; - prints that instead.");
  bench->add_option("--plot", o.plot, "File for a picture of it, as SVG.");
  bench->add_option("--peer", o.peer, "File that describes another server to measure (docs/benchmarks.md).");
  return [given, &out, &errors] {
    options& asked = given->asked;
    if (given->rate == "max") {
      asked.rate = 0;
    } else {
      auto const [end, ec] = std::from_chars(given->rate.data(), given->rate.data() + given->rate.size(), asked.rate);
      if (ec != std::errc{} || end != given->rate.data() + given->rate.size() || asked.rate == 0) {
        errors << "jobcast: --rate is a number of reports a second, or max\n";
        return usage_error;
      }
    }
    for (const std::string& text : given->processes) {
      asked.processes.push_back(group_of(text));
      if (asked.processes.back().pids.empty()) {
        errors << "jobcast: --process is NAME=PID[,PID...]\n";
        return usage_error;
      }
      for (int const pid : asked.processes.back().pids)
        if (!runs(pid)) {
          errors << "jobcast: --process " << text << ": there is no process " << pid << "\n";
          return usage_error;
        }
    }
    return measure(asked, out, errors);
  };
}

} // namespace jobcast::bench
