#include "jobcast/redis/resp.hpp"

#include <boost/container/small_vector.hpp>
#include <new>

namespace jobcast::redis {

namespace {

// A reader that has nothing left to parse gives its buffer back when it has grown beyond this.
constexpr std::size_t idle_buffer = 64 * 1024;

} // namespace

void append_command(std::string& out, std::span<const std::string_view> arguments) {
  boost::container::small_vector<const char*, 16> data;
  boost::container::small_vector<std::size_t, 16> lengths;
  data.reserve(arguments.size());
  lengths.reserve(arguments.size());
  for (std::string_view argument : arguments) {
    data.push_back(argument.data());
    lengths.push_back(argument.size());
  }
  char* encoded = nullptr;
  int length = redisFormatCommandArgv(&encoded, static_cast<int>(data.size()), data.data(), lengths.data());
  if (length < 0)
    throw std::bad_alloc();
  std::unique_ptr<char, decltype(&redisFreeCommand)> owned(encoded, redisFreeCommand);
  out.append(encoded, static_cast<std::size_t>(length));
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
