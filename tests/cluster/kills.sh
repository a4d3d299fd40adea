# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill -9 of lbd on lb1 amid what it is told to do, and what must hold after the
# next start. Chance picks operation and moment; KILL_SEED repeats its picks, and
# KILL_AMID names the operations to pick from ("limits start"; without it, all).
#
# With KILL_PEER set lb2 is its peer, and must hold the same connections after each kill.
#
# The config's services have two backends each ("narrow") or three ("wide").
# $LAB/width says which of them the file has, $LAB/slots how many connections fit. All
# services but web-dsr4, which lbctl backend changes, must be as one of the two.

# A row per operation: kill_NAME does it. Behind the name may stand a command of lbctl and a word
# that its help has: without it the operation isn't known yet, and left out.
readonly KILL_OPERATIONS=(
  "upgrade"
  "rollback"
  "reload"
  "trial reload --confirm"
  "confirm reload --confirm"
  "cancel reload --confirm"
  "backend"
  "limits"
  "resize resize LIMIT"
  "canary upgrade --canary"
  "promote upgrade --canary"
  "abort upgrade --canary"
  "takeover upgrade --daemon"
  "rush upgrade --daemon"
  "start"
)
declare -gA KILL_TOOK=()
declare -ga KILL_ROUND=()

kill_upgrade() { ctl lb1 upgrade; }
kill_rollback() { ctl lb1 rollback; }
kill_reload() { kill_toggle && ctl lb1 reload; }
kill_trial() { kill_toggle && ctl lb1 reload --confirm 1h; }
kill_confirm() { kill_trial && ctl lb1 confirm; }
kill_cancel() { kill_trial && ctl lb1 reload --cancel; }

# Until the next reload, which has the file's.
kill_resize() { ctl lb1 resize connections-ipv4 "$((196608 - $(<"$LAB/slots")))"; }

kill_canary() { ctl lb1 upgrade --canary 50%; }
kill_promote() { kill_canary && ctl lb1 upgrade --promote; }
kill_abort() { kill_canary && ctl lb1 upgrade --abort; }

kill_takeover() { ctl lb1 upgrade --daemon; }

# All at once: each is done, or refused for another.
kill_rush() {
  local asked=() command
  kill_toggle
  for command in "upgrade --canary 50%" reload kill_resize "upgrade --daemon" rollback; do
    # shellcheck disable=SC2086 # words of a command
    if [[ $command == kill_* ]]; then $command; else ctl lb1 $command; fi &
    asked+=($!)
  done
  wait "${asked[@]}" || true
}

# The tables move to twice or half the slots.
kill_limits() {
  echo "$((196608 - $(<"$LAB/slots")))" >"$LAB/slots"
  kill_write "$(<"$LAB/width")" && ctl lb1 reload
}

kill_backend() {
  ctl lb1 backend weight talk-dsr4 be1 "$((RANDOM % 200 + 1))"
  if [[ $(kill_width true) == wide ]]; then
    ctl lb1 backend remove web-dsr4 be3
  else
    ctl lb1 backend add web-dsr4 be3 "$(host4 be3)"
  fi
}

# Returns at once: the start itself is what a kill comes amid.
kill_start() {
  murder lbd-lb1
  lbd_spawn lb1
}

# --- the config

kill_write() {
  local backends=(be1 be2)
  [[ $1 == narrow ]] || backends+=(be3)
  "config_$([[ -n ${KILL_PEER:-} ]] && echo pair || echo solo)" lb1 "${backends[@]}" |
    sed "s/connections-ipv4: .*/connections-ipv4: $(<"$LAB/slots")/" | config_write lb1
  echo "$1" >"$LAB/width"
}

kill_other() {
  [[ $1 == wide ]] && echo narrow || echo wide
}

kill_toggle() {
  kill_write "$(kill_other "$(<"$LAB/width")")"
}

# kill_width ODD: what runs, of web-dsr4 (true) or of all others (false).
kill_width() {
  ctl_json lb1 '[.backends[] | select(.state != "gone")] | group_by(.service) |
    map(select((.[0].service == "web-dsr4") == '"$1"') | any(.name == "be3")) |
    if all then "wide" elif any then "mixed" else "narrow" end' backends
}

# The file is what runs, for good, and nothing else is.
kill_tidy() {
  ctl lb1 reload --cancel >/dev/null 2>&1 || true
  ctl lb1 upgrade --promote >/dev/null 2>&1 || true
  kill_write "$(kill_width false)"
  ctl lb1 reload
}

# --- a kill

kill_operations() {
  local row name command word
  for row in "${KILL_OPERATIONS[@]}"; do
    read -r name command word <<<"$row"
    [[ " ${KILL_AMID:-$name} " == *" $name "* ]] || continue
    if [[ -z $command ]] || "$LAB_LBCTL" help "$command" 2>&1 | grep -q -e "$word"; then
      echo "$name"
    fi
  done
}

kill_ms() {
  echo "$((${EPOCHREALTIME/./} / 1000))"
}

# kill_measure OPERATION: how long it takes if nobody is killed. Among these moments chance picks.
kill_measure() {
  local from
  from=$(kill_ms)
  "kill_$1" >>"$LAB/logs/kills.log" 2>&1 || lab_fail "operation $1" || return
  wait_for 10 "an answer of lbd" ctl lb1 status || return
  KILL_TOOK[$1]=$(($(kill_ms) - from))
  kill_tidy >>"$LAB/logs/kills.log"
}

# The old daemon, then the one that takes over, if it is there already.
kill_pid() {
  lab_pids lbd-lb1 | sort -n | "$1" -n 1
}

# Of a takeover's two the old one dies, or the new one, or both. One that is found may be gone
# by itself before it is hit.
kill_some() {
  case $((RANDOM % 3)) in
  0) murder lbd-lb1 ;;
  1) kill -9 "$(kill_pid head)" || true ;;
  2) kill -9 "$(kill_pid tail)" || true ;;
  esac
}

# kill_amid OPERATION MS: lbd dies so many milliseconds after it began.
kill_amid() {
  local seconds
  seconds=$(printf '%d.%03d' "$(($2 / 1000))" "$(($2 % 1000))")
  if [[ $1 == start ]]; then
    kill_start
    sleep "$seconds"
    murder lbd-lb1
    return
  fi
  "kill_$1" >>"$LAB/logs/kills.log" 2>&1 3>&- &
  sleep "$seconds"
  if [[ $1 == takeover ]]; then kill_some; else murder lbd-lb1; fi
  wait $! || true
}

# One runs, and answers; or none does.
kill_settled() {
  case $(lab_pids lbd-lb1 | wc -l) in
  0) true ;;
  1) ctl lb1 status ;;
  *) false ;;
  esac
}

# Who survived a takeover goes on; else the next start is of one that adopts.
kill_next() {
  wait_for 20 "one lbd, or none" kill_settled || return
  alive lbd-lb1 || { lbd_start lb1 && ctl_says lb1 .adopted status >/dev/null; }
}

# kill_whole OPERATION: the config that runs is the file's, or the one before a trial, and all of it.
kill_whole() {
  local origin runs due
  origin=$(ctl_json lb1 .config_origin status)
  runs=$(kill_width false)
  due=$(<"$LAB/width")
  # Which of those came to be that were asked for at once, and when, is all the same.
  [[ $1 == rush && $runs != mixed ]] && due=$runs
  [[ $origin == reverted && $1 =~ ^(trial|confirm|cancel)$ ]] && due=$(kill_other "$due")
  [[ $origin == file || $due != $(<"$LAB/width") ]] || lab_fail "config_origin is $origin" || return
  [[ $runs == "$due" ]] || lab_fail "$runs services run where $due ones are due" || return
  [[ $1 =~ ^(resize|rush)$ ]] || ctl_says lb1 ".connections.ipv4.slots == $(<"$LAB/slots")" status >/dev/null ||
    lab_fail "not $(<"$LAB/slots") slots" || return
  [[ $origin == file && ! $1 =~ ^(resize|rush)$ ]] || kill_tidy >>"$LAB/logs/kills.log"
}

# kill_survived OPERATION: who goes on, and what must hold then.
kill_survived() {
  kill_next && ctl_says lb1 '.trial == null and .generation.running != null
    and .generation.trial == null' status >/dev/null || return
  kill_whole "$1" || return
  [[ -z ${KILL_PEER:-} ]] || kill_peer || return
  wait_for 5 "a status without a problem" \
    ctl_says lb1 '.ok and .pins.not_in_use == 0 and .pins.in_use > 0' status
}

kill_peer() {
  wait_for 15 "lb1 in sync" node_in_sync lb1 && wait_for 15 "lb2 in sync" node_in_sync lb2 &&
    wait_for 5 "equal tables" nodes_equal lb1 lb2
}

# lb1 gets a peer, and is told that it is the active one.
kill_peer_up() {
  ctl lb1 reload
  config_pair lb2 be1 be2 be3 | config_write lb2
  node_up lb2 || return
  ctl lb1 role master
  ctl lb2 role backup
}

# Half a second each: packets under way are waited for.
kill_unharmed() {
  load_unharmed "$1" >>"$LAB/logs/kills.log" || lab_fail "the last kills harmed the load"
}

# Each operation once, in any order.
kill_round() {
  local names i pick
  mapfile -t names < <(kill_operations)
  for ((i = ${#names[@]}; i > 0; i--)); do
    pick=$((RANDOM % i))
    KILL_ROUND+=("${names[pick]}")
    names[pick]=${names[i - 1]}
  done
}

# kills_happen COUNT
kills_happen() {
  local i name ms
  RANDOM=${KILL_SEED:=$((SRANDOM % 32768))}
  echo "kills: KILL_SEED=$KILL_SEED" >&3
  for ((i = 0; i < $1; i++)); do
    ((i < ${#KILL_ROUND[@]})) || kill_round
    name=${KILL_ROUND[i]}
    [[ -n ${KILL_TOOK[$name]:-} ]] || kill_measure "$name" || kill_tell || return 1
    ms=$((RANDOM * (KILL_TOOK[$name] + KILL_TOOK[$name] / 8) / 32768))
    echo "kill $i: $name of ${KILL_TOOK[$name]} ms, after $ms ms" | tee -a "$LAB/logs/kills.log"
    kill_amid "$name" "$ms"
    kill_survived "$name" || kill_tell || return 1
    ((i % 4 < 3)) || kill_unharmed "kill-$i" || kill_tell || return 1
  done
}

# What to look at: not only what the daemon wrote, also what it says now.
kill_tell() {
  ctl lb1 status || true
  ctl lb1 counters || true
  lab_losses
  tail -n 40 "$LAB/logs/kills.log"
  return 1
}
