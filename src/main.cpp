// The program: subcommands and exit codes (0 fine, 2 usage or config, 1 anything else). Everything else is in the library.

#include "jobcast/app/config.hpp"
#include "jobcast/app/serve.hpp"
#include "jobcast/base/log.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <unistd.h>

namespace {

constexpr int usage_error = 2;

std::optional<jobcast::settings> load(const std::string& file, std::ostream& complaints) {
  std::vector<std::string_view> environment;
  for (char** one = environ; *one; ++one)
    environment.emplace_back(*one);
  auto loaded = jobcast::app::load_settings(file.empty() ? std::nullopt : std::optional<std::filesystem::path>(file), environment);
  if (loaded)
    return *loaded;
  for (const std::string& problem : loaded.error())
    complaints << problem << '\n';
  return std::nullopt;
}

int serve(const std::string& file) {
  auto const config = load(file, std::cerr);
  if (!config)
    return usage_error;
  return jobcast::app::serve(*config, [&](jobcast::settings& fresh) {
    auto again = load(file, std::cerr);
    if (again)
      fresh = std::move(*again);
    return again.has_value();
  });
}

int check(const std::string& file) {
  auto const config = load(file, std::cerr);
  if (!config)
    return usage_error;
  std::cout << jobcast::app::effective_config(*config);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App program{"jobcast: a real-time push gateway for job status"};
  program.set_version_flag("--version", JOBCAST_VERSION);
  program.require_subcommand(1);
  std::string file;
  auto* serving = program.add_subcommand("serve", "Run the gateway");
  auto* checking = program.add_subcommand("check", "Read the configuration and say what is wrong with it");
  for (auto* command : {serving, checking})
    command->add_option("--config", file, "TOML file; JOBCAST_SECTION_KEY variables win over it");
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return program.exit(e) == 0 ? 0 : usage_error;
  }
  return serving->parsed() ? serve(file) : check(file);
}
