#include "jobcast/store/shared_reads.hpp"

#include "jobcast/base/survive.hpp"

#include <boost/asio/co_spawn.hpp>
#include <doctest/doctest.h>
#include <new>
#include <string>
#include <vector>

using namespace jobcast;
using store::shared_reads;

namespace {

/// What came of asking for each id, all in one turn: "failed", "none" or the id.
std::vector<std::string> ask(shared_reads::reader reader, const std::vector<std::string>& ids) {
  asio::io_context io{1};
  shared_reads reads(io.get_executor(), std::move(reader));
  std::vector<std::string> out(ids.size(), "never answered");
  for (std::size_t i = 0; i < ids.size(); ++i)
    asio::co_spawn(io, reads.get(ids[i]), [&out, i](std::exception_ptr, store::result<shared_reads::found> found) {
      out[i] = !found ? "failed" : !*found ? "none" : std::string((*found)->id());
    });
  run_to_its_end(io);
  return out;
}

store::record record_of(const std::string& id) {
  return {1, false, R"({"id":")" + id + R"(","version":1})"};
}

template <class Thrown>
task<shared_reads::records> throws_late(std::vector<std::string>, std::string) {
  throw Thrown();
  co_return std::vector<std::optional<store::record>>();
}

} // namespace

TEST_CASE("a read that throws, whatever it throws, fails for all who asked") {
  std::vector<std::string> const failed(3, "failed");
  CHECK(ask(throws_late<std::bad_alloc>, {"a", "b", "a"}) == failed);
  CHECK(ask(throws_late<int>, {"a", "b", "a"}) == failed);
}

TEST_CASE("a read that cannot even begin fails for all who asked") {
  auto const reader = [](const std::vector<std::string>&, const std::string&) -> task<shared_reads::records> {
    throw std::bad_alloc();
  };
  CHECK(ask(reader, {"a", "b", "a"}) == std::vector<std::string>(3, "failed"));
}

TEST_CASE("of reads in parts those that throw fail, and the others are answered") {
  std::vector<std::string> ids;
  for (int i = 0; i < 250; ++i)
    ids.push_back("j" + std::to_string(i));
  int calls = 0;
  auto const reader = [&calls](std::vector<std::string> asked, std::string) -> task<shared_reads::records> {
    if (++calls == 2)
      throw std::bad_alloc();
    std::vector<std::optional<store::record>> out;
    for (const std::string& id : asked)
      out.emplace_back(record_of(id));
    co_return out;
  };
  auto const out = ask(reader, ids);
  std::size_t failed = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    CHECK((out[i] == "failed" || out[i] == ids[i]));
    failed += out[i] == "failed";
  }
  CHECK(failed == 100);
}

TEST_CASE("one of those asked for together that breaks a call fails alone, also where its second call throws") {
  auto const reader = [](std::vector<std::string> asked, std::string) -> task<shared_reads::records> {
    if (asked.size() > 1)
      co_return store::failure{store::failure::kind::broken, {}, "one of them"};
    if (asked.front() == "bad")
      throw std::bad_alloc();
    std::vector<std::optional<store::record>> out;
    out.emplace_back(record_of(asked.front()));
    co_return out;
  };
  CHECK(ask(reader, {"a", "bad", "b"}) == std::vector<std::string>{"a", "failed", "b"});
}
