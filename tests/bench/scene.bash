#!/usr/bin/env bash
# Sourced by `run` and `instructions`: the one scene in which everything is measured, and the commands that are.

# What is measured: name, then its command as hyperfine reads it, called where `make_scene` leaves one.
# shellcheck disable=SC2034 # read by those who source this
BENCH_COMMANDS=(
  'obs log' "./obs log info 'archive started' filter=Done files:=12 target=/srv/archive"
  'obs emit' "./obs emit backlog.task.created task_id=TASK-7 title='Write the docs' assignee=ada"
  'obs metric inc' './obs metric inc jobs_total 1 status=success queue=mail host=a'
  'obs span start' './obs span start archive filter=Done files:=12 target=/srv/archive'
  'obs span end' './obs span end ok moved:=12'
  'obs statusline' './obs statusline'
)

# make_scene FOLDER OBS: fills FOLDER with a HOME and a bare-bones git work tree holding a copy of OBS, and goes there.
# Sets `clean`, the fixed environment to put before every command, and `saved_live` and `live`: the span that `span end`
# ends is started once, and its file is copied back before every run.
make_scene() {
  local folder=$1 commit=4b825dc642cb6eb9a060e54bf8d69288fbee4904 started i
  mkdir -p "$folder/home" "$folder/tree/.git/refs/heads"
  cp "$2" "$folder/tree/obs"
  cd "$folder/tree" || return
  echo 'ref: refs/heads/main' >.git/HEAD
  echo "$commit" >.git/refs/heads/main
  printf '[remote "origin"]\n\turl = https://git.example.org/team/archive.git\n' >.git/config
  # shellcheck disable=SC2016 # it expands when it runs
  printf '"$@"\nexit $?\n' >caller.sh # a caller of always the same words; bash would become its last command
  clean=(env -i "PATH=$PATH" "HOME=$folder/home" USER=ada LC_ALL=C OBS_LOG_STREAM=off OBS_STRICT=1)
  # a session's environment has some forty variables, and every process pays for reading them
  for i in {10..41}; do
    clean+=("SESSION_VARIABLE_$i=a value of the usual length, number $i")
  done
  started=$("${clean[@]}" ./obs span start archive filter=Done --owner 0 --json) || return
  clean+=("TRACEPARENT=$(jq -r .traceparent <<<"$started")")
  live=$folder/home/.specify/live/$(jq -r .span_id <<<"$started").json
  saved_live=$folder/live.json
  cp "$live" "$saved_live"
}

# count_instructions COMMAND: user instructions by callgrind, the least of some runs: random ids and the digits of clock
# and pid move a count a little.
count_instructions() {
  local -a words
  local i
  eval "words=($1)"
  for ((i = 0; i < 7; i++)); do
    cp "$saved_live" "$live"
    # two callers: `span start` climbs to its caller's caller, whose words must be always the same too
    "${clean[@]}" bash caller.sh bash caller.sh \
      valgrind --tool=callgrind --callgrind-out-file=/dev/null "${words[@]}" 2>&1 >/dev/null
  done | awk '$2 == "Collected" {print $4}' | sort -n | head -n 1
}

# release_library ROOT: the loadable builtin's path; built where it is missing.
release_library() {
  local library=$1/target/release/libobs.so
  [ -f "$library" ] ||
    (cd "$1" && cargo build --release --locked --package obs-builtin --target-dir target) >&2 || return
  realpath "$library"
}

# release_binary ROOT: the static release binary's path; builds it where it is missing.
release_binary() {
  local target binary
  target=$(uname -m)-unknown-linux-musl
  binary=$1/target/$target/release/obs
  [ -x "$binary" ] ||
    (cd "$1" && cargo build --release --locked --target "$target" --target-dir target) >&2 || return
  realpath "$binary"
}
