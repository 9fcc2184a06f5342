// Who may see a record is read from it: of an object that RapidJSON takes, the members must be those it tells.
#include "jobcast/base/json_members.hpp"
#include "require.hpp"

#include <cstdint>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

using namespace jobcast;

namespace {

// RapidJSON calls no object its own equal that has a name twice.
std::string written(const rapidjson::Value& value) {
  rapidjson::StringBuffer out;
  rapidjson::Writer<rapidjson::StringBuffer> writer(out);
  value.Accept(writer);
  return {out.GetString(), out.GetSize()};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<const char*>(data), size);
  auto const parse = [](std::string_view from) {
    rapidjson::Document out;
    out.Parse<rapidjson::kParseIterativeFlag>(from.data(), from.size());
    return out;
  };
  // RapidJSON takes any byte of a byte order mark before the object.
  auto const whole = parse(text.starts_with('{') ? text : std::string_view());
  json_members all(text);
  if (whole.HasParseError() || !whole.IsObject()) {
    while (all.next())
      require(text.find(all.value()) != std::string_view::npos);
    return 0;
  }
  for (auto const& member : whole.GetObject()) {
    require(all.next());
    auto const quoted = '"' + std::string(all.name()) + '"';
    require(json_text(quoted) == std::string_view(member.name.GetString(), member.name.GetStringLength()));
    auto const value = parse(all.value());
    require(!value.HasParseError() && value.GetType() == member.value.GetType());
    if (value.IsString())
      require(json_text(all.value()) == std::string_view(member.value.GetString(), member.value.GetStringLength()));
    else
      require(written(value) == written(member.value));
    if (value.IsInt())
      require(json_number(all.value()) == value.GetInt());
  }
  require(!all.next());
  return 0;
}
