#include "jobcast/store/library_keeper.hpp"

#include "jobcast/base/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <utility>

namespace jobcast::store {

library_keeper::library_keeper(executor ex, redis::client& client, const settings& s, std::function<void()> changed,
                               std::function<void(std::string)> unusable)
    : ex_(std::move(ex))
    , client_(client)
    , settings_(s)
    , changed_(std::move(changed))
    , unusable_(std::move(unusable)) {}

void library_keeper::install() {
  start(what::all);
}

void library_keeper::start(what to_install) {
  if (std::exchange(installing_, true)) {
    again_ = again_ == what::all ? what::all : to_install;
    return;
  }
  auto work = run(to_install, policies_of(settings_), settings_read_);
  asio::co_spawn(ex_, std::move(work), [this](std::exception_ptr e, installation done) {
    log::unexpected(e);
    installing_ = false;
    auto const again = std::exchange(again_, std::nullopt);
    if (again && client_.connected())
      return start(done ? *again : what::all);
    if (!e)
      on_done(done);
  });
}

void library_keeper::reload() {
  ++settings_read_;
  if (client_.connected())
    start(installed_ ? what::policies : what::all);
}

// The library will do without policies that cannot be written: check() tries again.
task<library_keeper::installation> library_keeper::run(what to_install, std::vector<std::string> policies,
                                                       unsigned settings_read) {
  if (to_install == what::all) {
    auto const library = co_await install_library(client_, settings_.redis.ns);
    if (!library)
      co_return library.error();
  }
  auto const right = settings_taken_ == settings_read ? policies_right::renew : policies_right::take;
  auto const written = co_await write_policies(client_, settings_.redis.ns, right, std::move(policies));
  if (!written && !client_.connected())
    co_return library_failure{false, written.error()};
  if (!written) {
    ours_.clear();
    complain(written.error());
    co_return boost::system::in_place_value;
  }
  settings_taken_ = settings_read;
  on_written(*written);
  co_return boost::system::in_place_value;
}

void library_keeper::on_done(const installation& done) {
  if (done) {
    installed_ = true;
    changed_();
  } else if (done.error().lasting) {
    unusable_(done.error().detail);
  } else {
    log::warning(complaints_, "the function library is not in place yet: {}", done.error().detail);
  }
}

void library_keeper::on_written(const policies_written& done) {
  complaint_.clear();
  ours_ = done.ours;
  on_hash(done.in_force);
  if (!done.strays || std::exchange(forgetting_, true))
    return;
  asio::co_spawn(ex_, forget_stray_policies(client_, settings_.redis.ns), [this](std::exception_ptr e) {
    log::unexpected(e);
    forgetting_ = false;
  });
}

void library_keeper::on_hash(std::string_view in_force) {
  if (in_force == ours_)
    return outvoted_by_.clear();
  if (std::exchange(outvoted_by_, in_force) != in_force)
    log::warning("another gateway was started or reloaded with other [jobs], which are in force now; to have those of "
                 "this gateway, reload it (SIGHUP)");
}

void library_keeper::complain(const std::string& problem) {
  if (std::exchange(complaint_, problem) != problem)
    log::warning("[jobs] cannot be written to Redis, and will be tried again: {}", problem);
}

void library_keeper::check() {
  // Whatever was in the way may be gone.
  if (!installed_ && !installing_)
    return install();
  auto const& ns = settings_.redis.ns;
  client_.call({"FCALL", "jobcast_version", "1", ns}, [this](error_code ec, redis::reply_view reply) {
    if (!ec && reply.is_error() && reply.text().find("unction not found") != std::string_view::npos)
      install();
  });
  if (!installed_ || installing_)
    return;
  if (ours_.empty())
    return start(what::policies);
  client_.call({"HGET", ns + ":policies", "hash"}, [this](error_code ec, redis::reply_view reply) {
    if (ec || reply.is_error() || !installed_ || installing_)
      return;
    if (reply.is_nil())
      start(what::policies);
    else
      on_hash(reply.text());
  });
}

} // namespace jobcast::store
