#!/usr/bin/env bash
# Calls from one bash, as a script makes them: `calls.bash ROUNDS EACH`. Prints name, tab, µs of every call. The rows
# take turns in rounds, so that a busy moment of the machine meets all of them. Runs inside the scene of `run`.
set -euo pipefail
# shellcheck source=/dev/null
. "${BASH_SOURCE[0]%/*}/seed.bash"

calls=(/bin/true obs_log seed_log_info obs_emit seed_emit_event obs_span)
seed_log_info() { log_info 'archive started' '{"filter": "Done", "files": 12, "target": "/srv/archive"}'; }
seed_emit_event() {
  local HOME=$PWD/seed # its events.log has the same name as ours
  emit_event backlog.task.created '{"task_id": "TASK-7", "title": "Write the docs"}'
}
obs_log() { ./obs log info 'archive started' filter=Done files:=12 target=/srv/archive; }
obs_emit() { ./obs emit backlog.task.created task_id=TASK-7 title='Write the docs' assignee=ada; }
obs_span() {
  eval "$(./obs span start archive filter=Done)"
  eval "$(./obs span end ok)"
}

mkdir -p seed/.specify
exec 3>&1 >/dev/null # the seed's functions print the record itself
for ((round = 0; round < $1; round++)); do
  for call in "${calls[@]}"; do
    times=()
    for ((i = 0; i < $2; i++)); do
      start=${EPOCHREALTIME/[.,]/}
      $call
      end=${EPOCHREALTIME/[.,]/}
      times+=($((end - start)))
    done
    printf "$call\t%d\n" "${times[@]}" >&3
  done
done
