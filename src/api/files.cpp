// The files of `web.root`: a page and what belongs to it, for demos and small set-ups. For more, put a web server in
// front.

#include "jobcast/api/endpoints.hpp"
#include "jobcast/api/entity_tags.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace jobcast::api {

namespace {

namespace fs = std::filesystem;

std::string_view content_type_of(const fs::path& file) {
  static constexpr std::pair<std::string_view, std::string_view> types[] = {
      {".html", "text/html; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".json", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".csv", "text/csv; charset=utf-8"},
      {".txt", "text/plain; charset=utf-8"},
      {".webmanifest", "application/manifest+json"},
  };
  std::string const extension = file.extension().string();
  auto const* found =
      std::find_if(std::begin(types), std::end(types), [&](auto const& t) { return t.first == extension; });
  return found == std::end(types) ? "application/octet-stream" : found->second;
}

// Dot segments, hidden files and separators smuggled in by percent-encoding never reach the file system.
bool harmless(const std::string& segment) {
  return !segment.empty() && segment.front() != '.' && segment.find_first_of("/\\") == std::string::npos;
}

bool inside(const fs::path& root, const fs::path& file) {
  auto const [end, rest] = std::mismatch(root.begin(), root.end(), file.begin(), file.end());
  return end == root.end();
}

http::response nothing_here() {
  return http::problem(404, "There is no such file.");
}

bool is_shortage(boost::system::error_code ec) {
  using namespace boost::system;
  return ec == errc::too_many_files_open || ec == errc::too_many_files_open_in_system || ec == errc::not_enough_memory;
}

} // namespace

task<http::answer> get_file(context& c, http::request& r, parts at) {
  if (c.config.web.root.empty())
    co_return http::problem(404, "No page is configured here; set web.root to serve one. The API is at /openapi.yaml.");
  std::error_code ec;
  fs::path const root = fs::canonical(c.config.web.root, ec);
  if (ec)
    co_return http::problem(404, "web.root cannot be read.");
  fs::path file = root;
  for (std::size_t i = 0; i < at.size(); ++i) {
    bool const trailing_slash = i + 1 == at.size() && at[i].empty();
    if (!trailing_slash && !harmless(at[i]))
      co_return nothing_here();
    file /= at[i];
  }
  if (fs::is_directory(file, ec))
    file /= "index.html";
  // A link may not lead out of the folder.
  file = fs::canonical(file, ec);
  if (ec || !inside(root, file))
    co_return nothing_here();
  auto opened = c.files.open(file);
  if (!opened && is_shortage(opened.error())) {
    http::response busy = http::problem(503, "The gateway has no room for another open file; try again.");
    busy.add("Retry-After", "1");
    co_return busy;
  }
  if (!opened)
    co_return nothing_here();

  http::response out;
  out.content_type = content_type_of(file);
  out.add("Cache-Control", "no-cache");
  out.add("X-Content-Type-Options", "nosniff");
  timespec const modified = (*opened)->modified();
  std::string const tag = fmt::format("{:x}.{:x}-{:x}", modified.tv_sec, modified.tv_nsec, (*opened)->size());
  out.add("ETag", '"' + tag + '"');
  if (names_tag(r.fields->list("If-None-Match"), tag))
    out.status = 304;
  else
    out.file = *std::move(opened);
  co_return out;
}

} // namespace jobcast::api
