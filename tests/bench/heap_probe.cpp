// Preloaded into a gateway by transports.py: answers each byte written to the pipe HEAP_PROBE_ASK with the bytes of
// heap that are in use, as a line in the pipe HEAP_PROBE_ANSWER.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <malloc.h>
#include <thread>
#include <unistd.h>

namespace {

void answer(int ask, int answer_to) {
  char byte = 0;
  while (read(ask, &byte, 1) == 1)
    dprintf(answer_to, "%zu\n", mallinfo2().uordblks);
}

[[gnu::constructor]] void begin() {
  const char* ask = std::getenv("HEAP_PROBE_ASK");
  const char* answer_to = std::getenv("HEAP_PROBE_ANSWER");
  if (!ask || !answer_to)
    return;
  // A child of the gateway is not asked.
  unsetenv("LD_PRELOAD");
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  std::thread(answer, open(ask, O_RDWR | O_CLOEXEC), open(answer_to, O_RDWR | O_CLOEXEC)).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

} // namespace
