// The name under which an owner's jobs are indexed and announced: `ns:owner:<scope>`, `ns:feed:<scope>`. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace jobcast::job {

/// Longer scopes are refused by the function library.
inline constexpr std::size_t max_scope = 256;

/// `<tenant>/<owner>`, every byte but A-Z a-z 0-9 - . _ ~ as %XX in upper case (RFC 3986 section 2.1), so that no two
/// pairs of names share a scope and none can reach into another key. `tenant` is empty for jobs of no tenant.
std::string scope_key(std::string_view tenant, std::string_view owner);

} // namespace jobcast::job
