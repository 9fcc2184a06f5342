// What a publisher is called: where its batches are kept, and in the ids of jobs that an idempotency key made. Pure.
#pragma once

#include "jobcast/auth/identity.hpp"

#include <string>

namespace jobcast::auth {

/// `key:<name>` of an API key, `token:<sub>` of a token, `issuer:<iss>` of one without `sub`; the last two
/// percent-encoded. Empty where nobody is asked who they are.
std::string publisher_name(const identity& who);

/// Whose idempotency keys these are: those of different publishers never meet. The key that signed a token is no part
/// of it, so that a new one makes no second job.
std::string idempotency_scope(const identity& who);

/// What it was in 0.1.0, which left the issuer of a token without `sub` out; empty if it is the same.
std::string former_idempotency_scope(const identity& who);

} // namespace jobcast::auth
