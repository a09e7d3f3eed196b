# obs for fish: sourced once, every script is observed.
#
# log_info MESSAGE [k=v…]     also log_debug log_warning log_error log_critical; log_json LEVEL MESSAGE [JSON]
# emit_event TYPE [JSON|k=v…] a domain event
# span_start NAME [k=v…]      span_end [STATUS [MESSAGE]] · span_run NAME CMD… · span_event NAME · span_attr k=v…
# send_span NAME START END    a span that already happened
# metric_inc NAME [VALUE]     metric_set NAME VALUE · metric_observe NAME VALUE · obs_time METRIC [k=v…] -- CMD…
# obs_trace_script [NAME]     a root span for this script, ended with its exit status
#
# One process a call. Nothing here fails its caller unless OBS_STRICT says so; without obs every function does nothing.
# Where what a command prints becomes several words, IFS is ours: with an empty one of the user's, fish makes one of them.
# Universal variables are neither made nor changed: what is set is global or local, and says so.
set -l __obs_status $status
set -g __obs_version 0.1.0

# --- sourcing ---------------------------------------------------------------------------------------------------------

function __obs_begin
    if not set -q __obs_bin; or not test -x "$__obs_bin"
        set -g __obs_bin (command -s obs)
    end
    set -g __obs_foreign ''
    if not string match -qr -- '^(C|POSIX|en|$)' "$LC_ALL$LC_MESSAGES$LANG"; or not string match -qr -- '^(C|en|$)' "$LANGUAGE"
        set -g __obs_foreign yes
    end
    # what is started below this level is ours to end
    if not set -q __obs_floor
        set -g __obs_floor "$_OBS_STACK"
        set -g __obs_made ''
        set -g __obs_sent ''
        set -g __obs_root ''
    end
    if not __obs_ids
        __obs_promise
        __obs_ids
    end
end

# TRACE_ID and SPAN_ID are those of TRACEPARENT; false where it is none.
function __obs_ids
    set -l IFS \n
    set -l ids '-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-[0-9a-f]{2}'
    set -l found (string match -r -- "^[ \t]*(?:00$ids|(?!00|ff)[0-9a-f]{2}$ids(?:-.*)?)[ \t]*\$" "$TRACEPARENT")
    set -g TRACE_ID "$found[2]$found[4]"
    set -g SPAN_ID "$found[3]$found[5]"
    test -n "$TRACE_ID"
end

# Makes a context: ids of a span that nobody has recorded yet. Whoever first records a root for this shell keeps it.
function __obs_promise
    # a terminal is no run: each script in it makes its own
    status is-interactive; and return 0
    set -l trace
    set -l span
    set -l flags 03
    if test -r /proc/sys/kernel/random/uuid
        read trace </proc/sys/kernel/random/uuid
        read span </proc/sys/kernel/random/uuid
        set trace (string replace -a -- - '' $trace)
        set span (string sub -l 8 -- $span)(string sub -s -8 -- $span)
    else
        set flags 01
        for word in 1 2 3 4 5 6 7 8
            set trace $trace(printf %04x (random 0 65535))
            test $word -gt 4; or set span $span(printf %04x (random 0 65535))
        end
    end
    set -gx TRACEPARENT 00-$trace-$span-$flags
    set -g __obs_made $TRACEPARENT
    set -gx _OBS_MADE $TRACEPARENT
    set -q -g TRACESTATE; and set -e -g TRACESTATE
    return 0
end

# --- reaching obs -----------------------------------------------------------------------------------------------------

# Runs obs: the words of its command in one word, then all others. What does not fit a command line goes through a pipe.
function __obs_call
    set -l IFS \n
    if not test -x "$__obs_bin"
        return 0
    end
    # no command substitution where none is needed: each costs as much as a tenth of a process
    set -l words $argv[1]
    string match -q -- '* *' $words; and set words (string split ' ' -- $words)
    if string match -qr -- '(?s)^.{25000}.' "$argv" # characters, of four bytes at most
        string join0 -- $argv[2..-1] 2>/dev/null | $__obs_bin $words --stdin0
    else
        $__obs_bin $words $argv[2..-1]
    end
    __obs_answer $status
end

# Nothing fails the caller, unless it asked for that.
function __obs_answer
    switch "$OBS_STRICT"
        case '' 0 false no off False FALSE
            return 0
    end
    return $argv[1]
end

# Words of which the first is data: a dash at its beginning makes no option of it.
function __obs_data
    if string match -q -- '-*' "$argv[2]"
        __obs_call $argv[1] -- $argv[2..-1]
    else
        __obs_call $argv
    end
end

# --- logs -------------------------------------------------------------------------------------------------------------

# The words: level, message, attributes. The place is where our caller was called.
function __obs_log
    if not test -x "$__obs_bin"
        return 0
    end
    set -l message $argv[2]
    set -q argv[2]; or set message ''
    set -l at
    __obs_place
    __obs_call log $at $argv[1] -- $message $argv[3..-1]
end

# The option --source for whoever called functions of ours; none where fish knows no file: on a command line and in
# standard input. Lines of what `eval` runs are counted in its own text.
function __obs_place --no-scope-shadowing
    set -l IFS \n
    set -l row
    set -l file
    set -l inner
    set -l name
    for line in (__obs_stack)
        switch $line
            case \t'called on line *'
                if test -z "$row"; or set -q inner[1]
                    string match -qr -- 'line (?<row>\d+) of file (?<file>.*)' $line
                end
                if set -q inner[1] # its lines are counted from the one it begins on
                    set row (math $row + $inner - 1)
                    set inner
                end
            case 'in command substitution*'
                set inner $row
            case "in function '__obs_"\* "in function 'log_debug'*" "in function 'log_info'*" "in function 'log_warning'*" \
                "in function 'log_error'*" "in function 'log_critical'*" "in function 'log_json'*" \
                "in function 'span_run'*" "in function 'obs_time'*"
                set row
                set inner
            case 'in function *'
                string match -qr -- "^in function '(?<name>[^']*)'" $line
                break
            case 'from sourcing file *'
                break
        end
    end
    test -n "$row"; or return 0
    set at "--source=$file:$row:$name"
end

# The words of fish are translated, but not into C. To change the language costs a millisecond.
function __obs_stack
    if test -z "$__obs_foreign"
        status stack-trace
    else
        set -lx LANGUAGE C
        status stack-trace
    end
end

function log_debug
    __obs_log debug $argv
end

function log_info
    __obs_log info $argv
end

function log_warning
    __obs_log warning $argv
end

function log_error
    __obs_log error $argv
end

function log_critical
    __obs_log critical $argv
end

# The level in any case; one that is none is info.
function log_json
    set -l level (string lower -- "$argv[1]") # of several lines where the word has some
    switch "$level"
        case trace debug
            __obs_log debug $argv[2..-1]
        case warn warning
            __obs_log warning $argv[2..-1]
        case error
            __obs_log error $argv[2..-1]
        case critical fatal
            __obs_log critical $argv[2..-1]
        case '*'
            __obs_log info $argv[2..-1]
    end
end

# --- events and metrics -----------------------------------------------------------------------------------------------

function emit_event
    __obs_data emit $argv
end

function metric_inc
    __obs_data 'metric inc' $argv
end

function metric_set
    __obs_data 'metric set' $argv
end

function metric_observe
    __obs_data 'metric observe' $argv
end

# obs_time METRIC [k=v…] [--] CMD…: how long CMD took, in seconds. fish has no clock of its own: `date` is asked twice.
function obs_time --no-scope-shadowing
    __obs_timing $argv
    set -l __obs_words $__obs_at
    set -e -g __obs_at
    set -l __obs_since (__obs_nanos)
    switch "$argv[$__obs_words[2]]"
        case ''
        case builtin command exec
            eval (string escape -- $argv[$__obs_words[2]..-1] | string join ' ')
        case '*'
            $argv[$__obs_words[2]..-1]
    end
    set -l __obs_code $status
    __obs_timed "$__obs_since" $argv[1..$__obs_words[1]]
    return $__obs_code
end

# How many words come before the command, and where it begins, in `__obs_at`.
function __obs_timing
    set -l at 1
    while string match -q -- '*=*' "$argv["(math $at + 1)"]"
        set at (math $at + 1)
    end
    set -g __obs_at $at
    test "$argv["(math $at + 1)"]" = --; and set at (math $at + 1)
    set -g __obs_at $__obs_at (math $at + 1)
end

# Nanoseconds since the epoch, or seconds where `date` knows no better.
function __obs_nanos
    test -x "$__obs_bin"; or return 0
    set -l now (command date +%s%N 2>/dev/null)
    if string match -qr -- '^\d+$' "$now"
        echo $now
    else
        command date +%s000000000
    end
end

function __obs_timed
    test -n "$argv[1]"; or return 0
    set -l until (__obs_nanos)
    # as whole numbers, which math may not hold to the last digit
    set -l nanos (math (string sub -s -15 -- $until) - (string sub -s -15 -- $argv[1]))
    test $nanos -ge 0; or set nanos 0
    set nanos (string replace -r '^0*(\d{10,})$' '$1' -- (printf %010d $nanos))
    __obs_call 'metric observe' --unit s -- "$argv[2]" (string replace -r '(\d{9})$' '.$1' -- $nanos) $argv[3..-1]
end

# --- spans ------------------------------------------------------------------------------------------------------------

function span_start
    if string match -q -- '-*' "$argv[1]"
        __obs_start -- $argv
    else
        __obs_start $argv
    end
end

# The words of `obs span start`.
function __obs_start
    set -l IFS \n
    if not test -x "$__obs_bin"
        return 0
    end
    set -l out
    set -l code
    if test (string length -- "$argv") -gt 25000
        set out (string join0 -- --shell fish --owner $fish_pid $argv 2>/dev/null | $__obs_bin span start --stdin0)
        set code $status
    else
        set out ($__obs_bin span start --shell fish --owner $fish_pid $argv)
        set code $status
    end
    __obs_become $out
    __obs_answer $code
end

# What obs prints becomes the environment of this shell; what it takes away is taken from the global variables only.
function __obs_become
    set -l IFS \n
    eval (string replace -r -- '^set -e ' 'set -e -g ' $argv)
    __obs_ids
    return 0
end

# span_end [STATUS [MESSAGE]] [k=v…]: a number is an exit code. What this shell did not start is not its to end.
function span_end
    set -l IFS \n
    if not test -x "$__obs_bin"; or test "$_OBS_STACK" = "$__obs_floor"
        return 0
    end
    set -l words -- $argv
    if test -z "$argv[1]"
        set words -- $argv[2..-1]
    else if string match -qr -- '\A\d+\z' "$argv[1]"
        set -l verdict error
        string match -qr -- '\A0+\z' "$argv[1]"; and set verdict unset
        # a sentence with an equals sign is a message, as obs reads it
        if test -z "$argv[2]"
            set words --exit-code $argv[1] -- $argv[3..-1]
        else if string match -q -- '* *=*' "$argv[2]"; or not string match -qr -- '\A(\{|[^=-][^=]*=)' "$argv[2]"
            set words --exit-code $argv[1] -- $verdict $argv[2..-1]
        else
            set words --exit-code $argv[1] -- $argv[2..-1]
        end
    end
    set -l out
    set -l code
    if test (string length -- "$words") -gt 25000
        set out (string join0 -- --shell fish $words 2>/dev/null | $__obs_bin span end --stdin0)
        set code $status
    else
        set out ($__obs_bin span end --shell fish $words)
        set code $status
    end
    __obs_become $out
    __obs_answer $code
end

# CMD runs here, in the scope of the caller.
function span_run --no-scope-shadowing
    span_start "$argv[1]"
    switch "$argv[2]"
        case ''
        case builtin command exec # no commands themselves
            eval (string escape -- $argv[2..-1] | string join ' ')
        case '*'
            $argv[2..-1]
    end
    set -l __obs_code $status
    span_end $__obs_code
    return $__obs_code
end

function span_event
    __obs_data 'span event' $argv
end

function span_attr
    __obs_data 'span set' $argv
end

# A child of the current span. The first one keeps the promise that sourcing made; ids that the script has set itself,
# in TRACE_ID and SPAN_ID, are those of its span likewise, and then its parent.
function send_span
    set -l own 00-$TRACE_ID-$SPAN_ID
    set -l words --start "$argv[2]" --end "$argv[3]"
    if string match -qr -- '^00-[0-9a-f]{32}-[0-9a-f]{16}$' "$own"; and not string match -q -- "$own-*" "$TRACEPARENT" "$__obs_made"
        if test "$__obs_sent" = "$own"
            set words $words --parent $own-01
        else
            set -g __obs_sent $own
            set words $words --as $own-01
        end
    else if test -n "$__obs_made" -a "$TRACEPARENT" = "$__obs_made"
        set words $words --as $TRACEPARENT
        set -g __obs_made ''
        set -e _OBS_MADE
    end
    __obs_call 'span record' $words -- "$argv[1]" $argv[4..-1]
end

# --- the whole script -------------------------------------------------------------------------------------------------

# obs_trace_script [NAME]: a root span that ends with the exit status of the script, by the event fish_exit, which takes
# nothing from the script's own handlers and traps. A script that is ended by a signal leaves it to be reported as
# abandoned: a handler would make fish wait for what it runs, where it dies at once without one. So does `exec`.
function obs_trace_script
    set -l IFS \n
    if not test -x "$__obs_bin"; or test -n "$__obs_root"
        return 0
    end
    set -l words
    if test -n "$__obs_made" -a "$TRACEPARENT" = "$__obs_made"
        set words --as $TRACEPARENT
        set -g __obs_made ''
        set -e _OBS_MADE
    end
    set -l name $argv[1]
    if test -z "$name"
        set name (__obs_stack | string replace -rf '^\tcalled on line \d+ of file (?:.*/)?(.+)$' '$1')[-1]
        test -n "$name"; or set name fish
    end
    __obs_start $words -- $name
    set -g __obs_root $TRACEPARENT
    function __obs_exits --on-event fish_exit
        __obs_finish $status
    end
    return 0
end

# Ends what this shell has open, innermost first.
function __obs_finish
    set -l IFS \n
    if test -z "$__obs_root"; or not test -x "$__obs_bin"
        return 0
    end
    set -l open $TRACEPARENT (string split , -- "$_OBS_STACK")[-1..1]
    for header in $open
        test "$header" = "$__obs_root"; and break
        string match -q -- '00-*' $header; or continue
        $__obs_bin span end --span $header --exit-code $argv[1] >/dev/null
    end
    $__obs_bin span end --span $__obs_root --exit-code $argv[1] >/dev/null
    set -g __obs_root ''
end

__obs_begin
functions -e __obs_begin
function __obs_kept
    return $argv[1]
end
__obs_kept $__obs_status
