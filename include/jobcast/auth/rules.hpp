// Who may do what: the one place that decides (protocol section 6). Pure.
#pragma once

#include "jobcast/auth/identity.hpp"

#include <string_view>

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

/// Whether it may do that to jobs at all, before any job is known.
bool may_ever(const identity& who, action what);

/// Whether all jobs of an owner may be read.
bool may_read_owner(const identity& who, std::string_view tenant, std::string_view owner);

} // namespace jobcast::auth
