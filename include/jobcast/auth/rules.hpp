// Who may do what: the one place that decides (protocol section 6). Pure.
#pragma once

#include "jobcast/auth/identity.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace jobcast::auth {

enum class action : std::uint8_t {
  read,    ///< the record, its history and events
  command, ///< cancel, retry, seen
  publish, ///< create, report, delete
  operate, ///< metrics; no job is meant
};

/// What of a job decides. Empty means unset.
struct subject {
  std::string_view id, owner, tenant, type;
};

/// Of `operate`, the subject is not looked at.
bool may(const identity& who, action what, const subject& job);

/// The part of `may` that depends on the record, for the Redis functions to judge in the call that reads or changes it:
/// the job is of `tenant`, and either of `owner` or of one of `types`. What is unset bounds nothing, but `owner` and
/// `types` together are one choice. An empty owner is nobody's. Valid as long as the identity.
struct bounds {
  std::optional<std::string_view> tenant, owner;
  const std::vector<std::string>* types = nullptr;
};
/// Of the one job with this id. `operate` is none of it.
bounds bounds_of(const identity& who, action what, std::string_view id);

/// Whether it may do that to jobs at all, before any job is known.
bool may_ever(const identity& who, action what);

/// Whether all jobs of an owner may be read.
bool may_read_owner(const identity& who, std::string_view tenant, std::string_view owner);

} // namespace jobcast::auth
