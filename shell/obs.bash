# shellcheck shell=bash
# obs for bash: sourced once, every script is observed. For bash 3.2 and later.
#
# Names: log_* span_* send_span metric_* emit_event obs_* and TRACE_ID SPAN_ID; what begins with __obs_ is private.
# Every function returns 0 whatever becomes of its record; with OBS_STRICT=1 what obs returned. None changes an option of
# the shell. Builtins are called with a backslash or through `builtin`, which keeps the user's aliases out.
__obs_status=$?
__obs_version=0.1.0

# The one seam: "$__obs_via" __obs_hot WORDS… is `builtin` with the loaded builtin, `__obs_call` with the binary, and `:`
# where there is neither. The builtin has a name of its own: `obs … &` must stay the program, which a signal reaches.

# Runs the binary. Words that may not fit a command line go through standard input.
__obs_call() {
  # it may have gone since
  [[ -x $__obs_bin ]] || \return 0
  \builtin local __obs_all="$*" __obs_count=1
  if ((${#__obs_all} < 30000)); then
    "$__obs_bin" "${@:2}"
    \return
  fi
  case $2 in metric | span) __obs_count=2 ;; esac
  \builtin printf '%s\0' "${@:__obs_count+2}" | "$__obs_bin" "${@:2:__obs_count}" --stdin0
}

# What a record that was refused means to the script: nothing, but in strict mode.
__obs_failed() {
  case ${OBS_STRICT-} in
  1 | [Tt][Rr][Uu][Ee] | [Yy][Ee][Ss] | [Oo][Nn]) \return "$1" ;;
  esac
  \return 0
}

# True where none of these variables is readonly, and none was an integer when this was sourced.
__obs_free() {
  [[ -z $__obs_sums ]] && \builtin local "$@" 2>/dev/null
}

# True where one of the variables of the context is an integer, to which a header would be a sum.
__obs_counts() {
  # older ones cannot say without a process
  ((BASH_VERSINFO[0] > 4)) || \return 1
  \builtin local __obs_flags
  \builtin eval '\builtin local -; \builtin set +u; __obs_flags=${TRACEPARENT@a}${TRACESTATE@a}${TRACE_ID@a}${SPAN_ID@a}${_OBS_STACK@a}'
  [[ $__obs_flags == *[iu]* ]]
}

# TRACE_ID and SPAN_ID follow the current context.
__obs_ids() {
  __obs_free TRACE_ID SPAN_ID || \return 0
  TRACE_ID=${TRACEPARENT-}
  SPAN_ID=${TRACE_ID:36:16}
  TRACE_ID=${TRACE_ID:3:32}
}

# True for hex digits, not all of them zero.
__obs_hex() {
  case $1 in
  '' | *[!0123456789abcdef]*) \return 1 ;;
  *[!0]*) \return 0 ;;
  esac
  \return 1
}

# True for a traceparent by its form.
__obs_valid() {
  case $1 in
  ff-* | [!0123456789abcdef]?-* | ?[!0123456789abcdef]-*) \return 1 ;;
  00-????????????????????????????????-????????????????-??) ;;
  00-*) \return 1 ;;
  ??-????????????????????????????????-????????????????-??) ;;
  ??-????????????????????????????????-????????????????-??-*) ;;
  *) \return 1 ;;
  esac
  __obs_hex "${1:3:32}" && __obs_hex "${1:36:16}" && __obs_hex "1${1:53:2}"
}

# The next ids in `ids`, 32 hex digits for a trace and 16 for a span, without a process.
__obs_random() {
  \builtin local __obs_text='' __obs_more=''
  if \builtin read -r __obs_text && \builtin read -r __obs_more <"$__obs_uuid"; then
    __obs_ids=${__obs_text//-/}${__obs_more:0:8}${__obs_more:28:8}
  fi <"$__obs_uuid" 2>/dev/null
  __obs_hex "${__obs_ids:0:32}" && __obs_hex "${__obs_ids:32}" && [[ ${#__obs_ids} -eq 48 ]]
}

# The same from bytes, where the kernel offers no text.
__obs_bytes() {
  __obs_free LC_ALL || \return 1
  \builtin local LC_ALL=C __obs_byte='' __obs_hex='' __obs_count
  __obs_ids=''
  for ((__obs_count = 0; __obs_count < 24; __obs_count++)); do
    IFS='' \builtin read -r -d '' -n 1 __obs_byte || \return 1
    \builtin printf -v __obs_hex %d "'$__obs_byte"
    \builtin printf -v __obs_hex %02x "$((__obs_hex & 255))"
    __obs_ids=$__obs_ids$__obs_hex
  done 2>/dev/null </dev/urandom
}

# True where TRACE_ID and SPAN_ID are ids that the script has made itself; what it has inherited is another script's.
__obs_own() {
  __obs_valid "00-${TRACE_ID-}-${SPAN_ID-}-01" || \return 1
  # older ones cannot say without a process what is exported
  ((BASH_VERSINFO[0] > 4)) || \return 0
  \builtin local __obs_flags
  \builtin eval '__obs_flags=${TRACE_ID@a}${SPAN_ID@a}'
  [[ $__obs_flags != *x* ]]
}

# A context where there is none: the promise of a span that nobody has recorded yet.
__obs_promise() {
  # a terminal is no run: each script in it makes its own
  case $- in *i*) \return 0 ;; esac
  ! __obs_valid "${TRACEPARENT-}" && __obs_free TRACEPARENT TRACESTATE || \return 0
  \builtin local __obs_ids='' __obs_uuid=/proc/sys/kernel/random/uuid
  if [[ -n $1 ]]; then
    TRACEPARENT=00-$TRACE_ID-$SPAN_ID-01
  else
    __obs_random || __obs_bytes || \return 0
    # 03: the right-most seven bytes of the trace id are random, as the flag says
    TRACEPARENT=00-${__obs_ids:0:32}-${__obs_ids:32}-03
  fi
  \builtin export TRACEPARENT
  \builtin unset TRACESTATE
  __obs_made=$TRACEPARENT
  # for `obs context ci`, which continues no promise
  \builtin export _OBS_MADE="$__obs_made"
}

# The binary: the one that printed this file, else the first on PATH.
__obs_find() {
  [[ -x ${__obs_bin-} && ! -d $__obs_bin ]] && \return
  \builtin local __obs_rest="${PATH-}:" __obs_folder
  while [[ -n $__obs_rest ]]; do
    __obs_folder=${__obs_rest%%:*}
    __obs_rest=${__obs_rest#*:}
    case $__obs_folder in /*) ;; *) __obs_folder=$PWD/$__obs_folder ;; esac
    __obs_bin=${__obs_folder%/}/obs
    [[ -x $__obs_bin && ! -d $__obs_bin ]] && \return
  done
  __obs_bin=''
  \return 1
}

# Loads the builtin where it is of this version; else everything is left as it was.
__obs_enable() {
  case ${OBS_BUILTIN-} in
  0 | [Ff][Aa][Ll][Ss][Ee] | [Nn][Oo] | [Oo][Ff][Ff]) \return 0 ;;
  esac
  \builtin local __obs_folder="${__obs_bin%/*}" __obs_library
  for __obs_library in "${__obs_lib-}" "$__obs_folder/libobs.so" "$__obs_folder/../lib/obs/libobs.so"; do
    [[ -f $__obs_library ]] || \continue
    __obs_builtin=''
    \builtin enable -f "$__obs_library" __obs_hot || \continue
    \builtin __obs_hot --builtin-version
    if [[ $__obs_builtin == "$__obs_version" ]]; then
      __obs_via='builtin'
      # a function around a builtin would be a third of what a record costs
      \builtin enable -f "$__obs_library" log_debug log_info log_warning log_error log_critical &&
        \builtin unset -f log_debug log_info log_warning log_error log_critical
      \return 0
    fi
    \builtin enable -d __obs_hot
  done >/dev/null 2>&1
  \return 0
}

# What sourcing does once; its answer is the status from before, but 0 where that would end the script.
__obs_load() {
  if [[ ${__obs_shell-} != "$$" ]]; then
    __obs_shell=$$ __obs_stack=${_OBS_STACK-} __obs_made='' __obs_sent='' __obs_root=''
    # `exec` keeps the number of the process: what is exported (`set -a`) would be taken for ours
    \builtin export -n __obs_shell
  fi
  \builtin local __obs_own=''
  __obs_via=: __obs_builtin='' __obs_sums=''
  ! __obs_counts || __obs_sums=1
  if __obs_find; then
    __obs_via=__obs_call
    __obs_enable
  fi
  __obs_own && __obs_own=1
  __obs_promise "$__obs_own"
  [[ -n $__obs_own ]] || __obs_ids
  \builtin unset __obs_status
  case $- in *e*) \return 0 ;; esac
  \return "$1"
}

# `log_LEVEL MESSAGE [k=v… | k:=JSON | {JSON}]`: a log record, with the file, line and function of whoever called. With the
# loaded builtin they are builtins themselves.
log_debug() { __obs_log debug "${@-}"; }
log_info() { __obs_log info "${@-}"; }
log_warning() { __obs_log warning "${@-}"; }
log_error() { __obs_log error "${@-}"; }
log_critical() { __obs_log critical "${@-}"; }

# A record of whoever called the function that called this, past what runs a command for somebody.
__obs_log() {
  \builtin local __obs_frame=2
  while [[ ${FUNCNAME[__obs_frame]-} == span_run || ${FUNCNAME[__obs_frame]-} == obs_time ]]; do
    __obs_frame=$((__obs_frame + 1))
  done
  \builtin local __obs_at="${FUNCNAME[__obs_frame]-}"
  case $__obs_at in source) __obs_at='' ;; main) ((${#FUNCNAME[@]} > __obs_frame + 1)) || __obs_at='' ;; esac
  "$__obs_via" __obs_hot log --source "${BASH_SOURCE[__obs_frame]-}:${BASH_LINENO[__obs_frame - 1]-}:$__obs_at" "$1" -- "${@:2}" || __obs_failed "$?"
}

# `log_json LEVEL MESSAGE [{JSON}]`: the level in any case; one that is none is info.
log_json() {
  \builtin local __obs_level=info
  case ${1-} in
  [Dd][Ee][Bb][Uu][Gg] | [Tt][Rr][Aa][Cc][Ee]) __obs_level=debug ;;
  [Ww][Aa][Rr][Nn] | [Ww][Aa][Rr][Nn][Ii][Nn][Gg]) __obs_level=warning ;;
  [Ee][Rr][Rr][Oo][Rr]) __obs_level=error ;;
  [Cc][Rr][Ii][Tt][Ii][Cc][Aa][Ll] | [Ff][Aa][Tt][Aa][Ll]) __obs_level=critical ;;
  esac
  __obs_log "$__obs_level" "${2-}" ${3:+"${@:3}"}
}

# `emit_event TYPE [{JSON} | k=v…]`: a domain event.
emit_event() {
  "$__obs_via" __obs_hot emit -- "${@-}" || __obs_failed "$?"
}

# `metric_inc NAME [VALUE] [k=v…]`: adds to a counter.
metric_inc() {
  "$__obs_via" __obs_hot metric inc -- "${@-}" || __obs_failed "$?"
}

# `metric_set NAME VALUE [k=v…]`: sets a gauge.
metric_set() {
  "$__obs_via" __obs_hot metric set -- "${@-}" || __obs_failed "$?"
}

# `metric_observe NAME VALUE [k=v…]`: adds an observation to a histogram.
metric_observe() {
  "$__obs_via" __obs_hot metric observe -- "${@-}" || __obs_failed "$?"
}

# `span_event NAME [k=v…]`: a moment of the current span.
span_event() {
  "$__obs_via" __obs_hot span event -- "${@-}" || __obs_failed "$?"
}

# `span_attr k=v…`: attributes of the current span.
span_attr() {
  "$__obs_via" __obs_hot span set -- "$@" || __obs_failed "$?"
}

# Runs a span command and takes the context that it gives: bound by the builtin, printed by the binary.
__obs_step() {
  case $__obs_via in
  builtin)
    \builtin __obs_hot span "$1" -v "${@:2}" || __obs_failed "$?"
    __obs_ids
    \return
    ;;
  :) \return 0 ;;
  esac
  [[ -x $__obs_bin ]] || \return 0
  \builtin local __obs_all="$*" __obs_printed='' __obs_word=0
  if ((${#__obs_all} < 30000)); then
    __obs_printed=$("$__obs_bin" span "$1" --shell sh "${@:2}") || __obs_word=$?
  else
    __obs_printed=$(__obs_call obs span "$1" --shell sh "${@:2}") || __obs_word=$?
  fi
  # not evaluated: in the user's shell `export` may be an alias
  while [[ $__obs_printed == *\;* ]]; do
    __obs_all=${__obs_printed%%;*}
    __obs_printed=${__obs_printed#*;}
    __obs_all=${__obs_all//\'/}
    case $__obs_all in
    *"export "*) \builtin export "${__obs_all#*export }" ;;
    *"unset "*) \builtin unset "${__obs_all#*unset }" ;;
    esac
  done
  __obs_ids
  ((__obs_word == 0)) || __obs_failed "$__obs_word"
}

# `span_start NAME [k=v…]`: a span below the current one; it is the current one from here on.
span_start() {
  __obs_free TRACEPARENT TRACESTATE _OBS_STACK || \return 0
  __obs_step start --owner "${BASHPID:-$$}" -- "${@-}"
}

# `span_end [STATUS [MESSAGE]] [k=v…]`: ends the current span; STATUS is an exit code, or ok, error, unset. What this
# script has not begun it does not end.
span_end() {
  [[ ${_OBS_STACK-} != "$__obs_stack" ]] || \return 0
  __obs_free TRACEPARENT TRACESTATE _OBS_STACK || \return 0
  case ${1-} in
  '') __obs_step end -- ${1+"${@:2}"} ;;
  *[!0123456789]*) __obs_step end -- "$@" ;;
  *)
    \builtin local __obs_word=error
    case $1 in *[!0]*) ;; *) __obs_word='unset' ;; esac
    # a sentence with an equals sign is a message, as obs reads it
    case ${2-} in
    '') __obs_step end --exit-code "$1" -- "${@:3}" ;;
    '{'*) __obs_step end --exit-code "$1" -- "${@:2}" ;;
    *\ *=*) __obs_step end --exit-code "$1" -- "$__obs_word" "${@:2}" ;;
    [!=-]*=*) __obs_step end --exit-code "$1" -- "${@:2}" ;;
    *) __obs_step end --exit-code "$1" -- "$__obs_word" "${@:2}" ;;
    esac
    ;;
  esac
}

# `span_run NAME CMD…`: CMD in this shell, inside a span that ends with its exit code.
span_run() {
  (($#)) || \return 0
  \builtin local __obs_span __obs_code __obs_command
  span_start "$1" || :
  \shift
  __obs_command="$*"
  __obs_span=${_OBS_STACK-}
  "$@"
  __obs_code=$?
  __obs_leave "$__obs_span" "$__obs_code" || :
  \return "$__obs_code"
}

# Ends the span of this stack, and first what was begun inside it and left open; nothing where it has ended already.
__obs_leave() {
  \builtin local __obs_before=''
  # a stack that stays as it is: there is no binary any more
  while [[ ${_OBS_STACK-} == "$1",* && $_OBS_STACK != "$__obs_before" ]]; do
    __obs_before=$_OBS_STACK
    span_end "$2"
  done
  [[ ${_OBS_STACK-} != "$1" ]] || span_end "$2"
}

# Microseconds of the clock in `__obs_us`: bash 5 has them; older ones ask `date`, which on macOS knows whole seconds only.
__obs_now() {
  __obs_us=${EPOCHREALTIME-}
  __obs_us=${__obs_us//[!0123456789]/}
  [[ -z $__obs_us ]] || \return 0
  __obs_us=$(\builtin command date +%s%N) || __obs_us=0
  case $__obs_us in
  *[!0123456789]*) __obs_us=${__obs_us%%[!0123456789]*}000000 ;;
  *) __obs_us=$((__obs_us / 1000)) ;;
  esac
}

# `obs_time METRIC [k=v…] [--] CMD…`: CMD in this shell; its seconds are an observation of the histogram METRIC.
obs_time() {
  (($#)) || \return 0
  \builtin local __obs_labels __obs_start __obs_code __obs_us __obs_command
  __obs_labels=("$1")
  \shift
  while (($#)); do
    case $1 in
    --) \shift && \break ;;
    *=*) __obs_labels+=("$1") && \shift ;;
    *) \break ;;
    esac
  done
  __obs_now
  __obs_start=$__obs_us
  __obs_command="$*"
  "$@"
  __obs_code=$?
  __obs_now
  __obs_us=$((__obs_us > __obs_start ? __obs_us - __obs_start : 0))
  \builtin printf -v __obs_us '%d.%06d' "$((__obs_us / 1000000))" "$((__obs_us % 1000000))"
  "$__obs_via" __obs_hot metric observe --unit s -- "${__obs_labels[0]}" "$__obs_us" "${__obs_labels[@]:1}" || :
  \return "$__obs_code"
}

# `send_span NAME START END`: a span that has happened. TRACE_ID and SPAN_ID are its ids where they are the script's own,
# or promised by sourcing; what is sent after it is its child.
send_span() {
  [[ $__obs_via != : ]] || \return 0
  \builtin local __obs_own="${TRACEPARENT-}" __obs_words
  __obs_words=(--start "${2-}")
  if [[ $__obs_own$__obs_made != *-"${TRACE_ID-}"-"${SPAN_ID-}"-* ]] && __obs_valid "00-${TRACE_ID-}-${SPAN_ID-}-01"; then
    __obs_own=00-$TRACE_ID-$SPAN_ID-01
  fi
  if [[ $__obs_own == "${__obs_sent:--}" ]]; then
    __obs_words+=(--parent "$__obs_own")
  elif [[ $__obs_own != "${TRACEPARENT-}" ]]; then
    __obs_words+=(--as "$__obs_own")
    [[ ${TRACEPARENT-} != ??-"${__obs_own:3:32}"-* ]] || __obs_words+=(--parent "$TRACEPARENT")
    __obs_sent=$__obs_own
  elif [[ $__obs_own == "${__obs_made:--}" && ${BASHPID:-$$} == "$$" ]]; then
    __obs_words+=(--as "$__obs_own")
    __obs_sent=$__obs_own
    \builtin unset _OBS_MADE
  fi
  __obs_call obs span record "${__obs_words[@]}" ${3:+"--end=$3"} -- "${1-}" ${4+"${@:4}"} || __obs_failed "$?"
}

# What follows traces a whole script. The real EXIT and ERR traps are ours and never change: the user's codes are in
# variables, and ours evaluate them, with a `:` behind, so that what fails in there fails once. No signal is trapped: bash
# would then wait for the running command before it dies, and it runs the EXIT trap anyway. No option is set: where
# functions do not inherit ERR, the end of the script tells which command failed, without its line.
# shellcheck disable=SC2016
__obs_at_exit='__obs_ending "$?" && :; \builtin eval "${__obs_on_exit-}
:"; __obs_ended'
# shellcheck disable=SC2016
__obs_at_error='__obs_error "$?" "$LINENO" && :; \builtin eval "${__obs_on_error-}
:"'
# shellcheck disable=SC2016
__obs_at_return='case ${FUNCNAME-} in trap | __obs_* | obs_trace_script) ;; *) \builtin eval "${__obs_on_return-}
:" ;; esac'
# shellcheck disable=SC2016
__obs_at_step='case ${FUNCNAME-} in trap | __obs_*) ;; *) \builtin eval "${__obs_on_debug-}" ;; esac'
# inside a function bash hides the ERR trap: the first command outside takes it over, for those that follow it
# shellcheck disable=SC2016
__obs_at_debug='if __obs_outside; then __obs_first="$LINENO $BASH_COMMAND"; __obs_take "$(\builtin trap -p ERR)"; \builtin trap -- "$__obs_at_error" ERR; __obs_debugged; \builtin trap "${__obs_debug[@]}" DEBUG; fi; \builtin eval "${__obs_on_debug-}"'

# True in the shell that is traced.
__obs_here() {
  [[ -n $__obs_root && $__obs_root_shell == "${BASHPID:-$$.$BASH_SUBSHELL}" ]]
}

# True outside of all functions.
__obs_outside() {
  __obs_here || \return 1
  \builtin local __obs_at
  for __obs_at in "${FUNCNAME[@]}"; do
    case $__obs_at in main | source | __obs_outside) ;; *) \return 1 ;; esac
  done
}

# The words that give the user's DEBUG trap back.
__obs_debugged() {
  __obs_debug=(-)
  [[ -z ${__obs_on_debug+x} ]] || __obs_debug=(-- "$__obs_on_debug")
}

# Remembers a trap as `trap -p` has printed it.
__obs_take() {
  case $1 in
  'trap -- '*) \builtin eval "__obs_trap ${1#trap }" ;;
  esac
}

# `trap` while a script is traced: it remembers the codes of EXIT, ERR, DEBUG and RETURN; the rest is the builtin's.
__obs_trap() {
  \builtin local __obs_word=- __obs_spec __obs_result=0 __obs_lone=''
  case ${1-} in
  -) ;;
  --) \shift ;;
  -p)
    \shift
    __obs_traps "$@"
    \return
    ;;
  -*)
    # shellcheck disable=SC2064
    \builtin trap "$@"
    \return
    ;;
  esac
  if (($# == 0)); then
    __obs_traps
    \return
  fi
  # one word is a signal to reset, and so is everything behind a number
  case $1 in
  '' | *[!0123456789]*)
    if (($# > 1)); then
      __obs_word=$1
      \shift
    else
      __obs_lone=1
    fi
    ;;
  esac
  for __obs_spec in "$@"; do
    case $__obs_spec in
    0 | [Ee][Xx][Ii][Tt])
      if [[ $__obs_word == - ]]; then \builtin unset __obs_on_exit; else __obs_on_exit=$__obs_word; fi
      __obs_here || \builtin trap -- "$__obs_word" EXIT
      ;;
    [Ee][Rr][Rr])
      if [[ $__obs_word == - ]]; then \builtin unset __obs_on_error; else __obs_on_error=$__obs_word; fi
      \builtin trap -- "$__obs_at_error" ERR
      ;;
    # what a function resets comes back when it returns; what it sets to nothing does not
    [Dd][Ee][Bb][Uu][Gg])
      if [[ $__obs_word == - ]]; then \builtin unset __obs_on_debug; else __obs_on_debug=$__obs_word; fi
      \builtin trap -- "${__obs_on_debug:+$__obs_at_step}" DEBUG
      ;;
    [Rr][Ee][Tt][Uu][Rr][Nn])
      if [[ $__obs_word == - ]]; then \builtin unset __obs_on_return; else __obs_on_return=$__obs_word; fi
      \builtin trap -- "${__obs_on_return:+$__obs_at_return}" RETURN
      ;;
    *)
      # shellcheck disable=SC2064
      if [[ -n $__obs_lone ]]; then \builtin trap "$__obs_spec"; else \builtin trap -- "$__obs_word" "$__obs_spec"; fi || __obs_result=$?
      ;;
    esac
  done
  \return "$__obs_result"
}

# `trap -p`: the user's, not ours.
__obs_traps() {
  \builtin local __obs_spec __obs_result=0
  if (($# == 0)); then
    __obs_shown EXIT ${__obs_on_exit+"$__obs_on_exit"}
    for ((__obs_spec = 1; __obs_spec < 65; __obs_spec++)); do
      \builtin trap -p "$__obs_spec" 2>/dev/null
    done
    __obs_shown DEBUG ${__obs_on_debug+"$__obs_on_debug"}
    __obs_shown ERR ${__obs_on_error+"$__obs_on_error"}
    __obs_shown RETURN ${__obs_on_return+"$__obs_on_return"}
    \return 0
  fi
  for __obs_spec in "$@"; do
    case $__obs_spec in
    0 | [Ee][Xx][Ii][Tt]) __obs_shown EXIT ${__obs_on_exit+"$__obs_on_exit"} ;;
    [Ee][Rr][Rr]) __obs_shown ERR ${__obs_on_error+"$__obs_on_error"} ;;
    [Dd][Ee][Bb][Uu][Gg]) __obs_shown DEBUG ${__obs_on_debug+"$__obs_on_debug"} ;;
    [Rr][Ee][Tt][Uu][Rr][Nn]) __obs_shown RETURN ${__obs_on_return+"$__obs_on_return"} ;;
    *) \builtin trap -p "$__obs_spec" || __obs_result=$? ;;
    esac
  done
  \return "$__obs_result"
}

# One line of `trap -p`, as bash itself writes it.
__obs_shown() {
  \builtin local __obs_line
  __obs_line=$(
    \builtin trap -- "${2--}" EXIT
    \builtin trap -p EXIT
    \builtin trap - EXIT
  )
  [[ -z $__obs_line ]] || \builtin printf '%s\n' "${__obs_line% EXIT} $1"
}

# A command failed: an event of the current span, with its line. Its answer is the command's status.
__obs_error() {
  \builtin local __obs_at="${FUNCNAME[1]-}"
  case $__obs_at in source) __obs_at='' ;; main) ((${#FUNCNAME[@]} > 2)) || __obs_at='' ;; esac
  __obs_seen="$1 $BASH_COMMAND"
  # errexit strikes inside the user's EXIT trap: nothing comes after it
  case $-$__obs_done in
  *e*ending) __obs_ended "$1" ;;
  *ending) ;;
  *)
    if [[ -n $__obs_root ]] && ((__obs_errors < 100)); then
      __obs_errors=$((__obs_errors + 1))
      __obs_fault "$1" "$BASH_COMMAND" "$__obs_at" "${BASH_SOURCE[1]-}" "code.line.number:=$2"
    fi
    ;;
  esac
  \return "$1"
}

# The event itself: status, command, function, file, and what else is known.
__obs_fault() {
  \builtin local __obs_words
  __obs_words=("process.command_line=$2" "process.exit.code:=$1")
  [[ -z $3 ]] || __obs_words+=("code.function.name=$3")
  [[ -z $4 ]] || __obs_words+=("code.file.path=$4")
  "$__obs_via" __obs_hot span event -- error "${__obs_words[@]}" "${@:5}" || :
}

# True where the shell was waiting for a command when its end came: it then keeps SIGCHLD (17 on what is common) blocked.
__obs_waited() {
  \builtin local line='' blocked=0
  while \builtin read -r line; do
    case $line in SigBlk:*) blocked=$((16#${line##*[!0123456789abcdef]})) ;; esac
  done 2>/dev/null <"/proc/${BASHPID:-$$}/status"
  ((blocked >> 16 & 1))
} 2>/dev/null

# A command without what may stand before its name, in `__obs_rest`.
__obs_bare() {
  __obs_rest=$1
  while :; do
    __obs_rest=${__obs_rest#\\}
    case $__obs_rest in
    'builtin '* | 'command '* | '-p '* | '-- '*) ;;
    [!=]*=*' '*) case ${__obs_rest%%=*} in *[!A-Za-z0-9_]*) \return 0 ;; esac ;;
    *) \return 0 ;;
    esac
    __obs_rest=${__obs_rest#* }
  done
}

# True where the shell is dying of a signal, which bash does not say: it was waiting for its command, or that still runs; or
# a function was left without `exit` or a failure, which is a guess: in there no name that an expansion gives is taken for
# another command than `exit`. Between the commands of the script itself nothing tells it from the script's end.
__obs_killed() {
  case $__obs_rest in exit | exit\ * | logout | logout\ * | exec\ *) \return 1 ;; esac
  [[ $1 != 0 ]] || ! __obs_waited || \return 0
  if [[ -z ${!-} ]]; then
    \builtin kill -0 %1 2>/dev/null && \return 0
  else
    # a command of several lines is shown as it stands
    case $(\builtin jobs -r)$'\n[1' in *[!\&]$'\n['[0123456789]*) \return 0 ;; esac
  fi
  case $__obs_rest in \$* | \"\$*) \return 1 ;; esac
  [[ $1 == 0 && -n $2 ]]
}

# The shell ends, before the user's EXIT trap.
__obs_ending() {
  __obs_here || \return "$1"
  \builtin local __obs_said="$BASH_COMMAND" __obs_at="${FUNCNAME[1]-}" __obs_rest
  case $__obs_at in source) __obs_at='' ;; main) ((${#FUNCNAME[@]} > 2)) || __obs_at='' ;; esac
  # shellcheck disable=SC2016
  [[ $__obs_said != '"$@"' ]] || __obs_said=${__obs_command-}
  __obs_bare "$__obs_said"
  __obs_code=$1 __obs_done=ending
  if __obs_killed "$1" "$__obs_at"; then
    __obs_code=signal
  elif [[ $1 != 0 && $__obs_rest != exit && $__obs_rest != exit\ * && $__obs_seen != "$1 $BASH_COMMAND" ]]; then
    # a failure that no ERR trap has seen: inside a function, or a variable that is not set
    case $-:$__obs_at in
    *e*:)
      if [[ ${__obs_first#* } == "$__obs_said" ]]; then
        __obs_fault "$1" "$__obs_said" '' "${BASH_SOURCE[1]-}" "code.line.number:=${__obs_first%% *}"
      elif [[ $- == *u* ]]; then
        __obs_fault "$1" "$__obs_said" '' "${BASH_SOURCE[1]-}"
      fi
      ;;
    *e*:* | *u*:*) __obs_fault "$1" "$__obs_said" "$__obs_at" "${BASH_SOURCE[1]-}" ;;
    esac
  fi
  # an `exit` in the user's trap ends us too: for this last moment it is a function
  case :$SHELLOPTS: in
  *:posix:*) ;;
  *)
    if [[ -n ${__obs_on_exit-} ]]; then
      if \builtin declare -F exit >/dev/null; then
        \builtin eval "__obs_own_$(\builtin declare -f exit)"
        \builtin eval 'exit() { __obs_ended "${1-$__obs_code}"; __obs_own_exit "$@"; }'
      else
        \builtin eval 'exit() { __obs_ended "${1-$__obs_code}"; \builtin exit "$@"; }'
      fi
    fi
    ;;
  esac
  \return "$1"
}

# The shell ends, after the user's EXIT trap: so do its spans, innermost first.
__obs_ended() {
  __obs_here || \return 0
  \builtin local __obs_how __obs_before=''
  __obs_how=(--exit-code "${1-$__obs_code}" --)
  [[ ${1-$__obs_code} != signal ]] || __obs_how=(-- error 'ended by a signal' error.type=signal)
  while [[ ${_OBS_STACK-} == "$__obs_stack",* && $_OBS_STACK != "$__obs_before" ]]; do
    __obs_before=$_OBS_STACK
    __obs_step end "${__obs_how[@]}" || :
  done
  __obs_step end --span "$__obs_root" "${__obs_how[@]}" || :
  __obs_root='' __obs_done=ended
}

# Starts the root span: with the ids that sourcing promised, else as a child of what is inherited.
__obs_begin() {
  __obs_free TRACEPARENT TRACESTATE _OBS_STACK || \return 1
  \builtin local __obs_promise=''
  [[ ${TRACEPARENT-} != "${__obs_made:--}" ]] || __obs_promise=$TRACEPARENT
  __obs_step start ${__obs_promise:+"--as=$__obs_promise"} --owner "${BASHPID:-$$}" -- "$1" || :
  case ${_OBS_STACK-} in
  "$__obs_stack") \return 1 ;;
  *!)
    __obs_step end -- || :
    \return 1
    ;;
  esac
  if [[ -n $__obs_promise ]]; then
    __obs_made=''
    \builtin unset _OBS_MADE
  fi
  __obs_sent=$TRACEPARENT __obs_root=$TRACEPARENT __obs_root_shell=${BASHPID:-$$.$BASH_SUBSHELL}
  __obs_stack=${_OBS_STACK-} __obs_seen='' __obs_done='' __obs_first='' __obs_errors=0
  \builtin unset __obs_on_exit __obs_on_error __obs_on_debug __obs_on_return
}

# `obs_trace_script [NAME]`: a span around the script, until it ends; NAME is the script's by default. From then on `trap`
# is a function (in posix mode an alias) that keeps your traps beside ours; `builtin trap … EXIT` would lose the end.
obs_trace_script() {
  [[ $__obs_via != : && -z $__obs_root ]] || \return 0
  \builtin local __obs_was __obs_rest
  __obs_was=$(\builtin trap -p DEBUG)
  # the user's DEBUG trap has no business in here
  [[ -z $__obs_was ]] || \builtin trap '' DEBUG
  if __obs_begin "${1-${0##*/}}"; then
    __obs_rest=$(\builtin trap -p EXIT RETURN)
    if [[ -n $__obs_rest ]]; then
      __obs_take "$(\builtin trap -p EXIT)"
      __obs_take "$(\builtin trap -p RETURN)"
    fi
    case $__obs_was in 'trap -- -'*) ;; 'trap -- '*) \builtin eval "__obs_on_debug=${__obs_was:8:${#__obs_was}-14}" ;; esac
    case :$SHELLOPTS: in
    *:posix:*) ;;
    *) \builtin eval 'trap() { __obs_trap "$@"; }' ;;
    esac
    # for posix mode, in which no function comes before this builtin
    \builtin alias trap=__obs_trap
    \builtin trap -- "$__obs_at_exit" EXIT
    \builtin trap -- "$__obs_at_debug" DEBUG
  elif [[ -n $__obs_was ]]; then
    \builtin eval "\\builtin $__obs_was"
  fi
}
\builtin declare -ft obs_trace_script

__obs_load "$__obs_status" && :
