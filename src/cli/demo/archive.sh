#!/bin/sh
# Archives the done tasks of a small backlog: what a team's own script would do, with obs in it.
set -eu

eval "$(obs span start archive-tasks filter=Done)"
whole=$TRACEPARENT
trap 'eval "$(obs span end --span "$whole" --exit-code $?)"' EXIT

# --- a repository with a backlog to work on -------------------------------------------------------------------------
eval "$(obs span start prepare)"
git init -q board
cd board
git config user.name demo
git config user.email demo@example.invalid
mkdir -p backlog/tasks backlog/archive/tasks
task() {
  printf -- '---\nid: %s\ntitle: %s\nstatus: %s\n---\n' "$1" "$2" "$3" >"backlog/tasks/$1 - $2.md"
}
task TASK-1 'Bootstrap-repository' Done
task TASK-2 'Choose-a-licence' Done
task TASK-3 'Parse-front-matter' 'In Progress'
task TASK-4 'Fix-quoted-titles' Done
task TASK-5 'Say-"hello"-\back' 'To Do'
git add -A
git commit -q -m 'Start the board'
obs log debug 'board created' tasks:=5 repository=board
eval "$(obs span end)"

# --- find ------------------------------------------------------------------------------------------------------------
eval "$(obs span start find-done)"
grep -l '^status: Done$' backlog/tasks/*.md >../done.txt
count=$(wc -l <../done.txt | tr -d ' ')
obs log info "found $count done tasks" count:="$count"
obs metric set backlog_tasks "$count" state=Done
eval "$(obs span end)"

# --- pack, with one failure that a retry heals -------------------------------------------------------------------------
pack() {
  eval "$(obs span start pack attempt:="$1")"
  code=0
  tar -cf "$2" -T ../done.txt 2>../tar.err || code=$?
  if [ "$code" -ne 0 ]; then
    obs log --exception @../tar.err error 'tar could not write the archive'
  fi
  eval "$(obs span end --exit-code "$code")"
  return "$code"
}
if ! pack 1 ../packed/tasks.tar; then
  obs log warning 'no folder for the archive, trying again' retry:=1
  obs span event retry reason='folder missing'
  mkdir ../packed
  pack 2 ../packed/tasks.tar
fi
obs metric observe archive_size_bytes "$(wc -c <../packed/tasks.tar | tr -d ' ')" --unit By --buckets 1024,10240,102400

# --- move ------------------------------------------------------------------------------------------------------------
eval "$(obs span start move files:="$count")"
while IFS= read -r file; do
  git mv "$file" backlog/archive/tasks/
  name=${file##*/}
  obs emit backlog.task.archived task_id="${name%% - *}" title="${name#* - }"
  obs metric inc backlog_task_operations_total operation=archive status=success
done <../done.txt
git commit -q -m "Archive $count done tasks"
eval "$(obs span end)"

obs log info 'archive complete' count:="$count" archive=packed/tasks.tar
