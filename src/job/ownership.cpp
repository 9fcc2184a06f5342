#include "jobcast/job/ownership.hpp"

#include "jobcast/base/json_member.hpp"

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
  out.id = text_member(doc, "id");
  out.owner = text_member(doc, "owner");
  out.tenant = text_member(doc, "tenant");
  out.type = text_member(doc, "type");
  return out;
}

} // namespace jobcast::job
