#!/bin/sh
# Archives the done tasks of a backlog, and creates and edits one: the scripts of the seed design, written with obs.
# Usage: archive-tasks.sh ARCHIVE, in a folder with backlog/tasks/*.md.
set -eu
archive=$1

eval "$(obs span start archive-tasks filter=Done)"
trap 'eval "$(obs span end --exit-code $?)"' EXIT
obs log info 'Starting archive process' '{"dry_run": false, "filter": "Done"}'

# The wrapper: the real command, unchanged, in a span; its events only where it succeeded.
emit_event() {
  obs emit "$1" --data "$2"
}

backlog_task() {
  subcommand=$1
  shift
  eval "$(obs span start "backlog task $subcommand")"
  code=0
  output=$(backlog task "$subcommand" "$@" 2>&1) || code=$?
  if [ "$code" -ne 0 ]; then
    obs log error 'backlog refused' --exception "$output"
  elif [ "$subcommand" = create ]; then
    task_id=$(printf '%s\n' "$output" | grep -o 'task-[0-9]*')
    emit_event backlog.task.created "{\"task_id\": \"$task_id\", \"title\": \"$1\"}"
  else
    emit_event backlog.task.updated "{\"task_id\": \"$1\"}"
  fi
  eval "$(obs span end --exit-code "$code")"
  return "$code"
}
backlog_task create 'Write the docs'
backlog_task edit "$task_id" --status Done
backlog_task create Forbidden || obs log warning 'one task was not created'

# The archive: measured by hand as send_span was, packed in a span of its own.
pack() {
  eval "$(obs span start pack archive="$archive")"
  code=0
  tar -cf "$archive" -C backlog tasks 2>tar.err || code=$?
  if [ "$code" -ne 0 ]; then
    obs log error 'Archive failed' --exception @tar.err file="$archive"
  fi
  eval "$(obs span end --exit-code "$code")"
  return "$code"
}

archive_tasks() {
  count=0
  for file in backlog/tasks/*.md; do
    grep -q '^status: Done$' "$file" || continue
    name=${file##*/}
    obs emit backlog.task.archived task_id="${name%.md}"
    obs metric inc backlog_task_operations_total operation=archive status=success
    count=$((count + 1))
  done
  obs metric set backlog_tasks "$count" state=Done
}

start=$(date +%s%N)
pack
archive_tasks
end=$(date +%s%N)
obs span record archive_tasks --start "$start" --end "$end" tasks:="$count"
obs metric observe archive_duration_seconds "$(((end - start) / 1000000000))" --unit s
obs log info 'Archive complete' count:="$count"
