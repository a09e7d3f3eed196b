# obs for zsh: sourced once, every script is observed.
#
# log_info MESSAGE [k=v…]     also log_debug log_warning log_error log_critical; log_json LEVEL MESSAGE [JSON]
# emit_event TYPE [JSON|k=v…] a domain event
# span_start NAME [k=v…]      span_end [STATUS [MESSAGE]] · span_run NAME CMD… · span_event NAME · span_attr k=v…
# send_span NAME START END    a span that already happened
# metric_inc NAME [VALUE]     metric_set NAME VALUE · metric_observe NAME VALUE · obs_time METRIC [k=v…] -- CMD…
# obs_trace_script [NAME]     a root span for this script, ended with its exit status
#
# One process a call. Nothing here fails its caller unless OBS_STRICT says so; without obs every function does nothing.
# The head of each function takes the options of the caller away; what runs the caller's own commands leaves them alone.
'builtin' 'typeset' -g "__obs_status=$?"
'builtin' 'typeset' -g __obs_version=0.1.0

# --- sourcing ---------------------------------------------------------------------------------------------------------

function __obs_begin {
  \builtin emulate -L zsh -o no_xtrace
  \builtin local folder
  if [[ ! -x ${__obs_bin-} ]]; then
    \builtin typeset -g __obs_bin=
    for folder in "${path[@]}"; do
      if [[ -f $folder/obs && -x $folder/obs ]]; then
        \builtin typeset -g __obs_bin=${folder:a}/obs
        \builtin break
      fi
    done
  fi
  # what is started below this level is ours to end
  if (( ! ${+__obs_floor} )); then
    \builtin typeset -g __obs_floor=${_OBS_STACK-} __obs_made= __obs_sent= __obs_level=$ZSH_SUBSHELL __obs_root= __obs_folder=$PWD
  fi
  __obs_ids
  if [[ -z ${TRACE_ID-} && ${(t)TRACEPARENT-} != *readonly* ]]; then
    __obs_promise
    __obs_ids
  fi
  \builtin return 0
}

# TRACE_ID and SPAN_ID are those of TRACEPARENT, and empty where it is none.
function __obs_ids {
  \builtin emulate -L zsh -o no_xtrace -o extended_glob
  # as values, so that no option of the caller can make the patterns a syntax error
  \builtin local given=${TRACEPARENT-} ours=
  \builtin local form='[0-9a-f](#c2)-[0-9a-f](#c32)-[0-9a-f](#c16)-[0-9a-f](#c2)(|-*)'
  \builtin local bad='(ff-*|??-0(#c32)-*|??-?(#c32)-0(#c16)-*|00-?(#c52)?*)'
  given=${${given##[[:blank:]]#}%%[[:blank:]]#}
  if [[ $given == ${~form} && $given != ${~bad} ]]; then
    ours=$given
  fi
  if [[ ${(t)TRACE_ID-} != *readonly* ]]; then
    \builtin typeset -g TRACE_ID=${ours[4,35]}
  fi
  if [[ ${(t)SPAN_ID-} != *readonly* ]]; then
    \builtin typeset -g SPAN_ID=${ours[37,52]}
  fi
  \builtin return 0
}

# Makes a context: ids of a span that nobody has recorded yet. Whoever first records a root for this shell keeps it.
function __obs_promise {
  \builtin emulate -L zsh -o no_xtrace
  # a terminal is no run: each script in it makes its own
  [[ ! -o interactive ]] || \builtin return 0
  \builtin local trace= span= flags=03 file=/proc/sys/kernel/random/uuid
  if [[ -r $file ]]; then
    IFS= \builtin read -r trace <$file
    IFS= \builtin read -r span <$file
    trace=${trace//-/}
    span=${span[1,8]}${span[-8,-1]}
  else
    \builtin local -i word
    flags=01
    for word in {1..12}; do
      span=${(L)${(l:4::0:)$(([##16] (RANDOM << 1) ^ RANDOM))}}$span
    done
    trace=${span[1,32]} span=${span[33,48]}
  fi
  \builtin typeset -gx TRACEPARENT=00-$trace-$span-$flags
  \builtin typeset -g __obs_made=$TRACEPARENT
  \builtin export _OBS_MADE=$TRACEPARENT
  if (( ${+TRACESTATE} )) && [[ ${(t)TRACESTATE} != *readonly* ]]; then
    \builtin unset TRACESTATE
  fi
  \builtin return 0
}

# --- reaching obs -----------------------------------------------------------------------------------------------------

# Runs obs: the words of its command in one word, then all others. What does not fit a command line goes through a pipe.
function __obs_call {
  \builtin emulate -L zsh -o no_xtrace
  if [[ ! -x ${__obs_bin-} ]]; then
    \builtin return 0
  fi
  \builtin local -i code=0
  if (( ${(c)#argv} > 25000 )); then # characters, of four bytes at most
    \builtin print -rN -- "${(@)argv[2,-1]//$'\0'/}" 2>/dev/null | "$__obs_bin" ${(s: :)1} --stdin0 || code=$?
  else
    "$__obs_bin" ${(s: :)1} "${(@)argv[2,-1]}" || code=$?
  fi
  __obs_answer $code
}

# Nothing fails the caller, unless it asked for that.
function __obs_answer {
  \builtin emulate -L zsh -o no_xtrace
  case ${(L)OBS_STRICT-} in
    '' | 0 | false | no | off) \builtin return 0 ;;
  esac
  \builtin return $1
}

# Words of which the first is data: a dash at its beginning makes no option of it.
function __obs_data {
  \builtin emulate -L zsh -o no_xtrace
  if [[ ${2-} == -* ]]; then
    __obs_call "$1" -- "${(@)argv[2,-1]}"
  else
    __obs_call "$@"
  fi
}

# The process id of this very shell, be it a subshell.
function __obs_pid {
  \builtin emulate -L zsh -o no_xtrace
  REPLY=$$
  if (( ZSH_SUBSHELL )) && [[ -r /proc/self/stat ]]; then
    IFS= \builtin read -r REPLY </proc/self/stat
    REPLY=${REPLY%% *}
  fi
  \builtin return 0
}

# --- logs -------------------------------------------------------------------------------------------------------------

# The words: level, message, attributes. The place is where our caller was called.
function __obs_log {
  \builtin emulate -L zsh -o no_xtrace
  if [[ ! -x ${__obs_bin-} ]]; then
    \builtin return 0
  fi
  \builtin local place= name=
  __obs_place 3
  __obs_call log --source "$place:$name" "$1" -- "${2-}" "${(@)argv[3,-1]}"
}

# Sets place, FILE:LINE, and name, the function, of the call so many frames above this one.
function __obs_place {
  \builtin emulate -L zsh -o no_xtrace
  \builtin local -i at=$1
  while [[ ${funcstack[at+1]-} == span_run || ${funcstack[at+1]-} == obs_time ]]; do
    at+=1
  done
  place=${funcfiletrace[at]-}
  # a command line and standard input have lines, but no file
  if [[ ${place%:*} == zsh ]] && { (( ${+ZSH_EXECUTION_STRING} )) || [[ -o shin_stdin ]]; }; then
    place=:${place##*:}
  fi
  for (( at += 1; at <= ${#funcstack}; at++ )); do
    case ${funcstack[at]} in
      '(eval)' | '(anon)' | span_run | obs_time) \builtin continue ;;
    esac
    # a file that is sourced stands on its own first line
    if [[ ${funcstack[at]}:0 != "${funcsourcetrace[at]}" ]]; then
      name=${funcstack[at]}
    fi
    \builtin break
  done
  \builtin return 0
}

function log_debug { __obs_log debug "$@"; }
function log_info { __obs_log info "$@"; }
function log_warning { __obs_log warning "$@"; }
function log_error { __obs_log error "$@"; }
function log_critical { __obs_log critical "$@"; }

# The level in any case; one that is none is info.
function log_json {
  case ${1-} in
    [Tt][Rr][Aa][Cc][Ee] | [Dd][Ee][Bb][Uu][Gg]) __obs_log debug "${@:2}" ;;
    [Ww][Aa][Rr][Nn] | [Ww][Aa][Rr][Nn][Ii][Nn][Gg]) __obs_log warning "${@:2}" ;;
    [Ee][Rr][Rr][Oo][Rr]) __obs_log error "${@:2}" ;;
    [Cc][Rr][Ii][Tt][Ii][Cc][Aa][Ll] | [Ff][Aa][Tt][Aa][Ll]) __obs_log critical "${@:2}" ;;
    *) __obs_log info "${@:2}" ;;
  esac
}

# --- events and metrics -----------------------------------------------------------------------------------------------

function emit_event { __obs_data emit "$@"; }
function metric_inc { __obs_data 'metric inc' "$@"; }
function metric_set { __obs_data 'metric set' "$@"; }
function metric_observe { __obs_data 'metric observe' "$@"; }

# obs_time METRIC [k=v…] [--] CMD…: how long CMD took, in seconds. The clock is zsh's own, of its prompt.
function obs_time {
  \builtin local __obs_since= __obs_words=0 __obs_skip=0
  __obs_timing "$@"
  {
    "${@:__obs_skip+1}"
  } always {
    __obs_timed "${@:1:$__obs_words}"
  }
}

function __obs_timing {
  \builtin emulate -L zsh -o no_xtrace
  \builtin local REPLY=
  \builtin local -i at=1
  while [[ ${argv[at+1]-} == *=* ]]; do
    at+=1
  done
  __obs_words=$at __obs_skip=$at
  if [[ ${argv[at+1]-} == -- ]]; then
    __obs_skip=$((at + 1))
  fi
  __obs_nanos
  __obs_since=$REPLY
  \builtin return 0
}

# Nanoseconds since the epoch, without a module: they would bring names of their own.
function __obs_nanos {
  \builtin emulate -L zsh -o no_xtrace
  \builtin local form='%D{%s%9.}'
  REPLY=${(%)form}
  REPLY=${(r:19::0:)REPLY} # an older zsh may give fewer digits
  \builtin return 0
}

function __obs_timed {
  \builtin emulate -L zsh -o no_xtrace -o no_force_float
  \builtin local REPLY=
  \builtin local -i nanos
  __obs_nanos
  nanos=$((REPLY - __obs_since))
  if (( nanos < 0 )); then
    nanos=0
  fi
  __obs_call 'metric observe' --unit s -- "${1-}" "$((nanos / 1000000000)).${(l:9::0:)$((nanos % 1000000000))}" \
    "${(@)argv[2,-1]}"
  \builtin return 0
}

# --- spans ------------------------------------------------------------------------------------------------------------

function span_start {
  \builtin emulate -L zsh -o no_xtrace
  if [[ ${1-} == -* ]]; then
    __obs_start -- "$@"
  else
    __obs_start "$@"
  fi
}

# The words of `obs span start`. What it prints becomes the environment of this shell.
function __obs_start {
  \builtin emulate -L zsh -o no_xtrace -o no_aliases
  if [[ ! -x ${__obs_bin-} || ${(t)TRACEPARENT-} == *readonly* || ${(t)_OBS_STACK-} == *readonly* ]]; then
    \builtin return 0
  fi
  \builtin local REPLY= out=
  \builtin local -i code=0
  __obs_pid
  if (( ${(c)#argv} > 25000 )); then
    out=$(\builtin print -rN -- --shell sh --owner $REPLY "${(@)argv//$'\0'/}" 2>/dev/null | "$__obs_bin" span start --stdin0) || code=$?
  else
    out=$("$__obs_bin" span start --shell sh --owner $REPLY "$@") || code=$?
  fi
  \builtin eval "$out"
  __obs_ids
  __obs_answer $code
}

# span_end [STATUS [MESSAGE]] [k=v…]: a number is an exit code. What this shell did not start is not its to end.
function span_end {
  \builtin emulate -L zsh -o no_xtrace -o no_aliases
  if [[ ! -x ${__obs_bin-} || ${_OBS_STACK-} == "${__obs_floor-}" || ${(t)TRACEPARENT-} == *readonly* ]]; then
    \builtin return 0
  fi
  \builtin local out= verdict=error
  \builtin local -i code=0
  \builtin local -a words
  words=(-- "$@")
  case ${1-} in
    '') words=(-- "${(@)argv[2,-1]}") ;;
    *[^0-9]*) ;;
    *)
      case $1 in
        *[^0]*) ;;
        *) verdict=unset ;;
      esac
      # a sentence with an equals sign is a message, as obs reads it
      case ${2-} in
        '') words=(--exit-code "$1" -- "${(@)argv[3,-1]}") ;;
        *' '*=*) words=(--exit-code "$1" -- $verdict "${(@)argv[2,-1]}") ;;
        '{'* | [^=-]*=*) words=(--exit-code "$1" -- "${(@)argv[2,-1]}") ;;
        *) words=(--exit-code "$1" -- $verdict "${(@)argv[2,-1]}") ;;
      esac
      ;;
  esac
  if (( ${(c)#argv} > 25000 )); then
    out=$(\builtin print -rN -- --shell sh "${(@)words//$'\0'/}" 2>/dev/null | "$__obs_bin" span end --stdin0) || code=$?
  else
    out=$("$__obs_bin" span end --shell sh "${words[@]}") || code=$?
  fi
  \builtin eval "$out"
  __obs_ids
  __obs_answer $code
}

# CMD runs here, not in a subshell, under the options of the caller and where errexit and err_return hold as they would
# without us.
function span_run {
  span_start "${1-}"
  {
    "${@:2}"
  } always {
    span_end "$?"
  }
}

function span_event { __obs_data 'span event' "$@"; }
function span_attr { __obs_data 'span set' "$@"; }

# A child of the current span. The first one keeps the promise that sourcing made; ids that the script has set itself,
# in TRACE_ID and SPAN_ID, are those of its span likewise, and then its parent.
function send_span {
  \builtin emulate -L zsh -o no_xtrace -o extended_glob
  \builtin local own=00-${TRACE_ID-}-${SPAN_ID-} hex='00-[0-9a-f](#c32)-[0-9a-f](#c16)'
  \builtin local -a words
  words=(--start "${2-}" --end "${3-}")
  if [[ $own == ${~hex} && ${TRACEPARENT-} != $own-* && ${__obs_made-} != $own-* ]]; then
    if [[ ${__obs_sent-} == $own ]]; then
      words+=(--parent $own-01)
    else
      \builtin typeset -g __obs_sent=$own
      words+=(--as $own-01)
    fi
  elif [[ -n ${__obs_made-} && ${TRACEPARENT-} == $__obs_made && $ZSH_SUBSHELL == $__obs_level ]]; then
    words+=(--as $TRACEPARENT)
    __obs_made=
    \builtin unset _OBS_MADE
  fi
  __obs_call 'span record' "${words[@]}" -- "${1-}" "${(@)argv[4,-1]}"
}

# --- the whole script -------------------------------------------------------------------------------------------------
#
# obs_trace_script [NAME]: a root span that ends with the exit status of the script. Where the ends of a script are seen:
# - zshexit_functions, which leave the EXIT trap to the script; but zsh does not call them where errexit strikes;
# - so also an EXIT trap, until the script sets its own. It is set under posix_traps, which zsh remembers for the trap: it
#   is no function's own, and runs where errexit strikes inside one;
# - under errexit a ZERR trap, where the script has none: what fails is known only there. None where err_return may be
#   meant: zsh lets the callers of what failed go on where there is such a trap;
# - INT, QUIT, PIPE, TERM, USR1 and USR2 while the script has no trap of its own for any signal: they run at once, by
#   traps_async, and then the shell dies by the signal as it would have. A `trap` of the script for a signal gives all that
#   back before it is set; this is what the alias is for.
# What zsh 5.9 shows to nobody: nounset under errexit, and `exec`. Such a span is reported as abandoned.

function obs_trace_script {
  # where no file may grow, writing one ends the shell
  [[ $(\builtin ulimit -f) != 0 ]] || \builtin return 0
  if [[ -o err_exit ]]; then
    __obs_root errexit "$@"
  else
    __obs_root '' "$@"
  fi
  if [[ -n ${__obs_signals-} && ! -o traps_async ]]; then
    \builtin setopt traps_async
    \builtin typeset -g __obs_async=ours
  fi
  \builtin return 0
}

function __obs_root {
  \builtin emulate -L zsh -o no_xtrace -o no_aliases -o posix_traps
  \builtin setopt no_local_traps
  if [[ ! -x ${__obs_bin-} || -n ${__obs_root-} || ${(t)TRACEPARENT-} == *readonly* ]]; then
    \builtin return 0
  fi
  \builtin local REPLY= name=${2-}
  \builtin local -a words
  if [[ -n ${__obs_made-} && ${TRACEPARENT-} == $__obs_made ]]; then
    words=(--as $TRACEPARENT)
    __obs_made=
    \builtin unset _OBS_MADE
  fi
  \builtin typeset -g __obs_signals= __obs_async=
  __obs_start "${words[@]}" -- "${name:-${${ZSH_ARGZERO-zsh}:t}}" || : # whatever became of it
  __obs_pid
  \builtin typeset -g __obs_root=$REPLY __obs_top=${TRACEPARENT-}
  \builtin typeset -ga zshexit_functions
  zshexit_functions+=(__obs_exits)
  __obs_traps
  \builtin trap __obs_exits EXIT
  if [[ $1 == errexit && $REPLY != *ZERR* ]] && ! __obs_returns; then
    \builtin trap '__obs_fails "$?"' ZERR
  fi
  if [[ ! -o interactive ]] && ! __obs_trapped; then
    __obs_handle
  fi
  \builtin return 0
}

# True where the script has a trap of its own for a signal, among the traps in REPLY. To ignore is no trap.
function __obs_trapped {
  \builtin emulate -L zsh -o no_xtrace
  \builtin local signal= end=$'\n'
  for signal in "${signals[@]}"; do
    case $signal in
      EXIT | ZERR | DEBUG) \builtin continue ;;
    esac
    if [[ $end$REPLY == *$end"TRAP$signal () {"* ]]; then
      \builtin return 0
    fi
    if [[ $REPLY == *"' $signal"$end* && $end$REPLY != *$end"trap -- '' $signal"$end* ]]; then
      \builtin return 0
    fi
  done
  \builtin return 1
}

# True where the script, or a function that it has by now, speaks of err_return.
function __obs_returns {
  \builtin emulate -L zsh -o no_xtrace
  \builtin local name= text= form='*err(_|)return*'
  for name in "${(@k)functions}"; do
    if [[ $name != __obs_* ]]; then
      text+=${functions[$name]}
    fi
  done
  if [[ -f ${ZSH_ARGZERO-} && -r $ZSH_ARGZERO ]]; then
    text+="$(<$ZSH_ARGZERO)"
  fi
  [[ ${(L)text} == ${~form} || ${(L)ZSH_EXECUTION_STRING-} == ${~form} ]]
}

# The traps of this shell, as `trap` prints them, without a process: into a file that has no name any more, by its
# descriptor. Where that cannot be, something that looks like all of them.
function __obs_traps {
  \builtin emulate -L zsh -o no_xtrace
  \builtin local text=
  REPLY=$'ZERR\nTRAPINT () {'
  if [[ ! -r /proc/self/fd ]]; then
    \builtin return 0
  fi
  if \builtin trap >|/proc/self/fd/0; then
    IFS= \builtin read -rd '' text || REPLY=$text
  fi 2>/dev/null <<<''
  \builtin return 0
}

# Takes the signals that would end the script; one that is ignored stays ignored.
function __obs_handle {
  \builtin emulate -L zsh -o no_xtrace -o no_force_float
  \builtin setopt no_local_traps
  \builtin local signal= ignored=
  if [[ ! -r /proc/self/status ]]; then
    \builtin return 0
  fi
  ignored="$(</proc/self/status)"
  ignored=${${ignored#*SigIgn:}%%$'\n'*}
  for signal in INT QUIT PIPE TERM USR1 USR2; do
    if (( ! (16#${ignored[-8,-1]} >> (${signals[(i)$signal]} - 2) & 1) )); then
      # what could not be written to a broken pipe must not be remarked by the next builtin
      \builtin trap "__obs_dies $signal${${(M)signal:#PIPE}:+ 2>/dev/null}" $signal
      __obs_signals+=" $signal"
    fi
  done
  \builtin functions -M __obs_yield 0 0
  \builtin alias trap='__obs_yields=$((__obs_yield())) builtin trap'
}

# Gives the signals back, before the script sets a trap of its own; one for EXIT, ZERR or DEBUG alone takes none of them.
function __obs_yield {
  if [[ -n ${__obs_signals-} ]] && ! __obs_harmless "${funcfiletrace[1]-}"; then
    \builtin trap - "${(@s: :)__obs_signals# }"
    if [[ ${__obs_async-} == ours ]]; then
      \builtin unsetopt traps_async
    fi
    \builtin typeset -g __obs_signals=
  fi
  \builtin return 0
}

# True where the line FILE:LINE of the script has one `trap`, which is for one such condition.
function __obs_harmless {
  \builtin emulate -L zsh -o no_xtrace -o extended_glob
  \builtin local line='' once='*trap[[:blank:]]##([^[:blank:]'"'"'"]##|'"'"'[^'"'"']#'"'"'|"[^"]#")[[:blank:]]##(EXIT|ZERR|ERR|DEBUG)[[:blank:]]#(|[;#\}]*)'
  __obs_line "$1"
  [[ $line == ${~once} && $line != *trap*trap* ]]
}

# Sets line, the text of FILE:LINE.
function __obs_line {
  \builtin emulate -L zsh -o no_xtrace -o extended_glob
  \builtin local file=${1%:*}
  \builtin local -a lines
  if [[ $file != /* ]]; then
    file=$__obs_folder/$file
  fi
  if [[ -f $file && -r $file ]]; then
    lines=("${(@f)$(<$file)}")
    line=${${lines[${1##*:}]-}##[[:blank:]]##}
  fi
  \builtin return 0
}

# The EXIT trap and the hook: the first of them ends the spans, and `$?` stays.
function __obs_exits {
  __obs_finish "$?"
}

# The ZERR trap: under errexit this failure ends the script.
function __obs_fails {
  if [[ -o err_exit ]]; then
    __obs_failed "$1"
    __obs_finish "$1"
  fi
  \builtin return 0 # under errexit another failure would end the shell here, before its EXIT trap
}

# What failed, and where, on the root span.
function __obs_failed {
  \builtin emulate -L zsh -o no_xtrace -o extended_glob
  \builtin local REPLY= place= name= file= line=
  \builtin local -a words
  __obs_pid
  if [[ -z ${__obs_root-} || $REPLY != $__obs_root || ! -x ${__obs_bin-} ]]; then
    \builtin return 0
  fi
  __obs_place 3
  file=${place%:*}
  words=("process.exit.code:=$1" "code.line.number:=${place##*:}")
  if [[ -n $file ]]; then
    words+=("code.file.path=$file")
  fi
  if [[ -n $name ]]; then
    words+=("code.function.name=$name")
  fi
  __obs_line "$place"
  if [[ -n $line ]]; then
    words+=("process.command_line=$line")
  fi
  "$__obs_bin" span event --span $__obs_top error "${words[@]}" || :
}

# Ends what this shell has open, innermost first: by an exit code, or by a signal. Only the shell that has the root does.
function __obs_finish {
  \builtin emulate -L zsh -o no_xtrace
  \builtin local REPLY= header=
  \builtin local -a words
  __obs_pid
  if [[ -z ${__obs_root-} || $REPLY != $__obs_root || ! -x ${__obs_bin-} ]]; then
    \builtin return 0
  fi
  __obs_root=
  if (( $# > 1 )); then
    words=(error "ended by SIG$2" "process.exit.code:=$1" process.exit.signal=SIG$2 error.type=SIG$2)
  else
    words=(--exit-code $1)
  fi
  for header in ${TRACEPARENT-} ${(Oas:,:)${_OBS_STACK-}}; do
    if [[ $header == $__obs_top ]]; then
      \builtin break
    fi
    if [[ $header == 00-* ]]; then
      "$__obs_bin" span end --span $header "${words[@]}" >/dev/null || :
    fi
  done
  "$__obs_bin" span end --span $__obs_top "${words[@]}" >/dev/null || :
  \builtin typeset -gx TRACEPARENT=$__obs_top
  \builtin return 0
}

# The trap of a signal that we took: the shell dies by it.
function __obs_dies {
  \builtin emulate -L zsh -o no_xtrace -o no_force_float
  \builtin setopt no_local_traps
  \builtin local REPLY=
  __obs_finish $((127 + ${signals[(i)$1]})) $1
  __obs_pid
  \builtin trap - $1
  \builtin kill -$1 $REPLY
}

__obs_begin
'builtin' 'unset' -f __obs_begin
# errexit takes no kept status for a failure of ours
function __obs_kept {
  if [[ -o err_exit || -o err_return ]]; then
    \builtin return 0
  fi
  \builtin return "$__obs_status"
}
__obs_kept
