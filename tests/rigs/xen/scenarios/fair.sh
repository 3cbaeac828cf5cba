# Two guests on one volume. g0 sends barriers without a pause; what g1, which reads, feels of it: with all requests of the volume
# drained for each barrier, as old backends did, and with this scheduler. The same guests, each with a disk of either kind.
device='device = faulty, cache = buffered, faulty { service-time = 1ms, parallel = 8, flush-time = 20ms }'
serve "volumes.old { path = \"/data/old.img\", size = 128MiB, policy = queue-drain, $device }
  volumes.new { path = \"/data/new.img\", size = 128MiB, policy = fair, $device }
  guests.g0 {}
  guests.g1 {}
  disks.old0 { volume = old, guest = g0, size = 64MiB, ordered = tag-flush }
  disks.old1 { volume = old, guest = g1, offset = 64MiB, size = 64MiB, ordered = tag-flush }
  disks.new0 { volume = new, guest = g0, size = 64MiB, ordered = tag-flush }
  disks.new1 { volume = new, guest = g1, offset = 64MiB, size = 64MiB, ordered = tag-flush }"
# guest/reads says how many reads a second there are, and the time in us that 99 of 100 take at most.
guest g0 old0 new0
guest g1 old1 new1

measure() { # disk policy
  local alone barriers
  alone=$(on g1 "reads $1")
  barriers=$(metric scheduler_requests_total 'op="barrier"')
  on g0 "ioping -WWW -D -y -q -i 0 /dev/$1 > /dev/null 2>&1 & echo \$! > /tmp/pid"
  beside=$(on g1 "reads $1")
  on g0 'kill $(cat /tmp/pid)'
  barriers=$(($(metric scheduler_requests_total 'op="barrier"') - barriers))
  say "$2: g1 alone: ${alone% *} reads/s, p99 ${alone#* } us; beside $barriers barriers: ${beside% *} reads/s, p99 ${beside#* } us"
}

measure xvda queue-drain
old=$beside
measure xvdb fair
# The emulated processors are what both guests want most: beside other work less is left of the difference, which is 2.5 without.
expect_more "reads/s of g1 beside barriers, fair" "${beside% *}" $((${old% *} * 5 / 4))
expect_more "p99 in us of g1 beside barriers, queue-drain" "${old#* }" "${beside#* }"
