// Reads a member of parsed JSON whose type is not known.
#pragma once

#include <rapidjson/document.h>
#include <string_view>

namespace jobcast {

/// The text of a member, within the value that holds it; empty if there is none, or it is no text.
template <class Value>
std::string_view text_member(const Value& object, const char* name) {
  auto const at = object.FindMember(name);
  return at != object.MemberEnd() && at->value.IsString()
             ? std::string_view(at->value.GetString(), at->value.GetStringLength())
             : std::string_view();
}

} // namespace jobcast
