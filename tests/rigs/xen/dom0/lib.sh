# What scenarios are made of; sourced by busybox's shell, in dom0. The first thing that is not as it should be ends a scenario.
# shellcheck shell=dash

admin=127.0.0.1:8080

say() { echo "rig: $scenario: $(now) s: $*"; }

fail() {
  say "NOT so: $*" >&2
  exit 1
}

expect() { # what value wanted
  [ "$2" = "$3" ] || fail "$1 is \"$2\", not \"$3\""
  say "$1: $2"
}

expect_more() { # what number than
  [ "$2" -gt "$3" ] || fail "$1 is $2, not more than $3"
  say "$1: $2, more than $3"
}

now() { cut -d. -f1 /proc/uptime; }

wait_for() { # seconds what command...
  local end=$(($(now) + $1)) seconds=$1 what=$2
  shift 2
  until "$@" > /dev/null 2>&1; do
    [ "$(now)" -lt $end ] || fail "$what: not within $seconds s"
    sleep 0.2
  done
}

# The service.

serve() { # configuration, but for the addresses
  cat > /tmp/service.conf << END
scheduler {
  data-dir = "/data"
  nbd.listen = ["unix:/data/nbd.sock"]
  admin.listen = "http://$admin"
  xen.enabled = true
  $1
}
END
  start_service
}

start_service() {
  local starts
  touch /tmp/service.log
  starts=$(grep -c '^Ready' /tmp/service.log || true)
  # What was compiled ahead is good enough: compiling it again, better, costs more here than it gains.
  DOTNET_EnableDiagnostics=0 DOTNET_TieredPGO=0 DOTNET_TC_CallCounting=0 /opt/scheduler/scheduler serve --config /tmp/service.conf >> /tmp/service.log 2>&1 &
  echo $! > /tmp/service.pid
  wait_for 300 "the service is ready" has_started "$starts"
}

has_started() { [ "$(grep -c '^Ready' /tmp/service.log)" -gt "$1" ]; } # starts before

service_pid() { cat /tmp/service.pid; }

stop_service() { # signal
  kill "-$1" "$(service_pid)"
  wait_for 60 "the service ends" is_gone "$(service_pid)"
}

is_gone() { ! [ -d "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }

# The sum of a metric's series with a label: 0 if there are none.
metric() { # name [label="value"]
  wget -q -O - http://$admin/metrics | awk -v name="$1" -v label="${2:-}" '
    { end = index($1 "{", "{") }
    substr($1, 1, end - 1) == name && (label == "" || index($1, label)) { sum += $2 }
    END { printf "%d\n", sum }'
}

# Guests.

# Makes one, with disks xvda, xvdb and so on, as a toolstack does, and waits until it takes commands. Disks that the toolstack
# attaches itself stand in $lines.
guest() { # name disks...
  local name=$1 domain device=51712 disk
  shift
  cat > "/tmp/$name.cfg" << END
name = "$name"
kernel = "/guest/vmlinuz"
ramdisk = "/guest/initrd"
memory = 128
vcpus = 1
type = "pv"
extra = "console=hvc0 quiet loglevel=3"
on_poweroff = "destroy"
on_crash = "destroy"
on_reboot = "destroy"
${lines:-}
END
  [ ! -e "$(console "$name")" ] || mv "$(console "$name")" "$(console "$name").$(now)"
  xl create -q -p "/tmp/$name.cfg" >> /tmp/xl.log 2>&1 || fail "guest $name can't be made"
  domain=$(xl domid "$name")
  for disk in "$@"; do
    attach "$domain" $device "$disk"
    device=$((device + 16))
  done
  xl unpause "$name"
  wait_for 120 "guest $name is up" grep -q ^@ready "$(console "$name")"
  xenstore-read "/local/domain/$domain/console/tty" > "/tmp/$name.tty"
  [ $# -eq 0 ] && [ -z "${lines:-}" ] || on "$name" 'i=0; until [ -b /dev/xvda ]; do i=$((i + 1)); [ $i -lt 300 ] || exit 1; sleep 0.1; done' ||
    fail "guest $name has no disk"
}

console() { echo "/var/log/xen/console/guest-$1.log"; } # name

backend() { echo "/local/domain/0/backend/scheduler/$1/$2"; } # domain device

frontend() { echo "/local/domain/$1/device/vbd/$2"; } # domain device

# What a toolstack writes for a disk; the rest is between the service and the guest.
attach() { # domain device disk
  local back front
  back=$(backend "$1" "$2") front=$(frontend "$1" "$2")
  xenstore-write "$front" ""
  xenstore-chmod "$front" "n$1" r0
  xenstore-write "$back" ""
  xenstore-chmod "$back" n0 "r$1"
  xenstore-write "$front/backend" "$back" "$front/backend-id" 0 "$front/virtual-device" "$2" "$front/device-type" disk \
    "$front/state" 1
  xenstore-write "$back/frontend" "$front" "$back/frontend-id" "$1" "$back/online" 1 "$back/mode" w "$back/params" "$3" \
    "$back/state" 1
}

# Has a guest run a command, of which each line ends where a blank may stand: prints what it printed, and has its status.
on() { # name command
  local number log
  number=$(($(cat /tmp/calls 2> /dev/null || echo 0) + 1))
  log=$(console "$1")
  echo $number > /tmp/calls
  echo "$number $(echo "$2" | tr '\n' ' ')" > "$(cat "/tmp/$1.tty")"
  wait_for 120 "guest $1 has done: $2" grep -q "^@$number=" "$log"
  sed -n "s/^@$number //p" "$log"
  return "$(sed -n "s/^@$number=//p" "$log")"
}

is_no_domain() { ! xl list | grep -qE "^($1|\(null\)) "; } # name

destroy() { # name
  xl destroy "$1"
  wait_for 60 "domain $1 is gone, with all of its pages" is_no_domain "$1"
}

is_nothing_left() { [ -z "$(xenstore-list /local/domain/0/backend/vbd 2> /dev/null)" ]; }

clean_up() {
  local name
  for name in $(xl list | awk 'NR > 1 && $2 != 0 { print $2 }'); do xl destroy "$name"; done
  [ ! -e /tmp/service.pid ] || kill -9 "$(service_pid)" 2> /dev/null
  xenstore-rm /local/domain/0/backend/scheduler 2> /dev/null
  true
}

# What several scenarios do.

# One volume, with a disk of a guest.
one_disk() { # ordered
  echo "volumes.v { path = \"/data/v.img\", size = 64MiB, cache = buffered }
    guests.g0 {}
    disks.d0 { volume = v, guest = g0, size = 64MiB, ordered = $1 }"
}

# Drawn data, over many requests and in pieces that are no whole pages, come back as they were written, past all caches.
write_and_read_back() { # name
  on "$1" 'dd if=/dev/urandom of=/tmp/written bs=64k count=48 &&
    dd if=/tmp/written of=/dev/xvda bs=64k seek=16 conv=fsync &&
    dd if=/tmp/written of=/dev/xvda bs=512 seek=20001 count=7 oflag=direct &&
    echo 3 > /proc/sys/vm/drop_caches &&
    dd if=/dev/xvda of=/tmp/read bs=64k skip=16 count=48 && cmp /tmp/written /tmp/read &&
    dd if=/dev/xvda bs=512 skip=20001 count=7 iflag=direct | cmp -n 3584 - /tmp/written' > /dev/null ||
    fail "what guest $1 wrote is not what it reads"
  say "$1 reads what it wrote"
}

# An ext4 that is made, filled, unmounted and found to be without a fault.
file_system() { # name
  on "$1" 'mkfs.ext4 -q /dev/xvda && mount -t ext4 /dev/xvda /mnt && cp -r /bin /lib /mnt && sync &&
    for i in 1 2 3 4 5; do dd if=/dev/urandom of=/mnt/file$i bs=100k count=5 conv=fsync || exit 1; done &&
    find /mnt -type f | sort | xargs md5sum > /tmp/sums && umount /mnt && e2fsck -f -n /dev/xvda &&
    echo 3 > /proc/sys/vm/drop_caches && mount -t ext4 -o ro /dev/xvda /mnt && md5sum -c -s /tmp/sums && umount /mnt' ||
    fail "ext4 on guest $1's disk"
  say "$1's ext4 is without a fault"
}

# A guest that writes and reads back all the time; see guest/busy.
busy() { # name
  on "$1" 'busy > /tmp/wrong 2>&1 &'
  still_busy "$1"
}

# It has gone on since, and everything was as it should be.
still_busy() { # name
  local before
  before=$(on "$1" 'cat /tmp/progress 2> /dev/null || echo 0')
  wait_for 120 "guest $1 goes on writing" on "$1" "[ \$(cat /tmp/progress) -gt $((before + 3)) ]"
  expect "what guest $1 found wrong" "$(on "$1" 'cat /tmp/wrong')" ""
}

# What the service and dom0 hold of guests: event channels to guests, pages of guests that the service has mapped, Xen's devices
# that it has open.

channels() { lsevtchn 0 | grep -ci interdomain; }

held() {
  echo "channels $(channels), mappings $(grep -c /dev/xen/gntdev "/proc/$(service_pid)/maps"), devices $(ls -l "/proc/$(service_pid)/fd" | grep -c /dev/xen/)"
}

wait_until_held() { # what wanted
  local end=$(($(now) + 60))
  until [ "$(held)" = "$2" ]; do
    [ "$(now)" -lt $end ] || fail "$1: the service holds $(held), not $2"
    sleep 0.5
  done
}

# The service's own commands for operators.
operator() { # arguments
  DOTNET_EnableDiagnostics=0 DOTNET_TieredPGO=0 /opt/scheduler/scheduler "$@" > /tmp/operator.log 2>&1 || fail "scheduler $*: $(cat /tmp/operator.log)"
}
