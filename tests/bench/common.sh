# What the benchmarks share: options, tools, processes that are ended whatever happens, the service, fio. Sourced.
# shellcheck shell=bash

bench_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work='' file='' made=0
server=0 # The process that serves; 0: none.

fail() { echo "bench: $*" >&2; exit 1; }

wrong_option() { echo "bench: $*; tests/bench/README.md has the options" >&2; exit 2; }

# An option has a value: the argument that follows it.
value() { (($# > 1)) && [[ $2 != --* ]] || wrong_option "$1 needs a value"; }

number() { [[ $2 =~ ^[1-9][0-9]*$ ]] || wrong_option "$1 needs a whole number above 0, not \"$2\""; }

one_of() { # option value allowed...
  local option=$1 given=$2 allowed
  shift 2
  for allowed in "$@"; do [[ $given == "$allowed" ]] && return; done
  wrong_option "$option is one of $*, not \"$given\""
}

need() { # tools...
  local tool package
  for tool in "$@"; do
    case $tool in
      qemu-storage-daemon) package=qemu-system-common ;;
      nbdinfo) package=libnbd-bin ;;
      *) package=$tool ;;
    esac
    command -v "$tool" >/dev/null || fail "$tool is missing; install Debian's package $package"
  done
}

# SCHEDULER_PROGRAM names a built service; without it, one is built.
find_program() {
  if [[ -z ${SCHEDULER_PROGRAM:-} ]]; then
    local root=$bench_dir/../..
    dotnet build -c Release -v quiet --nologo "$root/hosting/Scheduler.Host" >&2 || fail "the service can't be built"
    SCHEDULER_PROGRAM=$root/hosting/Scheduler.Host/bin/Release/net10.0/scheduler
  fi
  [[ -x $SCHEDULER_PROGRAM ]] || fail "SCHEDULER_PROGRAM is $SCHEDULER_PROGRAM, which is no program"
}

# Processes. What runs for longer than a moment is a job in the background: it is ended with the script, however that ends,
# and a signal is not kept waiting by it.
begin() {
  work=$(mktemp -d)
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

clean_up() {
  trap '' INT TERM HUP
  local pid
  for pid in $(jobs -p); do kill "$pid" 2>/dev/null || true; done
  for pid in $(jobs -p); do stop "$pid"; done
  ((made)) && rm -f "$file" "$file.fault"
  rm -rf "$work"
}

start() { # log command...; its id is then in $child
  local log=$1
  shift
  "$@" >"$log" 2>&1 </dev/null &
  child=$!
}

# SIGTERM, and after ten seconds SIGKILL.
stop() { # pid
  local pid=$1 i
  kill "$pid" 2>/dev/null || true
  for ((i = 0; i < 500; i++)); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.02
  done
  kill -9 "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

run() { # what command...
  local what=$1 status=0
  shift
  start "$work/run.log" "$@"
  wait "$child" || status=$?
  if ((status != 0)); then
    tail -n 20 "$work/run.log" >&2
    ((server)) && tail -n 20 "$work/server.log" >&2
    fail "$what: failed with code $status; what was said is above"
  fi
}

# CPU time of the server and the children that it has waited for, in ticks.
ticks() {
  local stat
  stat=$(<"/proc/$server/stat")
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  echo $((${12} + ${13} + ${14} + ${15}))
}

seconds_of() { awk -v t="$1" -v hz="$(getconf CLK_TCK)" 'BEGIN { print t / hz }'; }

load() { cut -d' ' -f1-3 /proc/loadavg; }

# The file that all use: its space allocated, and every byte of it written, so that nobody pays for first writes.
make_file() { # MiB
  if [[ -z $file ]]; then
    file=$work/disk.img
  else
    file=$(realpath -m -- "$file")
    [[ ! -e $file ]] || fail "$file exists; --file names a file that is made, and removed at the end"
  fi
  made=1
  fallocate -l "$1MiB" "$file" || fail "no $1 MiB for $file; --file names another place"
  run "filling $file" fio --name=fill --filename="$file" --size="$1m" --rw=write --bs=1m --end_fsync=1 --output=/dev/null
}

has_direct_io() { dd if="$file" of=/dev/null bs=4k count=1 iflag=direct status=none 2>/dev/null; }

has_io_uring() {
  fio --name=probe --filename="$file" --size=4k --rw=read --ioengine=io_uring --output=/dev/null &>/dev/null
}

# One process that serves a disk d0, d1, ... of a guest of its own each; everything else is as the defaults are.
start_service() { # disks MiB-of-each cache io
  local disks=$1 mib=$2 i
  {
    echo "scheduler { data-dir = \"$work\", nbd.listen = [\"unix:$work/nbd.sock\"]"
    echo "rings.listen = \"unix:$work/rings.sock\", admin.listen = \"unix:$work/admin.sock\", log.level = warning"
    echo "volumes.v { path = \"$file\", size = $((disks * mib))MiB, cache = $3, io = $4 }"
    for ((i = 0; i < disks; i++)); do
      echo "guests.g$i {}"
      echo "disks.d$i { volume = v, guest = g$i, offset = $((i * mib))MiB, size = ${mib}MiB }"
    done
    echo "}"
  } >"$work/service.conf"
  start "$work/server.log" env TMPDIR="$work" "$SCHEDULER_PROGRAM" serve --config "$work/service.conf"
  server=$child
  wait_for_server "nbd+unix:///d0?socket=$work/nbd.sock"
}

wait_for_server() { # address
  local i
  for ((i = 0; i < 600; i++)); do
    nbdinfo --size "$1" &>/dev/null && return
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
  done
  cat "$work/server.log" >&2
  fail "nothing is served at $1; what the server said is above"
}

stop_server() {
  ((server)) && stop "$server"
  server=0
  rm -f "$work/nbd.sock"
}

# Runs fio for $1 (5s, 200ms); the result is in $work/fio.json.
run_fio() { # time what arguments...
  local time=$1 what=$2
  shift 2
  run "$what" timeout -k 5 "$((${time//[!0-9]/} + 60))" fio --output-format=json --output="$work/fio.out" \
    --time_based --runtime="$time" --group_reporting "$@"
  sed -n '/^{/,$p' "$work/fio.out" >"$work/fio.json" # fio may write notes before it.
}
