#!/usr/bin/env bash
# Starts a command WRITERS times at once, each PER times in a row: `storm.bash WRITERS PER COMMAND [WORD]…`. The one
# launcher for everything that is compared. `record` appended to the words differs in every call. STORM_FUNCTIONS is a file
# that takes the place of the seed's functions. Prints seconds.
set -euo pipefail
# shellcheck source=/dev/null
. "${BASH_SOURCE[0]%/*}/seed.bash"
# shellcheck source=/dev/null
[ -z "${STORM_FUNCTIONS-}" ] || . "$STORM_FUNCTIONS"

seed_emit_event() { emit_event backlog.task.created "{\"task_id\": \"$1\"}"; }

writers=$1 per=$2
shift 2
start=${EPOCHREALTIME/[.,]/}
for ((writer = 0; writer < writers; writer++)); do
  (for ((i = 0; i < per; i++)); do "$@" "record=$writer-$i"; done) >/dev/null &
done
wait
end=${EPOCHREALTIME/[.,]/}
awk -v us=$((end - start)) 'BEGIN {printf "%.2f\n", us / 1e6}'
