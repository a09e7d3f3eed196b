# The same for fish: `functions.fish CALL COUNT SOURCED`.
test -n "$argv[3]"; and source $argv[3]
switch $argv[1]
    case true
        for i in (seq $argv[2])
            /bin/true
        end
    case log_info
        for i in (seq $argv[2])
            log_info 'archive started' filter=Done files:=12 target=/srv/archive
        end
end
