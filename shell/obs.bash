# shellcheck shell=bash
# obs for bash: sourced once, every script is observed. For bash 3.2 and later.
#
# Names: log_* span_* send_span metric_* emit_event obs_* and TRACE_ID SPAN_ID; what begins with __obs_ is private.
# Every function returns 0 whatever becomes of its record; with OBS_STRICT=1 what obs returned. None changes an option of
# the shell. Builtins are called with a backslash or through `builtin`, which keeps the user's aliases out.
__obs_status=$?
__obs_version=0.1.0

# The one seam: "$__obs_via" obs WORDS… is `builtin` with the loaded builtin, `__obs_call` with the binary, and `:`
# where there is neither.

# Runs the binary. Words that may not fit a command line go through standard input.
__obs_call() {
  \local all="$*" count=1
  if ((${#all} < 30000)); then
    "$__obs_bin" "${@:2}"
    \return
  fi
  case $2 in metric | span) count=2 ;; esac
  \builtin printf '%s\0' "${@:count+2}" | "$__obs_bin" "${@:2:count}" --stdin0
}

# What a record that was refused means to the script: nothing, but in strict mode.
__obs_failed() {
  case ${OBS_STRICT-} in
  1 | [Tt][Rr][Uu][Ee] | [Yy][Ee][Ss] | [Oo][Nn]) \return "$1" ;;
  esac
  \return 0
}

# True where none of these variables is readonly.
__obs_free() {
  \local "$@" 2>/dev/null
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
  \local trace='' span=''
  if \builtin read -r trace && \builtin read -r span <"$uuid"; then
    ids=${trace//-/}${span:0:8}${span:28:8}
  fi <"$uuid" 2>/dev/null
  __obs_hex "${ids:0:32}" && __obs_hex "${ids:32}" && [[ ${#ids} -eq 48 ]]
}

# The same from bytes, where the kernel offers no text.
__obs_bytes() {
  \local LC_ALL=C byte='' hex='' count
  ids=''
  for ((count = 0; count < 24; count++)); do
    IFS='' \builtin read -r -d '' -n 1 byte || \return 1
    \builtin printf -v hex %d "'$byte"
    \builtin printf -v hex %02x "$((hex & 255))"
    ids=$ids$hex
  done 2>/dev/null </dev/urandom
}

# A context where there is none: the promise of a span that nobody has recorded yet.
__obs_promise() {
  ! __obs_valid "${TRACEPARENT-}" && __obs_free TRACEPARENT TRACESTATE || \return 0
  \local ids='' uuid=/proc/sys/kernel/random/uuid
  __obs_random || __obs_bytes || \return 0
  # 03: the right-most seven bytes of the trace id are random, as the flag says
  TRACEPARENT=00-${ids:0:32}-${ids:32}-03
  \export TRACEPARENT
  \unset TRACESTATE
  __obs_made=$TRACEPARENT
}

# The binary: the one that printed this file, else the first on PATH.
__obs_find() {
  [[ -x ${__obs_bin-} && ! -d $__obs_bin ]] && \return
  \local rest="${PATH-}:" folder
  while [[ -n $rest ]]; do
    folder=${rest%%:*}
    rest=${rest#*:}
    case $folder in /*) ;; *) folder=$PWD/$folder ;; esac
    __obs_bin=${folder%/}/obs
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
  \local folder="${__obs_bin%/*}" library
  for library in "${__obs_lib-}" "$folder/libobs.so" "$folder/../lib/obs/libobs.so"; do
    [[ -f $library ]] || \continue
    __obs_builtin=''
    \builtin enable -f "$library" obs || \continue
    \builtin obs --builtin-version
    if [[ $__obs_builtin == "$__obs_version" ]]; then
      __obs_via='builtin'
      \return 0
    fi
    \builtin enable -d obs
  done >/dev/null 2>&1
  \return 0
}

# What sourcing does once; its answer is the status from before, but 0 where that would end the script.
__obs_load() {
  if [[ ${__obs_shell-} != "$$" ]]; then
    __obs_shell=$$ __obs_stack=${_OBS_STACK-} __obs_made='' __obs_sent='' __obs_root=''
  fi
  __obs_via=: __obs_builtin=''
  if __obs_find; then
    __obs_via=__obs_call
    __obs_enable
  fi
  __obs_promise
  __obs_ids
  \unset __obs_status
  case $- in *e*) \return 0 ;; esac
  \return "$1"
}

# `log_LEVEL MESSAGE [k=v… | k:=JSON | {JSON}]`: a log record, with the file, line and function of whoever called.
log_debug() {
  \local at="${FUNCNAME[1]-}"
  case $at in source) at='' ;; main) ((${#FUNCNAME[@]} > 2)) || at='' ;; esac
  "$__obs_via" obs log --source "${BASH_SOURCE[1]-}:${BASH_LINENO[0]-}:$at" debug -- "${@-}" || __obs_failed "$?"
}

log_info() {
  \local at="${FUNCNAME[1]-}"
  case $at in source) at='' ;; main) ((${#FUNCNAME[@]} > 2)) || at='' ;; esac
  "$__obs_via" obs log --source "${BASH_SOURCE[1]-}:${BASH_LINENO[0]-}:$at" info -- "${@-}" || __obs_failed "$?"
}

log_warning() {
  \local at="${FUNCNAME[1]-}"
  case $at in source) at='' ;; main) ((${#FUNCNAME[@]} > 2)) || at='' ;; esac
  "$__obs_via" obs log --source "${BASH_SOURCE[1]-}:${BASH_LINENO[0]-}:$at" warning -- "${@-}" || __obs_failed "$?"
}

log_error() {
  \local at="${FUNCNAME[1]-}"
  case $at in source) at='' ;; main) ((${#FUNCNAME[@]} > 2)) || at='' ;; esac
  "$__obs_via" obs log --source "${BASH_SOURCE[1]-}:${BASH_LINENO[0]-}:$at" error -- "${@-}" || __obs_failed "$?"
}

log_critical() {
  \local at="${FUNCNAME[1]-}"
  case $at in source) at='' ;; main) ((${#FUNCNAME[@]} > 2)) || at='' ;; esac
  "$__obs_via" obs log --source "${BASH_SOURCE[1]-}:${BASH_LINENO[0]-}:$at" critical -- "${@-}" || __obs_failed "$?"
}

# `log_json LEVEL MESSAGE [{JSON}]`: the level in any case; one that is none is info.
log_json() {
  \local at="${FUNCNAME[1]-}" level=info
  case $at in source) at='' ;; main) ((${#FUNCNAME[@]} > 2)) || at='' ;; esac
  case ${1-} in
  [Dd][Ee][Bb][Uu][Gg] | [Tt][Rr][Aa][Cc][Ee]) level=debug ;;
  [Ww][Aa][Rr][Nn] | [Ww][Aa][Rr][Nn][Ii][Nn][Gg]) level=warning ;;
  [Ee][Rr][Rr][Oo][Rr]) level=error ;;
  [Cc][Rr][Ii][Tt][Ii][Cc][Aa][Ll] | [Ff][Aa][Tt][Aa][Ll]) level=critical ;;
  esac
  "$__obs_via" obs log --source "${BASH_SOURCE[1]-}:${BASH_LINENO[0]-}:$at" "$level" -- "${2-}" ${3:+"${@:3}"} || __obs_failed "$?"
}

# `emit_event TYPE [{JSON} | k=v…]`: a domain event.
emit_event() {
  "$__obs_via" obs emit -- "${@-}" || __obs_failed "$?"
}

# `metric_inc NAME [VALUE] [k=v…]`: adds to a counter.
metric_inc() {
  "$__obs_via" obs metric inc -- "${@-}" || __obs_failed "$?"
}

# `metric_set NAME VALUE [k=v…]`: sets a gauge.
metric_set() {
  "$__obs_via" obs metric set -- "${@-}" || __obs_failed "$?"
}

# `metric_observe NAME VALUE [k=v…]`: adds an observation to a histogram.
metric_observe() {
  "$__obs_via" obs metric observe -- "${@-}" || __obs_failed "$?"
}

# `span_event NAME [k=v…]`: a moment of the current span.
span_event() {
  "$__obs_via" obs span event -- "${@-}" || __obs_failed "$?"
}

# `span_attr k=v…`: attributes of the current span.
span_attr() {
  "$__obs_via" obs span set -- "$@" || __obs_failed "$?"
}

# Runs a span command and takes the context that it gives: bound by the builtin, printed by the binary.
__obs_step() {
  case $__obs_via in
  builtin)
    \builtin obs span "$1" -v "${@:2}" || __obs_failed "$?"
    __obs_ids
    \return
    ;;
  :) \return 0 ;;
  esac
  \local all="$*" step='' code=0
  if ((${#all} < 30000)); then
    step=$("$__obs_bin" span "$1" --shell sh "${@:2}") || code=$?
  else
    step=$(__obs_call obs span "$1" --shell sh "${@:2}") || code=$?
  fi
  # not evaluated: in the user's shell `export` may be an alias
  while [[ $step == *\;* ]]; do
    all=${step%%;*}
    step=${step#*;}
    all=${all//\'/}
    case $all in
    *"export "*) \export "${all#*export }" ;;
    *"unset "*) \unset "${all#*unset }" ;;
    esac
  done
  __obs_ids
  ((code == 0)) || __obs_failed "$code"
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
    case ${2-} in
    '' | '{'* | [!\ ]*=*) __obs_step end --exit-code "$1" -- "${@:2}" ;;
    *) __obs_step end --exit-code "$1" -- error "${@:2}" ;;
    esac
    ;;
  esac
}

# `span_run NAME CMD…`: CMD in this shell, inside a span that ends with its exit code.
span_run() {
  (($#)) || \return 0
  \local __obs_span __obs_code
  span_start "$1" || :
  \shift
  __obs_span=${_OBS_STACK-}
  "$@"
  __obs_code=$?
  __obs_leave "$__obs_span" "$__obs_code" || :
  \return "$__obs_code"
}

# Ends the span of this stack, and first what was begun inside it and left open; nothing where it has ended already.
__obs_leave() {
  while [[ ${_OBS_STACK-} == "$1",* ]]; do
    span_end "$2"
  done
  [[ ${_OBS_STACK-} != "$1" ]] || span_end "$2"
}

# Microseconds of the clock in `__obs_us`: bash 5 has them; older ones ask `date`, which on macOS knows whole seconds only.
__obs_now() {
  __obs_us=${EPOCHREALTIME-}
  __obs_us=${__obs_us//[!0123456789]/}
  [[ -z $__obs_us ]] || \return 0
  __obs_us=$(\command date +%s%N) || __obs_us=0
  case $__obs_us in
  *[!0123456789]*) __obs_us=${__obs_us%%[!0123456789]*}000000 ;;
  *) __obs_us=$((__obs_us / 1000)) ;;
  esac
}

# `obs_time METRIC [k=v…] [--] CMD…`: CMD in this shell; its seconds are an observation of the histogram METRIC.
obs_time() {
  (($#)) || \return 0
  \local __obs_labels __obs_start __obs_code __obs_us
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
  "$@"
  __obs_code=$?
  __obs_now
  __obs_us=$((__obs_us > __obs_start ? __obs_us - __obs_start : 0))
  \builtin printf -v __obs_us '%d.%06d' "$((__obs_us / 1000000))" "$((__obs_us % 1000000))"
  "$__obs_via" obs metric observe --unit s -- "${__obs_labels[0]}" "$__obs_us" "${__obs_labels[@]:1}" || :
  \return "$__obs_code"
}

# `send_span NAME START END`: a span that has happened. TRACE_ID and SPAN_ID are its ids where they are the script's own,
# or those of a context that sourcing made; what comes after it is its child.
send_span() {
  [[ $__obs_via != : ]] || \return 0
  \local own="${TRACEPARENT-}" name="${1-}" ids
  ids=(--parent "$own")
  if __obs_hex "${TRACE_ID-}" && __obs_hex "${SPAN_ID-}" && [[ ${#TRACE_ID} -eq 32 && ${#SPAN_ID} -eq 16 ]]; then
    [[ $own == ??-"$TRACE_ID"-"$SPAN_ID"-* ]] || own=00-$TRACE_ID-$SPAN_ID-01
  fi
  if [[ $own == "${__obs_sent:--}" ]]; then
    ids=(--parent "$own")
  elif [[ $own == "${__obs_made:--}" || $own != "${TRACEPARENT-}" ]]; then
    ids=(--as "$own")
    [[ $own == "${__obs_made:--}" || ${own:3:32} != "${TRACEPARENT:3:32}" ]] || ids+=(--parent "$TRACEPARENT")
    __obs_sent=$own
  fi
  __obs_call obs span record "${ids[@]}" ${2:+--start "$2"} ${3:+--end "$3"} -- "$name" ${4+"${@:4}"} || __obs_failed "$?"
}

__obs_load "$__obs_status" && :
