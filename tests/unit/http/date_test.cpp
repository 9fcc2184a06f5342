#include "jobcast/http/date.hpp"

#include <doctest/doctest.h>

using jobcast::http::date_line;

TEST_CASE("a date has the form of RFC 9110, section 5.6.7") {
  date_line dates;
  CHECK(dates.at(784'111'777'000) == "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  CHECK(dates.at(784'111'777'999) == "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  CHECK(dates.at(784'111'778'000) == "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
  CHECK(dates.at(951'782'400'000) == "Date: Tue, 29 Feb 2000 00:00:00 GMT\r\n");
  CHECK(dates.at(0) == "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
}
