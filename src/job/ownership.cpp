#include "jobcast/job/ownership.hpp"

#include <rapidjson/document.h>

namespace jobcast::job {

ownership ownership_of(std::string_view record) {
  // Most records fit here, so that looking at one does not allocate for its document.
  char memory[4096];
  rapidjson::MemoryPoolAllocator<> pool(memory, sizeof memory);
  rapidjson::GenericDocument<rapidjson::UTF8<>, rapidjson::MemoryPoolAllocator<>> doc(&pool, 1024);
  doc.Parse<rapidjson::kParseIterativeFlag>(record.data(), record.size());
  ownership out;
  if (doc.HasParseError() || !doc.IsObject())
    return out;
  auto const read = [&](const char* name, std::string& into) {
    auto const at = doc.FindMember(name);
    if (at != doc.MemberEnd() && at->value.IsString())
      into.assign(at->value.GetString(), at->value.GetStringLength());
  };
  read("id", out.id);
  read("owner", out.owner);
  read("tenant", out.tenant);
  read("type", out.type);
  return out;
}

} // namespace jobcast::job
