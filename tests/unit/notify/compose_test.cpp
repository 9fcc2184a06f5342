#include "jobcast/notify/compose.hpp"

#include "jobcast/notify/text_template.hpp"

#include <doctest/doctest.h>

using namespace jobcast;
using namespace jobcast::notify;

namespace {

email of(std::string record, const notify_settings& config = {}, std::string type = "export") {
  delivery d;
  d.to = "zoe@example.com";
  d.type = std::move(type);
  d.record = std::move(record);
  return compose(d, config, "abc", 0);
}

} // namespace

TEST_CASE("without templates an e-mail says what failed and what to do") {
  auto const e =
      of(R"({"id":"a","type":"export","status":"failed","error":{"title":"Row 17 <b>","action":"Fix it."}})");
  CHECK(e.to == "zoe@example.com");
  CHECK(e.identity == "abc");
  CHECK(e.subject == "Failed: export a - Row 17 <b>");
  CHECK(e.text == "export a failed.\n\nRow 17 <b>\n\nWhat to do: Fix it.\n");
  CHECK(e.html.find("Row 17 &lt;b&gt;") != std::string::npos);
  CHECK(e.html.find("<b>export a</b>") != std::string::npos);
  CHECK(e.html.find("{{") == std::string::npos);
}

TEST_CASE("without templates an e-mail says that a job is done or was cancelled") {
  CHECK(of(R"({"id":"a","type":"export","status":"done"})").text == "export a is done.\n");
  CHECK(of(R"({"id":"a","type":"export","status":"cancelled"})").subject == "Cancelled: export a");
}

TEST_CASE("a type's templates come first, then the default ones, then the program's") {
  notify_settings config;
  config.templates["invoice"].subject = "Invoice {{id}}";
  config.templates["default"] = {"Job {{id}}", "Text {{id}}", ""};
  auto const invoice = of(R"({"id":"a"})", config, "invoice");
  CHECK(invoice.subject == "Invoice a");
  CHECK(invoice.text == "Text a");
  CHECK(invoice.html.starts_with("<!DOCTYPE html>"));
  CHECK(of(R"({"id":"a"})", config).subject == "Job a");
}

TEST_CASE("the program's templates are well-formed") {
  auto const own = templates_for("any", {});
  for (auto const& one : {own.subject, own.text, own.html})
    CHECK(check_template(one) == "");
}

TEST_CASE("without templates an e-mail calls the job what users call it, and says where the result is") {
  auto const e =
      of(R"({"id":"a","type":"export","status":"done","labels":{"file":"May.csv","title":"Orders of <May>"},)"
         R"("result":{"url":"https://files.example/1?a=1&b=2"}})");
  CHECK(e.subject == "Done: Orders of <May>");
  CHECK(e.text == "Orders of <May> is done.\n\nhttps://files.example/1?a=1&b=2\n");
  CHECK(e.html.find("<b>Orders of &lt;May&gt;</b> is done.") != std::string::npos);
  CHECK(e.html.find("https://files.example/1?a=1&amp;b=2") != std::string::npos);
  CHECK(of(R"({"id":"a","type":"export","status":"failed","labels":{"file":"May.csv"}})").subject == "Failed: May.csv");
}
