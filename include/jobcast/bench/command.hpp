// `jobcast bench` on the command line.
#pragma once

#include <functional>
#include <iosfwd>

namespace CLI {
class App;
}

namespace jobcast::bench {

/// Adds the subcommand. What is returned runs it once the arguments were parsed, and answers the exit code: 0 if every
/// report arrived in order, 2 if the options cannot be meant, 1 for anything else. It keeps the options alive.
std::function<int()> add_command(CLI::App& program, std::ostream& out, std::ostream& errors);

} // namespace jobcast::bench
