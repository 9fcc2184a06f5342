// Bytes from Redis on a subscribed connection. The first byte chooses how the rest is split: whatever it says, the
// pushes must be those of one piece.
#include "jobcast/redis/push_reader.hpp"
#include "require.hpp"

#include <cstdint>
#include <string>
#include <vector>

using namespace jobcast::redis;

namespace {

// False if no subscribed connection brings these bytes.
bool read(push_reader& reader, std::string_view bytes, std::vector<std::string>& pushes) {
  return reader.read(bytes, [&](const push& p) {
    std::string& all = pushes.emplace_back(p.error ? "!" : "");
    require(p.count >= 1 && p.count <= push::most);
    for (std::size_t i = 0; i < p.count; ++i)
      all.append(std::to_string(p[i].size())).append(" ").append(p[i]);
    require(p[p.count].empty());
    return true;
  });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  std::string_view const bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<std::string> whole, split;
  push_reader first, second;
  bool const fine = read(first, bytes, whole);
  std::size_t const part = 1 + data[0] % 64;
  bool fine_split = true;
  for (std::size_t at = 0; at < bytes.size() && fine_split; at += part)
    fine_split = read(second, bytes.substr(at, part), split);
  require(fine == fine_split && whole == split);
  require(fine || *first.failure() != '\0');
  return 0;
}
