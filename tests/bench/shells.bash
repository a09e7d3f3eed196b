#!/usr/bin/env bash
# Sourced by `run`: what a call of the functions costs in every shell that is there, and what sourcing them costs.

# shellcheck disable=SC2154 # `run` and `scene.bash` set what is read here

# A row: how it is shown, the shell's command, the file with its functions, how the builtin is set.
bench_shells() {
  printf '%s\n' 'bash, loadable builtin|bash|obs.bash|on' 'bash|bash|obs.bash|off' 'zsh|zsh -f|obs.zsh|off' \
    'fish|fish --no-config|obs.fish|off' 'dash|dash|obs.sh|off' 'busybox ash|busybox ash|obs.sh|off' 'mksh|mksh|obs.sh|off'
}

# lap SHELL FILE BUILTIN CALL COUNT: microseconds that one run takes.
lap() {
  local words start end loop=functions.sh
  read -ra words <<<"$1"
  [ "${words[0]}" != fish ] || loop=functions.fish
  start=${EPOCHREALTIME/[.,]/}
  "${clean[@]}" "PATH=$PWD:$PATH" "OBS_BUILTIN=$3" "__obs_lib=$library" "${words[@]}" "$here/$loop" "$4" "$5" \
    "${2:+$root/shell/$2}" >/dev/null
  end=${EPOCHREALTIME/[.,]/}
  echo $((end - start))
}

# The middle one of some numbers.
median() { sort -n | awk '{line[NR] = $1} END {print line[int((NR + 1) / 2)]}'; }

# `shells.tsv` = name, µs of /bin/true, of log_info, and of sourcing; rounds take turns among calls and shells.
measure_shells() {
  local name shell file builtin round count
  : >"$scratch/laps.tsv"
  say "functions in every shell: $rounds rounds"
  for ((round = 0; round < rounds; round++)); do
    while IFS='|' read -r name shell file builtin; do
      command -v "${shell%% *}" >/dev/null || continue
      count=$calls
      [ "$builtin" = off ] || count=$((calls * 25))
      {
        echo "$name	bare	$(lap "$shell" '' "$builtin" none 0)"
        echo "$name	none	$(lap "$shell" "$file" "$builtin" none 0)"
        echo "$name	true	$(lap "$shell" "$file" "$builtin" true "$calls")"
        echo "$name	log	$(lap "$shell" "$file" "$builtin" log_info "$count")"
        echo "$name	count	$count"
      } >>"$scratch/laps.tsv"
    done < <(bench_shells)
  done
  while IFS='|' read -r name shell file builtin; do
    at() { awk -F '\t' -v name="$name" -v what="$1" '$1 == name && $2 == what {print $3}' "$scratch/laps.tsv" | median; }
    [ -n "$(at bare)" ] || continue
    awk -v name="$name" -v bare="$(at bare)" -v none="$(at none)" -v true="$(at true)" -v log_info="$(at log)" \
      -v count="$(at count)" -v calls="$calls" 'BEGIN {
        OFS = "\t"
        print name, (true - none) / calls, (log_info - none) / count, none - bare }'
  done < <(bench_shells) >"$scratch/shells.tsv"
}

shells_table() {
  echo "| one call | \`/bin/true\` µs | µs | × \`/bin/true\` | sourcing ms |"
  echo '|---|---:|---:|---:|---:|'
  awk -F '\t' '{printf "| `log_info` in %s | %d | %d | %s | %.1f |\n", $1, $2, $3, sprintf($3 / $2 < 0.1 ? "%.3f" : "%.2f", $3 / $2), $4 / 1000}' \
    "$scratch/shells.tsv"
}

# The budgets of shells: ratio and sourcing.
shells_budgets() {
  local name true log_info sourcing most
  while IFS=$'\t' read -r name true log_info sourcing; do
    most=1.30
    [[ $name != *builtin ]] || most=0.045
    budget "log_info / true, $name" "$(awk -v a="$log_info" -v b="$true" 'BEGIN {printf "%.3f", a / b}')" "$most"
    most=5.0
    [[ $name != bash* ]] || most=2.0
    budget "sourcing, ms, $name" "$(awk -v a="$sourcing" 'BEGIN {printf "%.1f", a / 1000}')" "$most"
  done <"$scratch/shells.tsv"
}
