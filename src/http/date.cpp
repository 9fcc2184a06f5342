#include "jobcast/http/date.hpp"

#include <ctime>
#include <fmt/format.h>

namespace jobcast::http {

const std::string& date_line::at(std::int64_t now_ms) {
  std::int64_t const second = now_ms / 1000;
  if (second == second_)
    return line_;
  second_ = second;
  // English whatever the locale, so not by strftime.
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto const time = static_cast<std::time_t>(second);
  std::tm t{};
  gmtime_r(&time, &t);
  line_ = fmt::format("Date: {}, {:02} {} {} {:02}:{:02}:{:02} GMT\r\n", days[t.tm_wday], t.tm_mday, months[t.tm_mon],
                      t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
  return line_;
}

} // namespace jobcast::http
