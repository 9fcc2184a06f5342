// Files that are sent as answers. They are never held in memory: whoever is sent one has a place in it.
#pragma once

#include "jobcast/base/asio.hpp"

#include <boost/system/result.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <unordered_map>

namespace jobcast::http {

/// Open for reading, as it was then. What is read after it has changed may be of another file.
class open_file {
 public:
  /// A regular file, which is not a link. Owns `fd`.
  open_file(int fd, const struct stat& was)
      : fd_(fd)
      , was_(was) {}
  ~open_file();
  open_file(open_file&&) = delete;

  int native_handle() const { return fd_; }
  std::uint64_t size() const { return static_cast<std::uint64_t>(was_.st_size); }
  timespec modified() const { return was_.st_mtim; }
  /// True if it is still what was opened, as far as its size and time say.
  bool unchanged() const;
  bool is(const struct stat& now) const;
  /// Appends all of it to `out`. False if it could not be read, or has changed meanwhile.
  bool read(std::string& out) const;

 private:
  int fd_;
  struct stat was_;
};

/// A file takes one descriptor, however many clients are being sent it. One per reactor.
class open_files {
 public:
  using opened = boost::system::result<std::shared_ptr<const open_file>>;
  /// The error says no_such_file_or_directory also for what is not a regular file.
  opened open(const std::string& path);

 private:
  std::unordered_map<std::string, std::weak_ptr<const open_file>> files_;
  std::size_t forget_at_ = 64;
};

} // namespace jobcast::http
