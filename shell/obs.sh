# obs for sh: sourced once, every script is observed. `eval "$(obs print shell sh)"` or `. obs.sh`: nothing is printed,
# no process is started. For dash, busybox ash, ksh93 and mksh, and for bash and zsh where they pose as sh.
#
# The caller's line: bash and zsh tell it. In ksh93, mksh and busybox ash it takes an alias, which must not stand before a
# function of its name, and the latter two do not know the file: they tell it only where `obs print shell sh` saw that
# the script is a single file without such functions. dash counts lines from the top of each function, if at all: none.
# shellcheck shell=sh
# shellcheck disable=SC3028 # variables that only some shells have are asked for with a default
# shellcheck disable=SC2015 # `… && set -- 0 || set -- "$?"` keeps a status from `set -e`
# shellcheck disable=SC2064,SC2139 # traps and aliases are made of names known now
# shellcheck disable=SC1090
__obs_status=$?
__obs_version=0.1.0

# --- records --------------------------------------------------------------------------------------------------------

# __obs_log FILE:LINE:FUNCTION LEVEL [MESSAGE [WORD…]]
__obs_log() {
  case $__obs_bin in
  '') \return 0 ;;
  esac
  case $# in
  2) \set -- "$@" '' ;;
  esac
  __obs_where=$1
  __obs_level=$2
  \shift 2
  \set -- log --source "$__obs_where" "$__obs_level" -- "$@"
  \unset __obs_where __obs_level
  __obs_call "$@"
}

# emit_event TYPE [JSON | k=v…]
emit_event() {
  __obs_call emit -- "$@"
}

# metric_inc NAME [VALUE] [k=v…]
metric_inc() {
  __obs_call metric inc -- "$@"
}

# metric_set NAME VALUE [k=v…]
metric_set() {
  __obs_call metric set -- "$@"
}

# metric_observe NAME VALUE [k=v…]
metric_observe() {
  __obs_call metric observe -- "$@"
}

# Runs obs. Its status comes through only with OBS_STRICT.
__obs_call() {
  case $__obs_bin in
  '') \return 0 ;;
  esac
  if __obs_long "$*"; then
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
__obs_long() {
  \test "${#1}" -gt 30000
}

# The words behind the command's own through standard input.
__obs_pipe() {
  case $1 in
  log | emit) __obs_words 1 "$@" | \command "$__obs_bin" "$1" --stdin0 ;;
  *) __obs_words 2 "$@" | \command "$__obs_bin" "$1" "$2" --stdin0 ;;
  esac
}

# --- spans ----------------------------------------------------------------------------------------------------------

# span_start NAME [k=v…]
span_start() {
  case $__obs_able in
  yes) ;;
  *) \return 0 ;;
  esac
  __obs_pid
  __obs_step span start --shell sh --owner "$__obs_me" -- "$@"
}

# span_end [STATUS [MESSAGE]] [k=v…]: STATUS is an exit code, ok, error or unset. Ends only what was started here.
span_end() {
  case $__obs_able:${_OBS_STACK-} in
  "yes:$__obs_base" | no:*) \return 0 ;;
  esac
  case ${1-} in
  '' | *[!0123456789]*) \set -- -- "$@" ;;
  *)
    __obs_code=$1
    \shift
    case $__obs_code:${1-} in
    0:* | *:'{'*) ;;
    *' '*) \set -- error "$@" ;;
    *: | *=*) ;;
    *) \set -- error "$@" ;;
    esac
    \set -- --exit-code "$__obs_code" -- "$@"
    \unset __obs_code
    ;;
  esac
  __obs_step span end --shell sh "$@"
}

# span_run NAME CMD…: functions and builtins too, in this shell.
span_run() {
  span_start "${1-}"
  case $# in
  0) ;;
  *) \shift ;;
  esac
  "$@"
  __obs_ran "$?"
}

__obs_ran() {
  span_end "$1"
  \return "$1"
}

# span_event NAME [k=v…]
span_event() {
  __obs_call span event -- "$@"
}

# span_attr k=v…
span_attr() {
  __obs_call span set -- "$@"
}

# The seed's: send_span NAME START END [k=v…]. Ids that the script set itself win; the first span keeps the promise of
# the context that was made here, later ones are its children.
send_span() {
  case $__obs_bin in
  '') \return 0 ;;
  esac
  case $# in
  0 | 1 | 2) \set -- "${1-}" "${2-}" "${3-}" ;;
  esac
  __obs_out=
  if __obs_valid "00-${TRACE_ID-}-${SPAN_ID-}-01"; then
    case ${TRACEPARENT-}$__obs_told in
    *"-$TRACE_ID-$SPAN_ID-"*)
      case $TRACEPARENT in
      "$__obs_made")
        __obs_out=$TRACEPARENT
        __obs_made=
        \unset _OBS_MADE
        ;;
      esac
      ;;
    *) __obs_out=00-$TRACE_ID-$SPAN_ID-01 ;;
    esac
  fi
  __obs_name=$1 __obs_start=$2 __obs_end=$3
  \shift 3
  \set -- --start "$__obs_start" --end "$__obs_end" -- "$__obs_name" "$@"
  case $__obs_out in
  ?*) \set -- --as "$__obs_out" "$@" ;;
  esac
  \unset __obs_out __obs_name __obs_start __obs_end
  __obs_call span record "$@"
}

# Runs what prints a change of the context, and makes it. Not by eval: `export` may be an alias.
__obs_step() {
  if __obs_long "$*"; then
    __obs_out=$(__obs_pipe "$@")
  else
    __obs_out=$(\command "$__obs_bin" "$@")
  fi && \set -- 0 || \set -- "$?"
  for __obs_word in TRACEPARENT _OBS_STACK TRACESTATE; do
    case $__obs_out in
    *"export $__obs_word='"*)
      __obs_me=${__obs_out#*"export $__obs_word='"}
      \export "$__obs_word=${__obs_me%%"'"*}"
      ;;
    *"unset $__obs_word;"*) \unset "$__obs_word" ;;
    esac
  done
  \unset __obs_out __obs_me __obs_word
  __obs_ids
  __obs_verdict "$1"
}

__obs_ids() {
  case ${TRACEPARENT-} in
  ?*)
    TRACE_ID=${TRACEPARENT#*-}
    SPAN_ID=${TRACE_ID#*-}
    TRACE_ID=${TRACE_ID%%-*}
    SPAN_ID=${SPAN_ID%%-*}
    ;;
  *) TRACE_ID='' SPAN_ID='' ;;
  esac
  __obs_told=-$TRACE_ID-$SPAN_ID-
}

# The process id of this very shell: `$$` is its parent's in a subshell. Without a process: a name in /proc.
__obs_pid() {
  __obs_me=$$
  if \test -d /proc/self/task; then
    case $- in
    *f*) IFS=' ' \read -r __obs_me __obs_rest </proc/self/stat ;;
    *)
      \set -- /proc/self/task/*
      __obs_me=${1##*/}
      ;;
    esac
    \unset __obs_rest
  fi
}

# --- times ----------------------------------------------------------------------------------------------------------

# obs_time METRIC [k=v…] [--] CMD…: the seconds that CMD takes in this shell, by the shell's own clock, else by `date`.
obs_time() {
  __obs_count=0
  __obs_skip=0
  for __obs_word in "$@"; do
    case $__obs_count:$__obs_word in
    0:* | *:*=*) __obs_count=$((__obs_count + 1)) ;;
    *:--)
      __obs_skip=1
      \break
      ;;
    *) \break ;;
    esac
  done
  __obs_now
  \set -- "$__obs_count" "$((__obs_count + __obs_skip))" "$__obs_clock" "$@"
  \unset __obs_count __obs_skip __obs_word __obs_clock
  __obs_timed "$@"
  __obs_took "$?" "$@"
}

# __obs_timed COUNT SKIP START METRIC [k=v…] [--] CMD…
__obs_timed() {
  \shift "$(($2 + 3))"
  "$@"
}

# __obs_took STATUS COUNT SKIP START METRIC [k=v…] [--] CMD…; its status is STATUS.
__obs_took() {
  case $__obs_bin in
  '') \return "$1" ;;
  esac
  __obs_now
  __obs_since "$4"
  __obs_status=$1
  __obs_count=$2
  \shift 4
  __obs_skip=$(($# - __obs_count))
  while \test "$__obs_count" -gt 0; do
    \set -- "$@" "$1"
    \shift
    __obs_count=$((__obs_count - 1))
  done
  \shift "$__obs_skip"
  __obs_word=${1-}
  \test "$#" -eq 0 || \shift
  __obs_call metric observe --unit s -- "$__obs_word" "$__obs_took" "$@" || \:
  \set -- "$__obs_status"
  \unset __obs_status __obs_count __obs_skip __obs_word __obs_clock __obs_took
  \return "$1"
}

# The time as SECONDS.FRACTION in __obs_clock.
__obs_now() {
  __obs_clock=
  case $__obs_bin in
  '') \return 0 ;;
  esac
  case ${EPOCHREALTIME-} in
  *[.,]*) __obs_clock=$EPOCHREALTIME ;;
  *) __obs_watch ;;
  esac
}

# dash has no clock.
__obs_watch() {
  __obs_clock=$(\command date +%s.%N 2>/dev/null) || \:
  case $__obs_clock in
  *[!0123456789.]* | '') IFS=' ' \read -r __obs_clock __obs_word </proc/uptime || \: ;;
  esac
}

# The seconds from START until __obs_clock in __obs_took, to the microsecond; arithmetic may have 32 bits only.
__obs_since() {
  __obs_word=${1#*[.,]}000000
  __obs_word=1${__obs_word%"${__obs_word#??????}"}
  __obs_took=${__obs_clock#*[.,]}000000
  __obs_took=1${__obs_took%"${__obs_took#??????}"}
  __obs_took=$((__obs_took - __obs_word))
  __obs_word=$((${__obs_clock%%[.,]*} - ${1%%[.,]*}))
  case $__obs_took in
  -*)
    __obs_took=$((__obs_took + 1000000))
    __obs_word=$((__obs_word - 1))
    ;;
  esac
  case $__obs_word in
  # the clock was set back meanwhile
  -*) __obs_took=0 ;;
  *)
    __obs_took=$((__obs_took + 1000000))
    __obs_took=$__obs_word.${__obs_took#1}
    ;;
  esac
}

# --- a whole script ---------------------------------------------------------------------------------------------------

# obs_trace_script [NAME]: a span for the whole script, ended with its exit code or by the signal it dies of. The
# script's own traps, set before and after, run as without it: `trap` becomes an alias that keeps ours apart from them.
# A `trap` in a function that was read before takes ours away: the span is then reported as abandoned. So it is after
# `exec CMD`, and after signals other than HUP INT QUIT ALRM TERM USR1 USR2. The span ends before the script's own EXIT
# trap runs, which may end the shell. While a program runs in front, a shell with a trap dies of a signal when that program
# has ended. No failing command is told: an ERR trap of ours would change what ksh93 and mksh make of the other traps.
obs_trace_script() {
  case $__obs_able:$__obs_root in
  yes:) ;;
  *) \return 0 ;;
  esac
  __obs_pid
  case $__obs_me in
  "$$") ;;
  *)
    \unset __obs_me
    \return 0
    ;;
  esac
  case ${1-} in
  '') \set -- "${__obs_script##*/}" ;;
  esac
  case $1 in
  '') \set -- sh ;;
  esac
  case ${TRACEPARENT-} in
  "$__obs_made") \set -- --as "$__obs_made" -- "$1" ;;
  *) \set -- -- "$1" ;;
  esac
  __obs_step span start --shell sh --owner "$$" "$@"
  case ${_OBS_STACK-} in
  '' | "$__obs_base" | *'!') \return 0 ;;
  esac
  case $1 in
  --as)
    __obs_made=
    \unset _OBS_MADE
    ;;
  esac
  __obs_root=$TRACEPARENT __obs_base=$_OBS_STACK
  __obs_watch_traps
}

# Takes over the traps that are set: each goes through __obs_trap as if it were set after ours.
__obs_watch_traps() {
  __obs_uuid || __obs_random=$$
  # beside the journal, where others cannot read; that is there since the span began
  __obs_file=${OBS_HOME:-${HOME-}/.specify}
  \test -w "$__obs_file" || __obs_file=${TMPDIR:-/tmp}
  __obs_file=$__obs_file/obs-traps-$__obs_random
  if \test -r /proc/self/status; then __obs_ignored_signals; else __obs_ignored=; fi
  # not by `$(trap)`: in dash and mksh a subshell has no traps
  if { { \trap; } >"$__obs_file"; } 2>/dev/null; then
    \alias trap=__obs_trap
    __obs_arm EXIT
    for __obs_word in HUP INT QUIT ALRM TERM USR1 USR2; do
      __obs_arm "$__obs_word"
    done
    \. "$__obs_file"
    \command rm -f -- "$__obs_file"
  fi
  \unset __obs_word __obs_file __obs_random
}

# The numbers of the signals that are not for us: those that the shell has ways of its own with, and those that were
# ignored when the script began, which some shells would trap.
__obs_ignored_signals() {
  __obs_ignored=0
  while IFS=' 	' \read -r __obs_word __obs_code; do
    case $__obs_word in
    SigIgn:)
      __obs_ignored=$((0x${__obs_code#????????}))
      \break
      ;;
    esac
  done </proc/self/status
  __obs_code=$__obs_ignored
  case ${BASH_VERSION-}:${KSH_VERSION-} in
  ?*:) __obs_ignored=' 3 ' ;;
  *:*93*) __obs_ignored=' 2 ' ;;
  *:?*) __obs_ignored=' 14 ' ;;
  *) __obs_ignored= ;;
  esac
  for __obs_word in 1 2 3 10 12 14 15; do
    \test "$(((__obs_code >> (__obs_word - 1)) & 1))" -eq 0 || __obs_ignored="$__obs_ignored $__obs_word "
  done
  \unset __obs_code
}

# What `trap` means in a traced script.
__obs_trap() {
  if ! __obs_main; then
    \trap "$@"
    \return
  fi
  case $#:${1-} in
  0:* | 1:-- | *:-[!-]*)
    __obs_show_traps "$@"
    \return
    ;;
  *:--) \shift ;;
  esac
  case $#:$1 in
  1:0 | 1:EXIT | *:[0123456789] | *:[0123456789][0123456789]) __obs_action=- ;;
  1:*)
    # not every shell takes a lone name
    \trap "$1" || \return
    __obs_action=-
    ;;
  *)
    __obs_action=$1
    \shift
    ;;
  esac
  __obs_code=0
  for __obs_word in "$@"; do
    case $__obs_word in
    0 | EXIT | exit) __obs_user_exit=$__obs_action ;;
    *)
      \trap -- "$__obs_action" "$__obs_word" || __obs_code=$?
      __obs_disown "$__obs_word"
      ;;
    esac
  done
  case $__obs_user_exit in
  -) __obs_user_exit='' ;;
  esac
  __obs_arm EXIT
  \set -- "$__obs_code"
  \unset __obs_action __obs_code __obs_word
  \return "$1"
}

# A signal that the script has set __obs_action for is not ours, until it is given back.
__obs_disown() {
  case ${1#[Ss][Ii][Gg]} in
  1 | [Hh][Uu][Pp]) \set -- HUP ;;
  2 | [Ii][Nn][Tt]) \set -- INT ;;
  3 | [Qq][Uu][Ii][Tt]) \set -- QUIT ;;
  14 | [Aa][Ll][Rr][Mm]) \set -- ALRM ;;
  15 | [Tt][Ee][Rr][Mm]) \set -- TERM ;;
  10 | 30 | [Uu][Ss][Rr]1) \set -- USR1 ;;
  12 | 31 | [Uu][Ss][Rr]2) \set -- USR2 ;;
  *) \return 0 ;;
  esac
  case $__obs_ours in
  *" $1 "*) __obs_ours="${__obs_ours%%" $1 "*} ${__obs_ours#*" $1 "}" ;;
  esac
  case $__obs_action in
  -) __obs_arm "$1" ;;
  esac
}

# `trap` and `trap -p` show what they would show without us.
__obs_show_traps() {
  case $__obs_user_exit in
  '') \trap - EXIT ;;
  *) \trap -- "$__obs_user_exit" EXIT ;;
  esac
  for __obs_word in HUP INT QUIT ALRM TERM USR1 USR2; do
    case $__obs_ours in
    *" $__obs_word "*) \trap - "$__obs_word" ;;
    esac
  done
  \trap "$@" && \set -- 0 || \set -- "$?"
  __obs_arm EXIT
  for __obs_word in HUP INT QUIT ALRM TERM USR1 USR2; do
    case $__obs_ours in
    *" $__obs_word "*) __obs_arm "$__obs_word" ;;
    esac
  done
  \unset __obs_word
  \return "$1"
}

# Sets our trap for EXIT or a signal; what was ignored when the script began stays so.
__obs_arm() {
  case $1 in
  EXIT)
    case ${KSH_VERSION-}:$__obs_user_exit in
    # after another trap its last status is the shell's
    *'MIRBSD KSH'*:) \trap '__obs_exit "$?"' EXIT ;;
    *) \trap 'if __obs_exit "$?"; then eval "$__obs_user_exit"; else eval "$__obs_user_exit"; fi' EXIT ;;
    esac
    \return 0
    ;;
  HUP) \set -- HUP 1 ;;
  INT) \set -- INT 2 ;;
  QUIT) \set -- QUIT 3 ;;
  ALRM) \set -- ALRM 14 ;;
  TERM) \set -- TERM 15 ;;
  USR1) if \test -d /proc/self; then \set -- USR1 10; else \set -- USR1 30; fi ;;
  USR2) if \test -d /proc/self; then \set -- USR2 12; else \set -- USR2 31; fi ;;
  esac
  case $-:$$:$__obs_ignored in
  # an interactive shell has its own ways, the first process of a container dies of none of them
  *i*:*:* | *:1:* | *" $2 "*) ;;
  *)
    case $__obs_ours in
    *" $1 "*) ;;
    *) __obs_ours="$__obs_ours $1 " ;;
    esac
    \trap "__obs_signal $1 $2" "$1"
    ;;
  esac
}

# True in the script's own shell, false in a subshell of it.
__obs_main() {
  case $__obs_root in
  '') \return 1 ;;
  esac
  __obs_pid
  \set -- "$__obs_me"
  \unset __obs_me
  case $1 in
  "$$") ! __obs_virtual ;;
  *) \return 1 ;;
  esac
}

# True in a subshell that has no process of its own.
__obs_virtual() {
  \return 1
}

# The script ends with STATUS, which is this function's, too.
__obs_exit() {
  if __obs_main; then
    case ${KSH_VERSION-}:$1 in
    *93*:258)
      # ended by INT, which this shell tells so; with an EXIT trap it would not die of it
      __obs_ended INT 2
      case $__obs_user_exit in
      '')
        \trap - INT EXIT
        \kill -s INT "$$"
        ;;
      esac
      ;;
    *)
      __obs_end_inner "$1"
      \command "$__obs_bin" span end --shell sh --span "$__obs_root" --exit-code "$1" >/dev/null || \:
      __obs_root=
      ;;
    esac
  fi
  \return "$1"
}

# __obs_signal NAME NUMBER: the script dies of a signal, as it would without us.
__obs_signal() {
  if __obs_main; then
    __obs_ended "$1" "$2"
    case $__obs_user_exit in
    '') \trap - EXIT ;;
    *) \trap -- "$__obs_user_exit" EXIT ;;
    esac
  fi
  \trap - "$1"
  \kill -s "$1" "$$"
}

__obs_ended() {
  __obs_end_inner "$((128 + $2))" || \:
  \command "$__obs_bin" span end --shell sh --span "$__obs_root" --exit-code "$((128 + $2))" -- error \
    "ended by SIG$1" "process.exit.signal=SIG$1" "error.type=SIG$1" >/dev/null || \:
  __obs_root=
}

# Ends the spans that are still open inside the script's own, innermost first.
__obs_end_inner() {
  while \:; do
    __obs_before=${_OBS_STACK-}
    case $__obs_before in
    '' | "$__obs_base") \break ;;
    esac
    span_end "$1"
    case ${_OBS_STACK-} in
    "$__obs_before") \break ;;
    esac
  done
  \unset __obs_before
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

# Random digits, in __obs_random: 32 and the dash of a version 4 UUID left out. False where there are none.
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
    __obs_a=$((RANDOM / 8 % 16))
    case $__obs_a in
    10) __obs_a=a ;;
    11) __obs_a=b ;;
    12) __obs_a=c ;;
    13) __obs_a=d ;;
    14) __obs_a=e ;;
    15) __obs_a=f ;;
    esac
    __obs_random=$__obs_random$__obs_a
  done
  \unset __obs_a
}

# A trace context where there is none: the promise of a span, which the first send_span or obs_trace_script keeps.
__obs_promise() {
  if __obs_valid "${TRACEPARENT-}"; then
    # a context that cannot be changed cannot be left for that of a span
    { \command export TRACEPARENT="$TRACEPARENT" || __obs_able=no; } 2>/dev/null
    \return 0
  fi
  __obs_uuid || \return 0
  __obs_made=$__obs_random
  __obs_uuid || \return 0
  # the first digits of the right half hold no version: with its variant it is never zero
  __obs_made=00-$__obs_made-${__obs_random#????????????????}-03
  # _OBS_MADE is for `obs context ci`, which continues no promise
  { \command export TRACEPARENT="$__obs_made" && \export _OBS_MADE="$__obs_made" || __obs_able=no; } 2>/dev/null
  { \command unset TRACESTATE || \:; } 2>/dev/null
}

# What tells the caller in this shell, as the beginning of a command; what it lacks of clocks and words.
__obs_fit() {
  # shellcheck disable=SC2016 # all of it is for eval, some is no POSIX
  case ${BASH_VERSION-}:${ZSH_VERSION-}:${KSH_VERSION-} in
  ?*::)
    \eval '__obs_from() {
        case ${#FUNCNAME[@]}:${FUNCNAME[2]-} in
          3:main | *:source) __obs_log "${BASH_SOURCE[2]-}:${BASH_LINENO[1]-}:" "$@" ;;
          *) __obs_log "${BASH_SOURCE[2]-}:${BASH_LINENO[1]-}:${FUNCNAME[2]-}" "$@" ;;
        esac
      }'
    __obs_how=__obs_from
    ;;
  :?*:*)
    if \eval 'zmodload -F zsh/parameter p:funcfiletrace p:funcstack && zmodload -F zsh/datetime p:EPOCHREALTIME' \
      2>/dev/null; then
      \eval '__obs_from() {
        case ${funcstack[@]:2:1} in
          "" | "(eval)" | "${${funcfiletrace[@]:1:1}%:*}") __obs_log "${funcfiletrace[@]:1:1}:" "$@" ;;
          *) __obs_log "${funcfiletrace[@]:1:1}:${funcstack[@]:2:1}" "$@" ;;
        esac
      }'
      __obs_how=__obs_from
    else
      __obs_how='__obs_log "$__obs_script"'
    fi
    ;;
  ::*93*)
    # only these functions keep the variable before an alias for themselves
    __obs_how='function:__obs_log "${__obs_at-$__obs_script}"'
    case ${__obs_single-} in
    yes) __obs_seen='"${.sh.file-}:${LINENO-}:${.sh.fun-}"' ;;
    esac
    \eval '__obs_virtual() { \test "${.sh.subshell}" -gt 0; }
      __obs_watch() { __obs_clock=$(\printf "%(%s.%N)T" now); }'
    ;;
  *)
    __obs_how='__obs_log "${__obs_at-$__obs_script}"'
    if __obs_counts; then
      __obs_seen='"${__obs_script-}:${LINENO#0}"'
    fi
    ;;
  esac
}

# True where the calling script is one file and lines count from its top, in functions too.
__obs_counts() {
  case ${__obs_single-}:${KSH_VERSION-} in
  yes:?*) \return 0 ;;
  yes:) ;;
  *) \return 1 ;;
  esac
  __obs_probe
  case $__obs_here$__obs_there in
  '' | *[!0123456789]*) \return 1 ;;
  esac
  \test "$((__obs_here - __obs_there))" -eq 2
}

__obs_probe() {
  __obs_there=${LINENO-}
}
__obs_here=${LINENO-}

# The functions that must know their caller, each with an alias where only that knows it.
__obs_define() {
  __obs_head='' __obs_tail='() {'
  case $__obs_how in
  function:*) __obs_head='function ' __obs_tail=' {' __obs_how=${__obs_how#function:} ;;
  esac
  for __obs_word in debug info warning error critical; do
    { \unalias "log_$__obs_word" || \:; } 2>/dev/null
    \eval "${__obs_head}log_$__obs_word$__obs_tail $__obs_how $__obs_word \"\$@\"; }"
    case $__obs_seen in
    ?*) \alias "log_$__obs_word=__obs_at=$__obs_seen log_$__obs_word" ;;
    esac
  done
  { \unalias log_json || \:; } 2>/dev/null
  # the seed's: log_json LEVEL MESSAGE [CONTEXT]; an unknown level is info
  \eval "${__obs_head}log_json$__obs_tail
    case \${1-} in
      [Dd][Ee][Bb][Uu][Gg] | [Ii][Nn][Ff][Oo] | [Ww][Aa][Rr][Nn] | [Ww][Aa][Rr][Nn][Ii][Nn][Gg]) ;;
      [Ee][Rr][Rr][Oo][Rr] | [Cc][Rr][Ii][Tt][Ii][Cc][Aa][Ll] | [Ff][Aa][Tt][Aa][Ll] | [Tt][Rr][Aa][Cc][Ee]) ;;
      '') \\set -- info '' ;;
      *)
        \\shift
        \\set -- info \"\$@\"
        ;;
    esac
    $__obs_how \"\$@\"
  }"
  case $__obs_seen in
  ?*) \alias "log_json=__obs_at=$__obs_seen log_json" ;;
  esac
}

# mksh has no printf of its own, and another program takes no long words.
__obs_define_words() {
  case ${KSH_VERSION-} in
  *MIRBSD* | *LEGACY* | *PD*)
    \eval '__obs_words() {
        \shift "$(($1 + 1))"
        for __obs_word in "$@"; do
          \print -rn -- "$__obs_word"
          \print -n "\\0"
        done
      }'
    ;;
  *)
    __obs_words() {
      \shift "$(($1 + 1))"
      \printf '%s\0' "$@"
    }
    ;;
  esac
}

# What is to be found out once in each shell.
__obs_begin() {
  case ${__obs_shell-} in
  "$$") ;;
  *)
    __obs_shell=$$ __obs_made='' __obs_root='' __obs_base=${_OBS_STACK-} __obs_user_exit='' __obs_ours='' __obs_script=''
    case $- in
    *i*) ;;
    *) \test ! -f "$0" || __obs_script=$0 ;;
    esac
    ;;
  esac
  case ${__obs_bin-} in
  ?*/*) \test -x "$__obs_bin" || __obs_bin= ;;
  *) __obs_bin= ;;
  esac
  case $__obs_bin in
  '') if \command -v obs >/dev/null 2>&1; then __obs_bin=obs; fi ;;
  esac
  __obs_able=yes __obs_seen=
  case $__obs_bin in
  '') __obs_able=no ;;
  esac
  __obs_promise
  __obs_ids
  __obs_fit
  __obs_define
  __obs_define_words
  \unset __obs_status __obs_random __obs_how __obs_seen __obs_word __obs_here __obs_there __obs_head __obs_tail
  # a status that the shell has let pass must not end it now
  case $- in
  *e*) \return 0 ;;
  esac
  \return "$1"
}

__obs_begin "$__obs_status"
