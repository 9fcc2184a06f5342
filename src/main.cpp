// The command line: jobcast serve, check, report, watch, bench. Exit codes: 0 fine, 2 usage or config, 1 anything else.
#include "jobcast/app/cli.hpp"
#include "jobcast/app/config.hpp"
#include "jobcast/app/serve.hpp"
#include "jobcast/base/log.hpp"
#include "jobcast/bench/command.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <iostream>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

using namespace jobcast;

constexpr int usage_error = 2;

std::optional<settings> load(const std::string& file) {
  std::vector<std::string_view> environment;
  for (char** variable = environ; *variable; ++variable)
    environment.emplace_back(*variable);
  auto loaded =
      app::load_settings(file.empty() ? std::nullopt : std::optional<std::filesystem::path>(file), environment);
  if (loaded)
    return std::move(*loaded);
  for (const auto& error : loaded.error())
    std::cerr << "jobcast: " << error << "\n";
  return std::nullopt;
}

log::level level_named(std::string_view name) {
  return name == "debug"     ? log::level::debug
         : name == "warning" ? log::level::warning
         : name == "error"   ? log::level::error
                             : log::level::info;
}

int serve(const std::string& file) {
  const auto config = load(file);
  if (!config)
    return usage_error;
  log::set_level(level_named(config->server.log_level));
  return app::serve(*config, [&](settings& fresh) {
    auto loaded = load(file);
    if (!loaded)
      return false;
    fresh = *std::move(loaded);
    log::set_level(level_named(fresh.server.log_level));
    return true;
  });
}

int check(const std::string& file, bool defaults) {
  if (defaults) {
    std::cout << app::documented_config();
    return 0;
  }
  const auto config = load(file);
  if (!config)
    return usage_error;
  std::cout << app::effective_config(*config);
  return 0;
}

app::watch_screen screen() {
  winsize size{};
  const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  const bool known = terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return {std::cout, terminal, known ? size.ws_col : 80u};
}

int run(int count, char** arguments) {
  CLI::App program("Shows people what their background jobs are doing.", "jobcast");
  program.set_version_flag("--version", "jobcast " JOBCAST_VERSION);
  program.require_subcommand(1);
  std::string file, url = app::default_url, id;
  std::vector<std::string> fields;
  bool defaults = false;

  auto* serving = program.add_subcommand("serve", "Run the gateway until SIGTERM or SIGINT.");
  serving->add_option("--config", file, "TOML file; without one, defaults and JOBCAST_* variables.");
  auto* checking = program.add_subcommand("check", "Check the configuration and print what is in effect.");
  checking->add_option("--config", file, "TOML file to check.");
  checking->add_flag("--defaults", defaults, "Print the documented defaults instead.");
  auto* reporting = program.add_subcommand("report", "Report about a job, as a worker does.");
  reporting->add_option("id", id, "The job.")->required();
  reporting->add_option("fields", fields, "status=processing percent=42 message=\"Page 3 of 7\" ...")->required();
  reporting->add_option("--url", url, "The gateway.")->capture_default_str();
  auto* watching = program.add_subcommand("watch", "Show a job's progress until it ends; 0 if it is done.");
  watching->add_option("id", id, "The job.")->required();
  watching->add_option("--url", url, "The gateway.")->capture_default_str();

  const auto benchmark = bench::add_command(program, std::cout, std::cerr);

  try {
    program.parse(count, arguments);
  } catch (const CLI::ParseError& problem) {
    return program.exit(problem) == 0 ? 0 : usage_error;
  }
  if (*serving)
    return serve(file);
  if (*checking)
    return check(file, defaults);
  if (*reporting)
    return app::report(url, id, fields, std::cout, std::cerr);
  if (program.got_subcommand("bench"))
    return benchmark();
  return app::watch(url, id, screen(), std::cerr);
}

} // namespace

int main(int count, char** arguments) {
  try {
    return run(count, arguments);
  } catch (const std::exception& problem) {
    std::cerr << "jobcast: unexpected: " << problem.what() << "\n";
    return 1;
  }
}
