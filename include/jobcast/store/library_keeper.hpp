// Keeps the function library in place for the whole gateway: installs it when Redis comes, when the settings that go
// with it change, and when somebody flushed it.
#pragma once

#include "jobcast/base/complaint_gate.hpp"
#include "jobcast/store/library.hpp"

#include <functional>

namespace jobcast::store {

/// One per gateway, used on the loop of `client`. All it is given must outlive it.
class library_keeper {
 public:
  /// `changed`: installed() may be another now. `unusable`: this Redis will never do, for the reason given.
  library_keeper(executor ex, redis::client& client, const settings& s, std::function<void()> changed,
                 std::function<void(std::string)> unusable);

  /// Begins to install, or does so once more after the installation under way: of two at a time, the older could have
  /// the last word.
  void install();
  /// Finds out whether the library is still there, and installs it if not.
  void check();
  /// The connection to Redis was lost or is a new one.
  void forget() { installed_ = false; }

  bool installed() const { return installed_; }

 private:
  void on_done(const boost::system::result<void, library_failure>& done);

  executor ex_;
  redis::client& client_;
  const settings& settings_;
  std::function<void()> changed_;
  std::function<void(std::string)> unusable_;
  bool installed_ = false, installing_ = false;
  complaint_gate complaints_{std::chrono::minutes(1)};
  bool interrupted_ = false; ///< an installation threw: to be tried again
  bool again_ = false;       ///< settings or Redis changed meanwhile
};

} // namespace jobcast::store
