#include "process_usage.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>
#include <sys/resource.h>
#include <unistd.h>

namespace jobcast::bench {

namespace {

double cpu_of(int pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string const all((std::istreambuf_iterator<char>(in)), {});
  unsigned long user = 0, system = 0;
  // The name, in parentheses, may hold anything.
  auto const after = all.rfind(')');
  if (after == std::string::npos ||
      std::sscanf(all.c_str() + after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
    return 0;
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double resident_of(int pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmRSS:"))
      return static_cast<double>(std::atol(line.c_str() + 6)) * 1024;
  return 0;
}

template <class Of>
double total(const process_group& group, Of of) {
  return std::accumulate(group.pids.begin(), group.pids.end(), 0.0, [&](double sum, int pid) { return sum + of(pid); });
}

} // namespace

double cpu_seconds(const process_group& group) {
  return total(group, cpu_of);
}

double resident_bytes(const process_group& group) {
  return total(group, resident_of);
}

double own_cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  auto const seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

} // namespace jobcast::bench
