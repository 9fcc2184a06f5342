// Reads members of parsed JSON whose type is not known.
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

/// JSON that is parsed to be looked at and let go: what a usual record holds takes no allocation. Nesting does not use
/// up the stack.
class brief_json {
 public:
  using document = rapidjson::GenericDocument<rapidjson::UTF8<>, rapidjson::MemoryPoolAllocator<>>;

  explicit brief_json(std::string_view text)
      : pool_(memory_, sizeof memory_)
      , document_(&pool_, 1024) {
    document_.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  }
  brief_json(const brief_json&) = delete;
  brief_json& operator=(const brief_json&) = delete;

  /// Null unless the text is a JSON object.
  const document::ValueType* object() const {
    return !document_.HasParseError() && document_.IsObject() ? &document_ : nullptr;
  }

 private:
  char memory_[4096];
  rapidjson::MemoryPoolAllocator<> pool_;
  document document_;
};

} // namespace jobcast
