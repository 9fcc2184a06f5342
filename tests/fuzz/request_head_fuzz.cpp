// A request as it comes from the wire, through the guard and Beast as http/connection has them. Whatever the guard lets
// pass, Beast must read as a strict reader of RFC 9112 does: the same fields, and the same body. Where two readers
// differ, requests can be smuggled. The first byte chooses where the bytes are split.
#include "jobcast/http/guard.hpp"
#include "require.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace http = boost::beast::http;
using jobcast::http::check_head;
using jobcast::http::find_head_end;

namespace {

constexpr std::size_t head_limit = 2048, body_limit = 1024;

struct strict_head {
  std::string method, target;
  std::vector<std::pair<std::string, std::string>> fields;

  // The value of the only field of that name, or nothing.
  const std::string* field(std::string_view name) const {
    for (auto const& [key, value] : fields)
      if (std::equal(key.begin(), key.end(), name.begin(), name.end(),
                     [](unsigned char a, unsigned char b) { return std::tolower(a) == b; }))
        return &value;
    return nullptr;
  }
};

strict_head read_strictly(std::string_view head) {
  strict_head out;
  auto const line_end = head.find("\r\n");
  std::string_view const line = head.substr(0, line_end);
  auto const first = line.find(' '), last = line.rfind(' ');
  out.method = line.substr(0, first);
  out.target = line.substr(first + 1, last - first - 1);
  head.remove_prefix(line_end + 2);
  while (!head.starts_with("\r\n")) {
    auto const end = head.find("\r\n"), colon = head.find(':');
    std::string_view value = head.substr(colon + 1, end - colon - 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
      value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t'))
      value.remove_suffix(1);
    out.fields.emplace_back(head.substr(0, colon), value);
    head.remove_prefix(end + 2);
  }
  return out;
}

using parser_type = http::request_parser<http::string_body>;

// As connection::read_rest does: the head alone, then the rest in pieces. What is left over stays in `rest`; the fields
// of the head go to `fields`, since Beast puts those of a trailer among them.
bool parse(parser_type& parser, std::string_view head, std::string& rest, std::size_t part, http::fields& fields) {
  boost::system::error_code ec;
  parser.eager(false);
  std::size_t const used = parser.put(boost::asio::buffer(head.data(), head.size()), ec);
  if ((ec && ec != http::error::need_more) || !parser.is_header_done())
    return false;
  require(used == head.size());
  fields = parser.get().base();
  parser.eager(true);
  std::string buffer;
  while (!parser.is_done()) {
    if (rest.empty() && (buffer.empty() || ec == http::error::need_more))
      return false;
    if (buffer.empty() || ec == http::error::need_more) {
      buffer += rest.substr(0, part);
      rest.erase(0, part);
    }
    ec = {};
    buffer.erase(0, parser.put(boost::asio::buffer(buffer.data(), buffer.size()), ec));
    if (ec && ec != http::error::need_more)
      return false;
  }
  rest.insert(0, buffer);
  return true;
}

void check_same(const http::request<http::string_body>& read, const http::fields& fields, const strict_head& wanted) {
  require(std::string_view(read.method_string()) == wanted.method);
  require(std::string_view(read.target()) == wanted.target);
  std::size_t count = 0;
  for (auto const& field : fields) {
    ++count;
    require(std::any_of(wanted.fields.begin(), wanted.fields.end(), [&](auto const& w) {
      return std::string_view(field.name_string()) == w.first && std::string_view(field.value()) == w.second;
    }));
  }
  require(count == wanted.fields.size());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  std::string const bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::size_t const part = 1 + data[0] % 64;

  auto const end = find_head_end(bytes);
  for (std::size_t searched = 0; searched < bytes.size();) {
    std::size_t const had = std::min(searched + part, bytes.size());
    auto const found = find_head_end(std::string_view(bytes).substr(0, had), searched);
    if (found.bare_lf || found.at != std::string_view::npos) {
      require(found.bare_lf == end.bare_lf && found.at == end.at);
      break;
    }
    searched = had;
    require(had < bytes.size() || (!end.bare_lf && end.at == std::string_view::npos));
  }
  if (end.bare_lf || end.at > head_limit || end.at > bytes.size())
    return 0;
  std::string_view const head = std::string_view(bytes).substr(0, end.at);
  if (auto const refused = check_head(head)) {
    require(refused->status == 400 || refused->status == 501 || refused->status == 505);
    return 0;
  }

  parser_type parser;
  parser.body_limit(body_limit);
  parser.header_limit(head_limit);
  std::string rest = bytes.substr(end.at);
  std::size_t const behind = rest.size();
  http::fields fields;
  if (!parse(parser, head, rest, part, fields))
    return 0;
  strict_head const wanted = read_strictly(head);
  check_same(parser.get(), fields, wanted);
  std::size_t const taken = behind - rest.size();
  if (wanted.field("transfer-encoding")) {
    require(parser.chunked() && !wanted.field("content-length"));
    require(parser.get().body().size() < taken);
  } else {
    std::uint64_t length = 0;
    if (auto const* given = wanted.field("content-length"))
      std::from_chars(given->data(), given->data() + given->size(), length);
    require(!parser.chunked() && taken == length && parser.get().body() == bytes.substr(end.at, taken));
  }
  return 0;
}
