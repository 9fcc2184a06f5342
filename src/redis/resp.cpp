#include "jobcast/redis/resp.hpp"

#include <fmt/format.h>
#include <new>

namespace jobcast::redis {

namespace {

// A reader that has nothing left to parse gives its buffer back when it has grown beyond this.
constexpr std::size_t idle_buffer = 64 * 1024;

} // namespace

void append_command(std::string& out, std::span<const std::string_view> arguments) {
  auto const append_count = [&out](char mark, std::size_t count) {
    fmt::format_int const digits(count);
    out.append(1, mark).append(digits.data(), digits.size()).append("\r\n");
  };
  append_count('*', arguments.size());
  for (std::string_view argument : arguments) {
    append_count('$', argument.size());
    out.append(argument).append("\r\n");
  }
}

decoder::decoder()
    : reader_(redisReaderCreate()) {
  if (!reader_)
    throw std::bad_alloc();
  reader_->maxbuf = idle_buffer;
}

bool decoder::feed(std::string_view bytes) {
  return redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) == REDIS_OK;
}

bool decoder::next(reply_ptr& reply) {
  void* complete = nullptr;
  bool fine = redisReaderGetReply(reader_.get(), &complete) == REDIS_OK;
  reply.reset(static_cast<redisReply*>(complete));
  return fine;
}

} // namespace jobcast::redis
