// Keeps the function library and the policies of `[jobs]` in place for the whole gateway: installs them when Redis
// comes, when the settings that go with them change, and when somebody flushed them.
#pragma once

#include "jobcast/base/complaint_gate.hpp"
#include "jobcast/store/library.hpp"
#include "jobcast/store/policies.hpp"

#include <functional>
#include <optional>

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
  /// The settings were read again: their `[jobs]` are in force from now on, or once Redis is back.
  void reload();
  /// Finds out whether the library and the policies are still there, and installs them if not.
  void check();
  /// The connection to Redis was lost or is a new one.
  void forget() { installed_ = false; }

  bool installed() const { return installed_; }

 private:
  using installation = boost::system::result<void, library_failure>;

  enum class what { all, policies };

  void start(what to_install);
  task<installation> run(what to_install, std::vector<std::string> policies, unsigned settings_read);
  void on_done(const installation& done);
  void on_written(const policies_written& done);
  void on_hash(std::string_view in_force);
  void complain(const std::string& problem);

  executor ex_;
  redis::client& client_;
  const settings& settings_;
  std::function<void()> changed_;
  std::function<void(std::string)> unusable_;
  bool installed_ = false, installing_ = false;
  std::optional<what> again_; ///< settings or Redis changed meanwhile
  bool forgetting_ = false;
  unsigned settings_read_ = 1, settings_taken_ = 0; ///< how often they were read, and which of these Redis has taken
  std::string ours_;                                ///< hash of the policies last brought to Redis
  std::string outvoted_by_, complaint_;             ///< what was logged last
  complaint_gate complaints_{std::chrono::minutes(1)};
};

} // namespace jobcast::store
