#include "jobcast/http/open_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace jobcast::http {

open_file::~open_file() {
  ::close(fd_);
}

bool open_file::is(const struct stat& now) const {
  return now.st_dev == was_.st_dev && now.st_ino == was_.st_ino && now.st_size == was_.st_size &&
         now.st_mtim.tv_sec == was_.st_mtim.tv_sec && now.st_mtim.tv_nsec == was_.st_mtim.tv_nsec;
}

bool open_file::unchanged() const {
  struct stat now {};
  return ::fstat(fd_, &now) == 0 && is(now);
}

bool open_file::read(std::string& out) const {
  std::size_t const before = out.size(), whole = static_cast<std::size_t>(size());
  out.resize(before + whole);
  for (std::size_t at = 0; at < whole;) {
    ssize_t const n = ::pread(fd_, out.data() + before + at, whole - at, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    at += static_cast<std::size_t>(n);
  }
  return unchanged();
}

open_files::opened open_files::open(const std::string& path) {
  auto const failed = [] { return error_code(errno, boost::system::system_category()); };
  struct stat now {};
  if (::stat(path.c_str(), &now) != 0)
    return failed();
  error_code const no_file = boost::system::errc::make_error_code(boost::system::errc::no_such_file_or_directory);
  if (!S_ISREG(now.st_mode))
    return no_file;
  if (auto const at = files_.find(path); at != files_.end())
    if (auto known = at->second.lock(); known && known->is(now))
      return known;
  // What stands there by now may be a link out of the folder, or a pipe.
  int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0)
    return failed();
  struct stat found {};
  bool const regular = ::fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
  auto file = std::make_shared<const open_file>(fd, found);
  if (!regular)
    return no_file;
  if (files_.size() >= forget_at_) {
    std::erase_if(files_, [](auto const& entry) { return entry.second.expired(); });
    forget_at_ = std::max<std::size_t>(64, 2 * files_.size());
  }
  files_[path] = file;
  return file;
}

} // namespace jobcast::http
