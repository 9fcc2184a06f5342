#include "data_dir.hpp"

#include "jobcast/job/job_key.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>

namespace jobcast::app {

namespace {

constexpr auto longest_socket_path = sizeof(sockaddr_un::sun_path) - 1;

/// Anyone may have put something under a name in /tmp: take a folder only if it is one, ours, and closed to others.
bool make_own_folder(const std::string& folder) {
  struct stat found {};
  return (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) && ::lstat(folder.c_str(), &found) == 0 &&
         S_ISDIR(found.st_mode) && found.st_uid == ::geteuid() && (found.st_mode & 077) == 0;
}

} // namespace

folder_result<std::filesystem::path> make_folder(const std::filesystem::path& folder) {
  std::error_code problem;
  const auto absolute = std::filesystem::absolute(folder, problem).lexically_normal();
  if (!problem && !std::filesystem::is_directory(absolute, problem)) {
    std::filesystem::create_directories(absolute.parent_path(), problem);
    if (::mkdir(absolute.c_str(), 0700) != 0)
      problem.assign(errno, std::generic_category());
  }
  if (problem || ::access(absolute.c_str(), W_OK | X_OK) != 0)
    return folder_problem{fmt::format("{} cannot be used ({}); set server.data_dir to a folder that may be written",
                                      folder.string(), problem ? problem.message() : "no permission to write")};
  return {boost::system::in_place_value, absolute};
}

folder_result<unique_fd> lock_file(const std::filesystem::path& file, std::chrono::milliseconds patience) {
  unique_fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd)
    return folder_problem{fmt::format("{} cannot be opened: {}", file.string(), std::strerror(errno))};
  const auto until = std::chrono::steady_clock::now() + patience;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return folder_problem{fmt::format("{} cannot be locked: {}", file.string(), std::strerror(errno))};
    if (std::chrono::steady_clock::now() >= until)
      return unique_fd();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return fd;
}

folder_result<std::string> socket_path_for(const std::filesystem::path& folder) {
  if (auto path = (folder / "redis.sock").string(); path.size() <= longest_socket_path)
    return {boost::system::in_place_value, std::move(path)};
  const auto owner = std::to_string(::geteuid());
  const auto name = "jobcast-" + job::request_hash({"uid", owner, "folder", folder.string()}).substr(0, 16);
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  for (const std::string parent : {runtime ? runtime : "", "/tmp"}) {
    const auto own = parent + "/" + name;
    auto path = own + "/redis.sock";
    if (parent.starts_with('/') && path.size() <= longest_socket_path && make_own_folder(own))
      return {boost::system::in_place_value, std::move(path)};
  }
  return folder_problem{fmt::format("{} is too long a path for a unix socket, and /tmp/{} cannot be used instead; set "
                                    "server.data_dir to a shorter path",
                                    folder.string(), name)};
}

} // namespace jobcast::app
