#!/bin/sh
# The same call many times, in whichever POSIX shell, bash or zsh runs this: `functions.sh CALL COUNT SOURCED`. CALL is
# `none`, `true` or `log_info`; SOURCED is the file with the functions, or nothing. `run` takes the time.
call=$1 count=$2 sourced=$3
# shellcheck source=/dev/null
[ -z "$sourced" ] || . "$sourced"
i=0
case $call in
none) ;;
true)
  while [ "$i" -lt "$count" ]; do
    /bin/true
    i=$((i + 1))
  done
  ;;
log_info)
  while [ "$i" -lt "$count" ]; do
    log_info 'archive started' filter=Done files:=12 target=/srv/archive
    i=$((i + 1))
  done
  ;;
esac
exit 0 # not the last call's exec
