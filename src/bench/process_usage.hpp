// CPU time and memory of other processes, from /proc (proc(5)). A process that is gone counts as 0.
#pragma once

#include "jobcast/bench/options.hpp"

namespace jobcast::bench {

/// User and system time of all threads, in seconds, to 10 ms.
double cpu_seconds(const process_group& group);
/// Resident memory in bytes.
double resident_bytes(const process_group& group);

/// Of this process, in seconds.
double own_cpu_seconds();

} // namespace jobcast::bench
