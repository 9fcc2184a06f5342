// Who shares the limits of a viewer.
#pragma once

#include "jobcast/auth/identity.hpp"

#include <string>

namespace jobcast::auth {

/// Names the viewer whose limits `who` shares; empty: nobody's. Publishers have none.
///
/// Guests of a link, and tokens for jobs alone, are nobody in particular. They take nothing of an owner's share, but
/// one of those who may see the same jobs: by the first of them in order, since links for any mix of jobs can be had.
std::string viewer_name(const identity& who);

} // namespace jobcast::auth
