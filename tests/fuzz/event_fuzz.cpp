// What Redis publishes for watchers. What is taken goes onto a `data:` line of an event stream as it is, so it must not
// be able to end that line.
#include "jobcast/job/event.hpp"
#include "require.hpp"

#include <cstdint>
#include <string>

using namespace jobcast::job;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view const message(reinterpret_cast<const char*>(data), size);
  auto const check = [](const event& e) {
    require(e.record.find_first_of("\r\n") == std::string_view::npos);
    require(e.flags.deleted ? e.record == "null" : e.record.starts_with('{'));
    (void)id_of(e.record);
  };
  if (auto const e = parse_event(message))
    check(*e);
  if (auto const e = parse_feed(message)) {
    check(e->what);
    require(message.starts_with(std::string(e->id) + ' '));
  }
  if (auto const id = parse_event_id(message))
    require(parse_event_id(to_string(*id)) == id);
  return 0;
}
