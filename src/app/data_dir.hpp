// The folder that holds the private Redis: made, locked, and a place found for its unix socket.
#pragma once

#include "unique_fd.hpp"

#include <boost/system/result.hpp>
#include <chrono>
#include <filesystem>
#include <string>

namespace jobcast::app {

/// A sentence for the operator.
struct folder_problem {
  std::string why;
};
template <class T>
using folder_result = boost::system::result<T, folder_problem>;

/// Makes `folder` (mode 0700) where it is missing; answers its absolute path.
folder_result<std::filesystem::path> make_folder(const std::filesystem::path& folder);

/// Takes the lock on `file` (flock, so that it ends with its last holder however that dies), waiting up to `patience`.
/// An empty descriptor if somebody else holds it.
folder_result<unique_fd> lock_file(const std::filesystem::path& file, std::chrono::milliseconds patience);

/// A path of at most 107 bytes, which is all that a unix socket's address holds: in `folder`, or else in a folder of
/// our own (0700, checked to be ours) under XDG_RUNTIME_DIR or /tmp that is the same for the same `folder` each time.
folder_result<std::string> socket_path_for(const std::filesystem::path& folder);

} // namespace jobcast::app
