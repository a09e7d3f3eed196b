# obs for sh: sourced once, every script is observed. `eval "$(obs print shell sh)"` or `. obs.sh`: nothing is printed,
# no process is started. For dash, busybox ash, ksh93 and mksh, and for bash and zsh where they pose as sh.
#
# The caller's line: bash tells it. In ksh93, mksh and busybox ash it takes an alias, which must not stand before a function
# of its name: they tell it only where `obs print shell sh` saw that the script is a single file without such functions.
# dash and zsh count lines from the top of each function: none.
# shellcheck shell=sh
# shellcheck disable=SC3028 # variables that only some shells have are asked for with a default
# shellcheck disable=SC2015 # `… && set -- 0 || set -- "$?"` keeps a status from `set -e`
# shellcheck disable=SC2064,SC2139 # traps and aliases are made of what is known now
# shellcheck disable=SC1090
__obs_status=$?
__obs_version=0.1.0

# --- records --------------------------------------------------------------------------------------------------------

# __obs_log LEVEL FILE:LINE:FUNCTION [MESSAGE [WORD…]]
__obs_log() {
  \test "$#" -gt 2 || \set -- "$@" ''
  __obs_word=$1 __obs_at=$2
  \shift 2
  __obs_call log --source "$__obs_at" "$__obs_word" -- "$@"
}

# __obs_log_json FILE:LINE:FUNCTION LEVEL MESSAGE [CONTEXT]: the seed's; an unknown level is info.
__obs_log_json() {
  __obs_at=$1 __obs_word=info
  case ${2-} in
  [Dd][Ee][Bb][Uu][Gg] | [Ii][Nn][Ff][Oo] | [Ww][Aa][Rr][Nn] | [Ww][Aa][Rr][Nn][Ii][Nn][Gg]) __obs_word=$2 ;;
  [Ee][Rr][Rr][Oo][Rr] | [Cc][Rr][Ii][Tt][Ii][Cc][Aa][Ll] | [Ff][Aa][Tt][Aa][Ll] | [Tt][Rr][Aa][Cc][Ee]) __obs_word=$2 ;;
  esac
  \shift "$(($# < 2 ? $# : 2))"
  __obs_log "$__obs_word" "$__obs_at" "$@"
}

# emit_event TYPE [JSON | k=v…]
emit_event() { __obs_call emit -- "$@"; }

# metric_inc NAME [VALUE] [k=v…]; metric_set and metric_observe NAME VALUE [k=v…]
metric_inc() { __obs_call metric inc -- "$@"; }
metric_set() { __obs_call metric set -- "$@"; }
metric_observe() { __obs_call metric observe -- "$@"; }

# Runs obs for a record. Its status comes through only with OBS_STRICT.
__obs_call() {
  \unset __obs_word __obs_at
  if \test -z "$__obs_bin"; then
    \return 0
  elif __obs_long "$*"; then
    __obs_pipe "$@"
  else
    \command "$__obs_bin" "$@"
  fi || __obs_verdict "$?"
}

__obs_verdict() {
  case ${OBS_STRICT-} in
  1 | [Tt][Rr][Uu][Ee] | [Yy][Ee][Ss] | [Oo][Nn]) \return "$1" ;;
  esac
  \return 0
}

# True for what may not fit a command line: counted in characters, of up to four bytes.
__obs_long() { \test "${#1}" -gt 30000; }

# Runs obs, with the words behind the command's own through standard input.
__obs_pipe() {
  case $1 in
  log | emit) __obs_words 1 "$@" | \command "$__obs_bin" "$1" --stdin0 ;;
  *) __obs_words 2 "$@" | \command "$__obs_bin" "$1" "$2" --stdin0 ;;
  esac
}

__obs_words() {
  \shift "$(($1 + 1))"
  case ${KSH_VERSION-} in
  '' | *93*) \printf '%s\0' "$@" ;;
  *)
    # mksh has no printf of its own, and another program takes no long words
    for __obs_word in "$@"; do
      \print -rn -- "$__obs_word"
      \print -n '\0'
    done
    ;;
  esac
}

# --- spans ----------------------------------------------------------------------------------------------------------

# span_start NAME [k=v…]
span_start() {
  \test "$__obs_able" = yes || \return 0
  __obs_pid
  __obs_step start --shell sh --owner "$__obs_me" -- "$@"
}

# span_end [STATUS [MESSAGE]] [k=v…]: STATUS is an exit code, ok, error or unset. Ends only what was started here.
span_end() {
  \test "$__obs_able" = yes && \test "${_OBS_STACK-}" != "$__obs_base" || \return 0
  case ${1-} in
  '' | *[!0123456789]*) \set -- -- "$@" ;;
  *)
    __obs_word=$1
    \shift
    # a sentence with an equals sign is a message, as obs reads it
    case $__obs_word:${1-} in
    0:* | *: | *:'{'*) ;;
    *' '*=*) \set -- error "$@" ;;
    *:[!=-]*=*) ;;
    *) \set -- error "$@" ;;
    esac
    \set -- --exit-code "$__obs_word" -- "$@"
    ;;
  esac
  __obs_step end --shell sh "$@"
}

# span_run NAME CMD…: functions and builtins too, in this shell.
span_run() {
  span_start "${1-}"
  \test "$#" -eq 0 || \shift
  "$@"
  \set -- "$?"
  span_end "$1"
  \return "$1"
}

# span_event NAME [k=v…]; span_attr k=v…
span_event() { __obs_call span event -- "$@"; }
span_attr() { __obs_call span set -- "$@"; }

# The seed's: send_span NAME START END [k=v…]. Ids that the script set itself win; the first span keeps the promise of
# the context that was made here, later ones are its children.
send_span() {
  __obs_as=
  case ${TRACEPARENT-}:$__obs_told in
  "$__obs_made":*"-${TRACE_ID-}-${SPAN_ID-}-"*)
    __obs_as=$TRACEPARENT
    __obs_kept
    ;;
  *"-${TRACE_ID-}-${SPAN_ID-}-"*) ;;
  *) ! __obs_valid "00-${TRACE_ID-}-${SPAN_ID-}-01" || __obs_as=00-$TRACE_ID-$SPAN_ID-01 ;;
  esac
  __obs_name=${1-} __obs_start=${2-} __obs_end=${3-}
  \shift "$(($# < 3 ? $# : 3))"
  \set -- --start "$__obs_start" --end "$__obs_end" -- "$__obs_name" "$@"
  \set -- span record ${__obs_as:+"--as=$__obs_as"} "$@"
  \unset __obs_as __obs_name __obs_start __obs_end
  __obs_call "$@"
}

# The context that was made here is recorded from now on.
__obs_kept() {
  __obs_made=
  \unset _OBS_MADE
}

# Runs what prints a change of the context, and makes it. Not by eval: `export` may be an alias.
__obs_step() {
  if __obs_long "$*"; then
    __obs_out=$(__obs_pipe span "$@")
  else
    __obs_out=$(\command "$__obs_bin" span "$@")
  fi && \set -- 0 || \set -- "$?"
  for __obs_word in TRACEPARENT _OBS_STACK TRACESTATE; do
    case $__obs_out in
    *"export $__obs_word='"*)
      \set -- "$1" "${__obs_out#*"export $__obs_word='"}"
      \export "$__obs_word=${2%%"'"*}"
      ;;
    *"unset $__obs_word;"*) \unset "$__obs_word" ;;
    esac
  done
  \unset __obs_out __obs_word
  __obs_ids
  __obs_verdict "$1"
}

__obs_ids() {
  TRACE_ID=${TRACEPARENT-}
  TRACE_ID=${TRACE_ID#*-}
  SPAN_ID=${TRACE_ID#*-}
  TRACE_ID=${TRACE_ID%%-*}
  SPAN_ID=${SPAN_ID%%-*}
  __obs_told=-$TRACE_ID-$SPAN_ID-
}

# The process id of this very shell: `$$` is its parent's in a subshell.
__obs_pid() {
  __obs_me=$$
  \test ! -r /proc/self/stat || IFS=' ' \read -r __obs_me _ </proc/self/stat
}

# --- times ----------------------------------------------------------------------------------------------------------

# obs_time METRIC [k=v…] [--] CMD…: the seconds that CMD takes in this shell, by the shell's own clock, else by `date`.
obs_time() {
  # shellcheck disable=SC2016 # for eval
  __obs_count=0 __obs_skip=0 __obs_words='"${1-}" "$__obs_took"'
  for __obs_word in "$@"; do
    case $__obs_count:$__obs_word in
    0:*) ;;
    *:*=*) __obs_words="$__obs_words \"\${$((__obs_count + 1))}\"" ;;
    *:--) __obs_skip=1 && \break ;;
    *) \break ;;
    esac
    __obs_count=$((__obs_count + 1))
  done
  __obs_now
  \set -- "$((__obs_count + __obs_skip))" "$__obs_words" "$__obs_clock" "$@"
  \unset __obs_count __obs_skip __obs_word __obs_words __obs_clock
  __obs_timed "$@"
  __obs_took "$?" "$@"
}

# __obs_timed SKIP WORDS START METRIC [k=v…] [--] CMD…
__obs_timed() {
  \shift "$(($1 + 3))"
  "$@"
}

# __obs_took STATUS SKIP WORDS START METRIC [k=v…] [--] CMD…: records what WORDS refer to. Its status is STATUS.
__obs_took() {
  __obs_now
  # to the microsecond, by arithmetic that may have 32 bits only
  __obs_word=${4#*[.,]}000000
  __obs_took=${__obs_clock#*[.,]}000000
  __obs_took=$((1${__obs_took%"${__obs_took#??????}"} - 1${__obs_word%"${__obs_word#??????}"}))
  __obs_word=$((${__obs_clock%%[.,]*} - ${4%%[.,]*} - (__obs_took < 0)))
  __obs_took=$((__obs_took + 1000000 + (__obs_took < 0) * 1000000))
  __obs_took=$__obs_word.${__obs_took#?}
  __obs_code=$1 __obs_words=$3
  \shift 4
  \eval "__obs_call metric observe --unit s -- $__obs_words" || \:
  \set -- "$__obs_code"
  \unset __obs_code __obs_words __obs_clock __obs_took
  \return "$1"
}

# The time as SECONDS.FRACTION in __obs_clock. dash has no clock; not every `date` knows %N.
__obs_now() {
  __obs_clock=
  case ${EPOCHREALTIME-}:${KSH_VERSION-}:$__obs_bin in
  *[.,]*:*:*) __obs_clock=$EPOCHREALTIME ;;
  *:*93*:*) __obs_clock=$(\printf '%(%s.%N)T' now) ;;
  *:*:?*) __obs_clock=$(\command date +%s.%N) || \: ;;
  esac
  __obs_clock=${__obs_clock%%[!0123456789.,]*}
  __obs_clock=${__obs_clock:-0.0}
}

# --- a whole script ---------------------------------------------------------------------------------------------------

# obs_trace_script [NAME]: a span for the whole script, which ends with its exit code, before the script's own EXIT trap
# runs. That runs as without us: `trap` becomes an alias that keeps ours apart from it. No signal is trapped: a shell with
# such a trap waits for the program in front before it dies. Where the shell dies of a signal without its EXIT trap (dash,
# busybox ash, zsh; mksh by some) the span is reported as abandoned, and so it is after `exec CMD` and after a `trap` in a
# function that was read before. ksh93 before 1.0.5 with an EXIT trap, and so with ours, does not die of a signal, but
# exits with its number. No failing command is told: an ERR trap would change what ksh93 and mksh make of other traps.
obs_trace_script() {
  __obs_pid
  \test "$__obs_able:$__obs_root:$__obs_me" = "yes::$$" || \return 0
  # where no file may grow, writing one ends the shell
  case $(\ulimit -f) in 0) \return 0 ;; esac
  __obs_word=${__obs_script##*/}
  \set -- "${1:-${__obs_word:-sh}}"
  case ${TRACEPARENT-} in
  "$__obs_made") \set -- "--as=$__obs_made" -- "$1" ;;
  *) \set -- -- "$1" ;;
  esac
  __obs_step start --shell sh --owner "$$" "$@"
  case ${_OBS_STACK-} in
  '' | "$__obs_base" | *'!') \return 0 ;;
  esac
  \test "$1" = -- || __obs_kept
  __obs_root=$TRACEPARENT __obs_base=$_OBS_STACK
  # the traps that are set go through __obs_trap, as if they were set now
  __obs_uuid || __obs_random=$$
  # beside the journal, where others cannot read; that is there since the span began
  __obs_file=${OBS_HOME:-${HOME-}/.specify}
  \test -w "$__obs_file" || __obs_file=${TMPDIR:-/tmp}
  __obs_file=$__obs_file/obs-traps-$__obs_random
  # not by `$(trap)`: in dash and mksh a subshell has no traps
  __obs_word=''
  # a special builtin that fails would end the script; a file that ends in the middle tells nothing
  if { { \command trap && \printf '__obs_word=whole\n'; } >"$__obs_file"; } 2>/dev/null; then
    \alias trap=__obs_trap
    \. "$__obs_file"
  fi
  case $__obs_word in
  whole) __obs_arm ;;
  *) { \unalias trap || \:; } 2>/dev/null ;;
  esac
  \command rm -f -- "$__obs_file"
  \unset __obs_file __obs_random __obs_word
}

# What `trap` means in a traced script: what it always does, while ours is out of the way.
__obs_trap() {
  __obs_main || { \trap "$@" && \return || \return; }
  \trap -- "${__obs_user_exit:--}" EXIT
  \trap "$@" && __obs_code=0 || __obs_code=$?
  case $#:${1-} in
  *:--) \shift ;;
  *:-[!-]*) \set -- ;; # shown
  esac
  case $#:${1-} in
  0:*) __obs_action='' ;;
  # conditions only, which are reset
  1:* | *:[0123456789] | *:[0123456789][0123456789]) __obs_action=- ;;
  *) __obs_action=$1 && \shift ;;
  esac
  for __obs_word in "$@"; do
    case $__obs_word:$__obs_action in
    0:- | EXIT:- | exit:-) __obs_user_exit= ;;
    0:* | EXIT:* | exit:*) __obs_user_exit=$__obs_action ;;
    esac
  done
  __obs_arm
  \set -- "$__obs_code"
  \unset __obs_action __obs_code __obs_word
  \return "$1"
}

# Sets our trap, in which the script's own sees the status.
__obs_arm() {
  case ${KSH_VERSION:-93}:$__obs_user_exit in
  # in mksh the last status in it is the shell's
  *93*:* | *:?*) \trap 'if __obs_exit "$?"; then eval "$__obs_user_exit"; else eval "$__obs_user_exit"; fi' EXIT ;;
  *) \trap '__obs_exit "$?"' EXIT ;;
  esac
}

# True in the script's own shell, false in a subshell of it, which in ksh93 may be the same process.
__obs_main() {
  __obs_pid
  case $__obs_root:$__obs_me:${KSH_VERSION-} in
  ?*":$$:"*93*) \eval '\test "${.sh.subshell}" -eq 0' ;;
  ?*":$$:"*) ;;
  *) \return 1 ;;
  esac
}

# The script ends with STATUS, which is this function's, too.
__obs_exit() {
  __obs_main || \return "$1"
  __obs_code=$1
  ! __obs_killed "$1" || \set -- error 'ended by a signal' error.type=signal
  # innermost first; the last one stays as it is
  __obs_before=
  until \test "${_OBS_STACK-}" = "$__obs_before"; do
    __obs_before=${_OBS_STACK-}
    span_end "$@" || \:
  done
  # the script's own trap is still in its trace
  (__obs_base=none && span_end "$@") || \:
  __obs_root=
  if \test "$__obs_code" -gt 256 && \test -z "$__obs_user_exit"; then
    \trap - EXIT
    \kill "-$((__obs_code - 256))" "$$"
  fi
  \return "$__obs_code"
}

# True where the shell dies of a signal: ksh93 may say so, bash keeps SIGCHLD blocked while it waits for a program.
__obs_killed() {
  \test "$1" -le 256 || \return 0
  case ${BASH_VERSION:+$1:}${BASH_COMMAND-} in
  0:exit* | [!0]* | '') \return 1 ;;
  esac
  while IFS=' 	' \read -r __obs_word __obs_before; do
    case $__obs_word$__obs_before in
    SigBlk:*[13579bdf]????) \return 0 ;;
    esac
  done 2>/dev/null </proc/self/status
  \return 1
}

# --- beginning --------------------------------------------------------------------------------------------------------

# True for a trace context by its form.
__obs_valid() {
  case $1 in
  00-????????????????????????????????-????????????????-??) ;;
  00-* | ff-*) \return 1 ;;
  ??-????????????????????????????????-????????????????-??) ;;
  ??-????????????????????????????????-????????????????-??-*) \set -- "${1%"${1#???????????????????????????????????????????????????????}"}" ;;
  *) \return 1 ;;
  esac
  case $1 in
  *[!0123456789abcdef-]* | *-*-*-*-*) \return 1 ;;
  ??-00000000000000000000000000000000-* | *-0000000000000000-??) \return 1 ;;
  esac
}

# 32 random digits in __obs_random, those of a version 4 UUID. False where there are none.
__obs_uuid() {
  __obs_random=
  if \test -r /proc/sys/kernel/random/uuid; then
    IFS=- \read -r __obs_a __obs_b __obs_c __obs_d __obs_e </proc/sys/kernel/random/uuid || \return 1
    __obs_random=$__obs_a$__obs_b$__obs_c$__obs_d$__obs_e
    \unset __obs_a __obs_b __obs_c __obs_d __obs_e
    \return 0
  fi
  case ${RANDOM-} in
  '' | *[!0123456789]*) \return 1 ;;
  esac
  while \test "${#__obs_random}" -lt 32; do
    __obs_random=$__obs_random$((RANDOM / 8 % 10))
  done
}

# A trace context where there is none: the promise of a span, which the first send_span or obs_trace_script keeps.
__obs_promise() {
  if __obs_valid "${TRACEPARENT-}"; then
    # a context that cannot be changed cannot be left for that of a span
    { \command export TRACEPARENT="$TRACEPARENT" || __obs_able=no; } 2>/dev/null
    \return 0
  fi
  # a terminal is no run: each script in it makes its own
  case $- in *i*) \return 0 ;; esac
  __obs_uuid || \return 0
  __obs_made=$__obs_random
  __obs_uuid || \return 0
  # the first digits of the right half hold no version: with its variant it is never zero
  __obs_made=00-$__obs_made-${__obs_random#????????????????}-03
  # _OBS_MADE is for `obs context ci`, which continues no promise
  { \command export TRACEPARENT="$__obs_made" && \export _OBS_MADE="$__obs_made" || __obs_able=no; } 2>/dev/null
  { \command unset TRACESTATE || \:; } 2>/dev/null
}

# The functions that must know their caller: what tells it in this shell, and an alias where only that knows the line.
__obs_define() {
  # shellcheck disable=SC2016 # all of it is for eval, some is no POSIX
  case ${BASH_VERSION:+bash}${ZSH_VERSION:+zsh}${KSH_VERSION-}:${__obs_single-} in
  bash:*)
    \eval '__obs_from() {
        __obs_at=${BASH_SOURCE[2]-}:${BASH_LINENO[1]-}:${FUNCNAME[2]-}
        case ${#FUNCNAME[@]}:${FUNCNAME[2]-} in
          3:main | *:source) __obs_at=${__obs_at%:*}: ;;
        esac
      }'
    ;;
  zsh:*) ;;
  *93*:yes) __obs_seen='"${.sh.file-}:${LINENO-}:${.sh.fun-}"' ;;
  :yes)
    # where lines count from the top in functions, too
    __obs_probe
    \test "${__obs_here:-0}" -ne "$((${__obs_there:-0} + 2))" || __obs_seen='"$__obs_script:$LINENO"'
    ;;
  *:yes) __obs_seen='"$__obs_script:${LINENO#0}"' ;;
  esac
  for __obs_word in debug info warning error critical json; do
    __obs_how="__obs_log $__obs_word"
    \test "$__obs_word" != json || __obs_how=__obs_log_json
    { \unalias "log_$__obs_word" || \:; } 2>/dev/null
    \eval "log_$__obs_word() {
        __obs_from
        $__obs_how \"\$__obs_at\" \"\$@\"
      }"
    case ${__obs_seen-} in
    ?*) \alias "log_$__obs_word=$__obs_how $__obs_seen" ;;
    esac
  done
  \unset __obs_how __obs_seen __obs_word __obs_here __obs_there
}

# Where a shell cannot tell, only the file is known.
__obs_from() { __obs_at=$__obs_script; }

__obs_probe() {
  __obs_there=${LINENO-}
}
__obs_here=${LINENO-}

# What is to be found out once in each shell; its answer is the status from before, but 0 where that would end the script.
__obs_begin() {
  if \test "${__obs_shell-}" != "$$"; then
    __obs_shell=$$ __obs_made='' __obs_root='' __obs_base=${_OBS_STACK-} __obs_user_exit='' __obs_script=''
    case $- in
    *i*) ;;
    *) \test ! -f "$0" || __obs_script=$0 ;;
    esac
  fi
  __obs_able=yes
  case ${__obs_bin-} in
  */*) \test ! -x "$__obs_bin" ;;
  esac && if \command -v obs >/dev/null 2>&1; then __obs_bin=obs; else __obs_bin='' __obs_able=no; fi
  __obs_promise
  __obs_ids
  __obs_define
  \unset __obs_status __obs_random
  case $- in
  *e*) \return 0 ;;
  esac
  \return "$1"
}

__obs_begin "$__obs_status"
