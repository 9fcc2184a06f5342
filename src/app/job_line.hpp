// A job's record as one line for a terminal. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace jobcast::app {

struct job_line {
  std::string status; ///< as in the record
  std::string text;   ///< `inv-1  processing  [=====>    ]  42 %  Page 3 of 7`
  bool is_final() const { return status == "done" || status == "failed" || status == "cancelled"; }
};

/// nullopt if the text is no record. Control characters in it are shown as spaces: a worker's message must not be able
/// to drive the terminal of whoever watches.
std::optional<job_line> describe_job(std::string_view record);

/// At most `columns` characters (code points), cut with an ellipsis.
std::string fitted(std::string_view text, std::size_t columns);

} // namespace jobcast::app
