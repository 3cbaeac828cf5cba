# A guest is destroyed in the middle of its writes: nothing of it stays, the other guest notices nothing, and a new guest gets
# its disk with all that had been made durable.
serve "volumes.v { path = \"/data/v.img\", size = 128MiB, device = faulty, cache = buffered
    faulty { service-time = 50ms, parallel = 8 } }
  guests.g0 {}
  guests.g1 {}
  disks.d0 { volume = v, guest = g0, size = 64MiB, ordered = tag-flush }
  disks.d1 { volume = v, guest = g1, offset = 64MiB, size = 64MiB }"
guest g1 d1
busy g1
before=$(held)

# More than g1 ever has.
has_several_under_way() { [ "$(metric scheduler_queue_depth)" -gt 1 ]; }

for round in 1 2; do
  guest g0 d0
  [ $round -eq 1 ] || expect "the durable text that the guest before left" "$(on g0 'dd if=/dev/xvda bs=16 count=1 2> /dev/null; echo')" "$text"
  text=$(printf 'written in turn%d' $round)
  on g0 "printf '$text' | dd of=/dev/xvda conv=fsync"
  on g0 'for i in 1 2 3 4; do ioping -WWW -D -q -i 0 -o 1m -S 32m -s 64k -e $i /dev/xvda & done; ioping -D -q -i 0 -S 64m /dev/xvda & sleep 1'
  wait_for 20 "requests of g0 are under way" has_several_under_way
  destroy g0
  wait_until_held "what g0 had is given back" "$before"
  say "held after g0 was destroyed: $(held)"
done
still_busy g1
