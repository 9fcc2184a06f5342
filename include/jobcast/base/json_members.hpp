// Goes over the members of a JSON object without reading what is in them.
//
// The problem: a poll asks two times of a record, and who may see it four short texts. A document of the whole record
// costs more than the rest of the request.
#pragma once

#include <string>
#include <string_view>

namespace jobcast {

/// The members of one object (RFC 8259), in order. Looks at no more of the text than it needs, allocates nothing, and
/// nesting does not use up the stack. Of text that is not valid JSON it may answer anything that stands in it.
class json_members {
 public:
  explicit json_members(std::string_view text)
      : rest_(text) {}

  /// Goes on to the next member; false if there is none.
  bool next();
  /// Without its quotes, and with its escapes, if any.
  std::string_view name() const { return name_; }
  /// As it stands there: of text, quotes included. A string, an object, an array, a number or a word.
  std::string_view value() const { return value_; }

 private:
  void skip_space();
  bool take(char c);
  std::string_view take_first(std::size_t size);

  std::string_view rest_, name_, value_;
  bool open_ = false;
};

/// The text that `value` is; empty if it is no text.
std::string json_text(std::string_view value);
/// The number that `value` is; 0 if it is none, or beyond what a double holds.
double json_number(std::string_view value);

} // namespace jobcast
