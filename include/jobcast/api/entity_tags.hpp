// Entity tags as they come back (RFC 9110, section 13.1.2). Pure.
#pragma once

#include <string_view>

namespace jobcast::api {

/// True if `if_none_match`, a list of entity tags or `*`, names `tag`, which is given without quotes.
///
/// Compared weakly, and without what proxies that compress put behind a tag of ours: mod_deflate sends `"tag-gzip"` or
/// `"tag;gzip"` to the client, and hands it on as it is when the client sends it back.
bool names_tag(std::string_view if_none_match, std::string_view tag);

} // namespace jobcast::api
