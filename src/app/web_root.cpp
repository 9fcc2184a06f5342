#include "jobcast/app/web_root.hpp"

#include <cerrno>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace jobcast::app {

std::optional<std::string> web_root_problem(const std::string& root) {
  if (root.empty())
    return std::nullopt;
  auto const problem = [&](std::string_view what) {
    return fmt::format("web.root: {}: {}; name a folder that exists and may be read", root, what);
  };
  std::error_code ec;
  auto const folder = std::filesystem::canonical(root, ec);
  if (ec)
    return problem(ec.message());
  if (!std::filesystem::is_directory(folder, ec))
    return problem("this is no folder");
  if (::access(root.c_str(), R_OK | X_OK) != 0)
    return problem(std::error_code(errno, std::generic_category()).message());
  return std::nullopt;
}

} // namespace jobcast::app
