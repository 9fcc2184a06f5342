// Texts with places to fill in: the part of Mustache that e-mails need. `{{name}}` is a value, `{{#name}}...{{/name}}`
// stays if there is one, `{{^name}}...{{/name}}` if there is none. Pure.
//
// Names are paths into the record (`error.title`, `labels.region`, `result.url`); `done`, `failed`, `cancelled` for the
// status; and `title` for what users call the job: its label title, name or file, else its type and id. Values are put
// in as text, or escaped for HTML; what a value holds is never read as a template.
#pragma once

#include <boost/system/result.hpp>
#include <memory>
#include <rapidjson/document.h>
#include <string>
#include <string_view>

namespace jobcast::notify {

/// What may be filled in, from a record.
class values {
 public:
  /// What is no JSON object has no values.
  explicit values(std::string_view record);
  /// Text, numbers and booleans as text; empty for what is absent, null, false, an object or a list.
  std::string find(std::string_view path) const;

 private:
  std::shared_ptr<rapidjson::Document> record_;
};

enum class escaping { none, html };

/// Fills in. A template that is not well-formed (check_template) is cut off where it fails.
std::string render(std::string_view text, const values& from, escaping how);

/// What is wrong with a template, as a clause to follow the name of its key; empty if nothing.
std::string check_template(std::string_view text);

} // namespace jobcast::notify
