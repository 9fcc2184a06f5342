#include "jobcast/http/open_file.hpp"

#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace jobcast;
namespace fs = std::filesystem;

namespace {

class folder {
 public:
  folder() {
    std::string name = (fs::temp_directory_path() / "jobcast-files-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~folder() { fs::remove_all(path_); }
  folder(folder&&) = delete;
  std::string write(const char* name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

std::string text_of(const http::open_file& file) {
  std::string text;
  return file.read(text) ? text : "changed";
}

} // namespace

TEST_CASE("a file is open once for all who are sent it") {
  folder const in;
  http::open_files files;
  auto const path = in.write("a", "hello");
  auto const first = files.open(path), second = files.open(path);
  REQUIRE(first);
  CHECK(*first == *second);
  CHECK((*first)->size() == 5);
  CHECK(text_of(**first) == "hello");
}

TEST_CASE("a file that is replaced stays what it was for who has it, and is another for the next") {
  folder const in;
  http::open_files files;
  auto const path = in.write("a", "hello");
  auto const before = files.open(path);
  fs::rename(in.write("b", "other"), path);
  auto const after = files.open(path);
  CHECK(*before != *after);
  CHECK(text_of(**before) == "hello");
  CHECK(text_of(**after) == "other");
}

TEST_CASE("a file that grows or shrinks is known to have changed") {
  folder const in;
  http::open_files files;
  for (auto const* fresh : {"hello again", "hell", ""}) {
    auto const path = in.write("a", "hello");
    auto const file = files.open(path);
    CHECK((*file)->unchanged());
    in.write("a", fresh);
    CHECK_FALSE((*file)->unchanged());
    CHECK(text_of(**file) == "changed");
    CHECK(text_of(**files.open(path)) == fresh);
  }
}

TEST_CASE("what is no regular file is no file") {
  folder const in;
  http::open_files files;
  CHECK(files.open(in / "none").error() == boost::system::errc::no_such_file_or_directory);
  fs::create_directory(in / "folder");
  CHECK(files.open(in / "folder").error() == boost::system::errc::no_such_file_or_directory);
  REQUIRE(::mkfifo((in / "pipe").c_str(), 0600) == 0);
  CHECK(files.open(in / "pipe").error() == boost::system::errc::no_such_file_or_directory);
  fs::create_symlink(in.write("a", "hello"), in / "link");
  CHECK_FALSE(files.open(in / "link"));
}
