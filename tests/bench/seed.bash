#!/usr/bin/env bash
# What obs replaces, to be compared with: `log_json` and `log_info` ("Bash Script Logging") and `emit_event`
# ("backlog-wrapper.sh") exactly as the seed design of this project has them, with their faults: `${2:-{}}` adds a
# brace to every context, nothing is escaped, and one event is five writes. Only the indentation is ours.

log_json() {
  local level=$1
  local message=$2
  local context=${3:-"{}"}

  cat <<EOF
{
  "timestamp": "$(date -u +"%Y-%m-%dT%H:%M:%S.%3NZ")",
  "level": "$level",
  "logger": "bash.${BASH_SOURCE[1]##*/}",
  "message": "$message",
  "context": $context,
  "pid": $$,
  "host": "$(hostname)"
}
EOF
}

log_info() {
  log_json "INFO" "$1" "${2:-{}}"
}

emit_event() {
  local event_type=$1
  local event_data=$2

  echo "{
      \"event_type\": \"$event_type\",
      \"timestamp\": \"$(date -u +"%Y-%m-%dT%H:%M:%S.%3NZ")\",
      \"data\": $event_data
    }" >>~/.specify/events.log
}
