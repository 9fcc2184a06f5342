# shellcheck shell=bash
# Sourced by scripts: shows the steps of long work, and how far each is.

# progress_of LOG: how far the log says that ninja or apt is, e.g. "34 of 148".
progress_of() {
  awk '
    match($0, /^\[[0-9]+\/[0-9]+\]/) { text = substr($0, 2, RLENGTH - 2); sub("/", " of ", text) }
    /newly installed/ { of = " of " $3 }
    /^Get:/ { text = "downloading " ++got of }
    /^Unpacking / { text = "unpacking " ++unpacked of }
    /^Setting up / { text = "setting up " ++set_up of }
    END { print text }' "$1"
}

# show_progress LABEL LOG: on a terminal in one line that changes, else in a line every 15 seconds. Runs until it is ended.
show_progress() {
  local now idle began=$SECONDS shown=$SECONDS
  # Nothing is ever written to this pipe: a wait without a process `sleep` that would be left over.
  exec {idle}<> <(:)
  # The script itself may be killed.
  while kill -0 $$ 2>/dev/null; do
    read -r -t 1 -u "$idle" || true
    [ "$on_terminal" ] || [ $((SECONDS - shown)) -ge 15 ] || continue
    shown=$SECONDS
    now=$(progress_of "$2")
    if [ "$on_terminal" ]; then
      printf '\r%s: %s%s s\e[K' "$1" "${now:+$now, }" $((SECONDS - began))
    else
      echo "$1: ${now:+$now, }$((SECONDS - began)) s"
    fi
  done
}

# step LABEL COMMAND...: prints the label, the progress and the seconds it took; the command's output only if it fails.
# `step_log=FILE step ...` keeps the output.
step() {
  local label=$1 log watcher status=0 began=$SECONDS
  shift
  log=${step_log:-$(mktemp)}
  on_terminal=
  if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then on_terminal=1; fi
  if [ "$on_terminal" ]; then printf '%s ...' "$label"; else echo "$label ..."; fi
  show_progress "$label" "$log" &
  watcher=$!
  "$@" >"$log" 2>&1 || status=$?
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  [ ! "$on_terminal" ] || printf '\r\e[K'
  if [ "$status" = 0 ]; then
    echo "$label: $((SECONDS - began)) s"
  else
    cat "$log" >&2
    echo "$label: failed after $((SECONDS - began)) s with status $status" >&2
  fi
  [ "${step_log:-}" ] || rm -f "$log"
  return "$status"
}
