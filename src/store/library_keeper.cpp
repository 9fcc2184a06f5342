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
  if (std::exchange(installing_, true)) {
    again_ = true;
    return;
  }
  asio::co_spawn(ex_, install_library(client_, settings_),
                 [this](std::exception_ptr e, boost::system::result<void, library_failure> done) {
                   log::unexpected(e);
                   installing_ = false;
                   if (std::exchange(again_, false) && client_.connected())
                     return install();
                   if (e)
                     interrupted_ = true;
                   else
                     on_done(done);
                 });
}

void library_keeper::on_done(const boost::system::result<void, library_failure>& done) {
  if (done) {
    installed_ = true;
    changed_();
  } else if (done.error().lasting) {
    unusable_(done.error().detail);
  } else {
    log::warning(complaints_, "the function library is not in place yet: {}", done.error().detail);
  }
}

void library_keeper::check() {
  if (std::exchange(interrupted_, false))
    return install();
  client_.call({"FCALL", "jobcast_version", "1", settings_.redis.ns}, [this](error_code ec, redis::reply_view reply) {
    if (!ec && reply.is_error() && reply.text().find("unction not found") != std::string_view::npos)
      install();
  });
}

} // namespace jobcast::store
