// One run of the load: opens the watchers, publishes, waits for what is still to come, and says what was measured.
#pragma once

#include "result.hpp"

namespace jobcast::bench {

/// `o` has been checked. Blocks. Throws std::runtime_error where nothing can be measured: a server that cannot be
/// reached, refuses, or closes a connection.
result run(const options& o);

} // namespace jobcast::bench
