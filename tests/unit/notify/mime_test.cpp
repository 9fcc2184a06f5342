#include "jobcast/notify/mime.hpp"

#include <doctest/doctest.h>
#include <sstream>
#include <vector>

using namespace jobcast::notify;

namespace {

email example() {
  return {{"", "jobs@example.com"}, "zoe@example.org", "Done",         "It is done.\n",
          "<p>It is done.</p>\n",   "abc123",          784'111'777'000};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0, end; (end = text.find("\r\n", at)) != std::string::npos; at = end + 2)
    out.push_back(text.substr(at, end - at));
  return out;
}

std::string headers_of(const email& e) {
  auto const all = message(e);
  return all.substr(0, all.find("\r\n\r\n") + 2);
}

} // namespace

TEST_CASE("a message has text and HTML, and says who, when and what") {
  CHECK(message(example()) == "From: jobs@example.com\r\n"
                              "To: zoe@example.org\r\n"
                              "Subject: Done\r\n"
                              "Date: Sun, 06 Nov 1994 08:49:37 +0000\r\n"
                              "Message-ID: <abc123@example.com>\r\n"
                              "MIME-Version: 1.0\r\n"
                              "Auto-Submitted: auto-generated\r\n"
                              "Content-Type: multipart/alternative; boundary=\"=_abc123\"\r\n"
                              "\r\n"
                              "--=_abc123\r\n"
                              "Content-Type: text/plain; charset=utf-8\r\n"
                              "Content-Transfer-Encoding: quoted-printable\r\n"
                              "\r\n"
                              "It is done.\r\n"
                              "\r\n"
                              "--=_abc123\r\n"
                              "Content-Type: text/html; charset=utf-8\r\n"
                              "Content-Transfer-Encoding: quoted-printable\r\n"
                              "\r\n"
                              "<p>It is done.</p>\r\n"
                              "\r\n"
                              "--=_abc123--\r\n");
}

TEST_CASE("a subject cannot add a header") {
  auto e = example();
  e.subject = "Done\r\nBcc: eve@example.org\r\n\r\nbody";
  CHECK(lines_of(headers_of(e)).size() == 8);
  CHECK(headers_of(e).find("\r\nBcc") == std::string::npos);
}

TEST_CASE("a subject that is not ASCII is encoded in words of whole characters") {
  CHECK(header_text("Fertig: Größe", 9) == "=?UTF-8?B?RmVydGlnOiBHcsO2w59l?=");
  std::string longer;
  for (int i = 0; i < 60; ++i)
    longer += "€";
  auto const folded = header_text(longer, 9);
  for (auto const& line : lines_of(folded + "\r\n")) {
    CHECK(line.size() <= 76);
    // Three bytes a character, so whole characters are whole groups of four without padding.
    CHECK(line.find("=?UTF-8?B?") <= 1);
    CHECK(line.substr(line.size() - 3, 1) != "=");
  }
}

TEST_CASE("a long subject is folded, and one that looks encoded is encoded") {
  for (auto const& line : lines_of("Subject: " + header_text(std::string(500, 'x'), 9) + "\r\n"))
    CHECK(line.size() <= 76);
  CHECK(header_text("=?UTF-8?B?aGk=?=", 9).starts_with("=?UTF-8?B?PT9V"));
}

TEST_CASE("a sender's name is quoted or encoded") {
  auto e = example();
  e.from.name = "Jobs, Inc. \\";
  CHECK(headers_of(e).starts_with("From: \"Jobs, Inc. \\\\\" <jobs@example.com>\r\n"));
  e.from.name = "Büro";
  CHECK(headers_of(e).starts_with("From: =?UTF-8?B?QsO8cm8=?= <jobs@example.com>\r\n"));
}

TEST_CASE("bodies are quoted-printable") {
  CHECK(quoted_printable("a=b") == "a=3Db");
  CHECK(quoted_printable("é") == "=C3=A9");
  CHECK(quoted_printable("end \nnext\t") == "end=20\r\nnext=09");
  CHECK(quoted_printable("a\r\nb\nc\rd") == "a\r\nb\r\nc=0Dd");
  for (auto const& line : lines_of(quoted_printable(std::string(1000, '=') + std::string(1000, 'x')) + "\r\n"))
    CHECK(line.size() <= 76);
}

TEST_CASE("a body cannot contain the boundary") {
  auto e = example();
  e.text = "--=_abc123--\r\n--=_abc123\r\n";
  auto const all = message(e);
  std::size_t found = 0;
  for (std::size_t at = 0; (at = all.find("--=_abc123", at)) != std::string::npos; ++at)
    ++found;
  CHECK(found == 3);
}
