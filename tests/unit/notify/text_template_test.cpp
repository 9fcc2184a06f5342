#include "jobcast/notify/text_template.hpp"

#include <doctest/doctest.h>

using namespace jobcast::notify;

namespace {

const values record(
    R"({"id":"a","status":"failed","attempt":3,"stalled":false,"cancel_requested":true,"progress":{"percent":42.5},
  "error":{"title":"Row <17> & \"more\"","detail":"{{id}}"},"labels":{"shop.region":"eu"},"result":{"files":[1],"none":null}})");

std::string text(std::string_view from) {
  return render(from, record, escaping::none);
}

} // namespace

TEST_CASE("fields of the record are filled in") {
  CHECK(text("Job {{id}}: {{ error.title }} in try {{attempt}} at {{progress.percent}} %") ==
        "Job a: Row <17> & \"more\" in try 3 at 42.5 %");
  CHECK(text("{{labels.shop.region}}") == "eu");
}

TEST_CASE("what the record lacks is empty") {
  CHECK(text("[{{error.action}}{{nothing.at.all}}{{result.files}}{{result.none}}{{stalled}}{{error}}]") == "[]");
  CHECK(render("[{{id}}]", values("no json"), escaping::none) == "[]");
}

TEST_CASE("values are escaped for HTML") {
  CHECK(render("<b>{{error.title}}</b>", record, escaping::html) == "<b>Row &lt;17&gt; &amp; &quot;more&quot;</b>");
}

TEST_CASE("a value is never read as a template") {
  CHECK(text("{{error.detail}}") == "{{id}}");
}

TEST_CASE("sections depend on whether there is a value") {
  CHECK(text("{{#error.title}}yes{{/error.title}}{{^error.title}}no{{/error.title}}") == "yes");
  CHECK(text("{{#error.link}}yes{{/error.link}}{{^error.link}}no{{/error.link}}") == "no");
  CHECK(text("{{#failed}}failed{{/failed}}{{#done}}done{{/done}}{{#cancelled}}cancelled{{/cancelled}}") == "failed");
  CHECK(text("{{#cancel_requested}}asked{{/cancel_requested}}{{#stalled}}stalled{{/stalled}}") == "asked");
}

TEST_CASE("sections can be nested") {
  CHECK(text("{{#id}}{{#error.link}}a{{/error.link}}b{{/id}}c") == "bc");
  CHECK(text("{{#error.link}}{{#id}}a{{/id}}{{^error.link}}b{{/error.link}}{{/error.link}}c") == "c");
}

TEST_CASE("a template that is not well-formed is told from one") {
  CHECK(check_template("{{#a}}{{b}}{{/a}} {{^c.d}}{{/c.d}}") == "");
  CHECK(check_template("{{id") == "has a {{ without }}");
  CHECK(check_template("{{#a}}x") == "lacks {{/a}}");
  CHECK(check_template("{{#a}}{{#b}}{{/a}}{{/b}}") == "has {{/a}} where b was to be closed");
  CHECK(check_template("{{/a}}") == "has {{/a}} where nothing was to be closed");
  CHECK(check_template("{{}}") == "has {{}}, which names no field of the record");
  CHECK(check_template("{{{id}}}") == "has {{{id}}, which names no field of the record");
}
