// Bytes from Redis. The first byte chooses how the rest is split: whatever it says, the replies must be those of one
// piece; and a command encoded from them is read back as it was.
#include "jobcast/redis/resp.hpp"
#include "require.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

using namespace jobcast::redis;

namespace {

void describe(std::string& out, reply_view reply) {
  out += reply.is_nil() ? '-' : reply.is_error() ? '!' : reply.is_array() ? '[' : '=';
  out += std::to_string(reply.integer()) += ' ';
  out += reply.text();
  for (std::size_t i = 0; i < reply.size(); ++i)
    describe(out, reply[i]);
  out += '\n';
}

// False if it was no RESP.
bool decode(decoder& d, std::string_view bytes, std::vector<std::string>& replies) {
  return d.decode(bytes, [&](reply_ptr reply) {
    describe(replies.emplace_back(), reply_view(reply.get()));
    return true;
  });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  std::string_view const bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<std::string> whole, split;
  decoder first, second;
  bool const fine = decode(first, bytes, whole);
  std::size_t const part = 1 + data[0] % 64;
  bool fine_split = true;
  for (std::size_t at = 0; at < bytes.size() && fine_split; at += part)
    fine_split = decode(second, bytes.substr(at, part), split);
  require(fine == fine_split && whole == split);
  require(fine || *first.failure() != '\0');

  std::string_view const arguments[] = {"FCALL", bytes, bytes.substr(bytes.size() / 2)};
  std::string command;
  append_command(command, arguments);
  decoder third;
  bool same = false;
  require(third.decode(command, [&](reply_ptr reply) {
    reply_view const sent(reply.get());
    same = sent.size() == 3 && sent[0].text() == "FCALL" && sent[1].text() == arguments[1] &&
           sent[2].text() == arguments[2];
    return true;
  }));
  require(same);
  return 0;
}
