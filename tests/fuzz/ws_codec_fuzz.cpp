// The WebSocket codec and the messages in it, against any bytes. The first byte chooses how the rest is split: whatever
// it says, what comes out must be what one piece gives, and nothing may be held beyond the limit.
#include "jobcast/stream/ws_codec.hpp"
#include "jobcast/stream/ws_message.hpp"
#include "require.hpp"

#include <cstdint>
#include <string>
#include <vector>

using namespace jobcast::stream;

namespace {

constexpr std::size_t limit = 1024;

struct outcome {
  ws_item::kind what;
  std::string payload;
  ws_close code;
  bool operator==(const outcome&) const = default;
};

void decode(std::vector<outcome>& out, ws_decoder& decoder, std::string bytes) {
  char* at = bytes.data();
  std::size_t size = bytes.size();
  for (;;) {
    ws_item const item = decoder.next(at, size);
    if (item.what == ws_item::kind::none)
      return;
    require(item.payload.size() <= limit);
    out.push_back({item.what, std::string(item.payload), item.code});
    if (item.what == ws_item::kind::text)
      (void)read_ws_message(item.payload, 200);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  std::string const bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<outcome> whole, split;
  ws_decoder first(limit), second(limit);
  decode(whole, first, bytes);
  std::size_t const part = 1 + data[0] % 32;
  for (std::size_t at = 0; at < bytes.size(); at += part) {
    decode(split, second, bytes.substr(at, part));
    require(second.held() <= 4 * limit);
  }
  require(whole == split);
  return 0;
}
