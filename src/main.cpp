// The command line: jobcast serve, check, report, watch, notify, bench. Exit codes: 0 fine, 2 usage or config, 1
// anything else.
#include "jobcast/app/cli.hpp"
#include "jobcast/app/config.hpp"
#include "jobcast/app/secrets.hpp"
#include "jobcast/app/serve.hpp"
#include "jobcast/app/web_root.hpp"
#include "jobcast/base/log.hpp"
#include "jobcast/bench/command.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <iostream>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

using namespace jobcast;

constexpr int usage_error = 2;

boost::system::result<settings, app::config_errors> read(const std::string& file) {
  std::vector<std::string_view> environment;
  for (char** variable = environ; *variable; ++variable)
    environment.emplace_back(*variable);
  return app::load_settings(file.empty() ? std::nullopt : std::optional<std::filesystem::path>(file), environment);
}

std::optional<settings> load(const std::string& file) {
  auto loaded = read(file);
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
    auto loaded = read(file);
    if (!loaded) {
      log::error("{}; everything stays as it was", fmt::join(loaded.error(), "; "));
      return false;
    }
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
  if (const auto secrets = app::load_secrets(*config); !secrets) {
    std::cerr << "jobcast: " << secrets.error() << "\n";
    return usage_error;
  }
  if (const auto problem = app::web_root_problem(config->web.root)) {
    std::cerr << "jobcast: " << *problem << "\n";
    return usage_error;
  }
  std::cout << app::effective_config(*config);
  return 0;
}

int token(const std::string& file, app::token_request& asked, const std::string& ttl) {
  const auto config = load(file);
  if (!config)
    return usage_error;
  const auto span = app::parse_duration(ttl);
  if (!span || span->count() < 1000) {
    std::cerr << "jobcast: --ttl is a duration such as 15m, 12h or 30d\n";
    return usage_error;
  }
  asked.ttl = *span;
  return app::token(*config, asked, std::cout, std::cerr);
}

int refused(const std::string& file) {
  const auto config = load(file);
  if (!config)
    return usage_error;
  log::set_level(log::level::error);
  return app::refused(*config, std::cout, std::cerr);
}

int notify(const std::string& file, app::notify_action what, const std::vector<std::string>& letters) {
  const auto config = load(file);
  if (!config)
    return usage_error;
  log::set_level(log::level::error);
  return app::notify(*config, what, letters, std::cout, std::cerr);
}

app::watch_screen screen() {
  winsize size{};
  const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  const bool known = terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return {std::cout, terminal, known ? size.ws_col : 80u};
}

// The library only says that some command is missing.
std::string unknown_command(const CLI::App& program, std::string_view given) {
  std::string names;
  for (const auto* one : program.get_subcommands({})) {
    if (given == one->get_name())
      return {};
    names += (names.empty() ? "" : ", ") + one->get_name();
  }
  const bool is_option = given.starts_with('-');
  return given.empty() || is_option ? std::string()
                                    : fmt::format("there is no command {}; commands are {}", given, names);
}

int run(int count, char** arguments) {
  CLI::App program("Shows people what their background jobs are doing.", "jobcast");
  program.set_version_flag("--version", "jobcast " JOBCAST_VERSION);
  program.require_subcommand(1);
  std::string file, url = app::default_url, id;
  std::vector<std::string> fields;
  bool defaults = false, of_metrics = false;

  auto* serving = program.add_subcommand("serve", "Run the gateway until SIGTERM or SIGINT.");
  serving->add_option("--config", file, "TOML file; without one, defaults and JOBCAST_* variables.");
  auto* checking = program.add_subcommand("check", "Check the configuration and print what is in effect.");
  checking->add_option("--config", file, "TOML file to check.");
  checking->add_flag("--defaults", defaults, "Print the documented defaults instead.");
  auto* reporting = program.add_subcommand("report", "Report about a job, as a worker does.");
  reporting->add_option("id", id, "The job.")->required();
  reporting->add_option("fields", fields, "status=processing percent=42 message=\"Page 3 of 7\" ...")->required();
  reporting->add_option("--url", url, "The gateway.")->capture_default_str();
  app::token_request asked;
  std::string ttl = "1h", publisher = "name";
  auto* minting = program.add_subcommand("token", "Print a signed token for a viewer, an operator or a publisher.");
  minting->add_option("--config", file, "TOML file whose [auth] holds the key.");
  minting->add_option("--sub", asked.sub, "User id; becomes the job's owner.");
  minting->add_option("--tenant", asked.tenant, "The tenant it belongs to.");
  minting->add_option("--job", asked.jobs, "A job it may see besides; several times for several.");
  minting->add_option("--scope", asked.scopes, "jobs:read:all, jobs:publish or operator; several times for several.");
  minting->add_option("--ttl", ttl, "How long it is good, such as 15m or 30d.")->capture_default_str();
  minting->add_option("--kid", asked.kid, "The configured HS256 key to sign with; without it, auth.secret.");
  minting->add_option("--key", asked.key_file, "A private key to sign with instead, a PEM file.");
  minting->add_option("--algorithm", asked.algorithm, "Of --key: RS256, ES256 or EdDSA.")->capture_default_str();
  auto* keying =
      program.add_subcommand("key", "Print a new API key for a publisher, and its hash for the configuration.");
  auto* named = keying->add_option("name", publisher, "The publisher.")->capture_default_str();
  keying->add_flag("--metrics", of_metrics, "Print a key for /metrics instead, for Prometheus.")->excludes(named);
  auto* watching = program.add_subcommand("watch", "Show a job's progress until it ends; 0 if it is done.");
  watching->add_option("id", id, "The job.")->required();
  watching->add_option("--url", url, "The gateway.")->capture_default_str();

  auto* refusing =
      program.add_subcommand("refused", "List reports that were refused, newest first: time, job, field, why.");
  refusing->add_option("--config", file, "The gateway's TOML file; without one, defaults and JOBCAST_* variables.");

  auto* notifying = program.add_subcommand("notify", "See and act on notifications that could not be delivered.");
  notifying->require_subcommand(1);
  std::vector<std::string> letters;
  bool all = false;
  auto* listing = notifying->add_subcommand("list", "List them: name, when given up, tries, to whom, why.");
  auto* replaying = notifying->add_subcommand("replay", "Deliver them after all; enables endpoints that answered 410.");
  auto* dropping = notifying->add_subcommand("drop", "Forget them.");
  for (auto* one : {listing, replaying, dropping})
    one->add_option("--config", file, "The gateway's TOML file; without one, defaults and JOBCAST_* variables.");
  for (auto* one : {replaying, dropping}) {
    auto* which = one->add_option_group("which");
    which->add_option("name", letters, "As listed.");
    which->add_flag("--all", all, "All of them.");
    which->require_option(1);
  }
  const auto benchmark = bench::add_command(program, std::cout, std::cerr);

  if (const auto problem = unknown_command(program, count > 1 ? arguments[1] : ""); !problem.empty()) {
    std::cerr << "jobcast: " << problem << "\n";
    return usage_error;
  }
  try {
    program.parse(count, arguments);
  } catch (const CLI::ParseError& problem) {
    return program.exit(problem) == 0 ? 0 : usage_error;
  }
  if (*serving)
    return serve(file);
  if (*checking)
    return check(file, defaults);
  if (*minting)
    return token(file, asked, ttl);
  if (*keying && of_metrics) {
    app::metrics_key(std::cout);
    return 0;
  }
  if (*keying)
    return app::key(publisher, std::cout, std::cerr);
  if (*reporting)
    return app::report(url, id, fields, std::cout, std::cerr);
  if (*refusing)
    return refused(file);
  if (*notifying)
    return notify(file,
                  *replaying  ? app::notify_action::replay
                  : *dropping ? app::notify_action::drop
                              : app::notify_action::list,
                  letters);
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
