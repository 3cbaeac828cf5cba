# A guest unloads its driver and loads it again, and a guest is shut down and another of its name started: each time the ring is
# closed as the protocol says, and a new one made.
serve "$(one_disk flush-fua)"
before=$(held)
guest g0 d0
connected=$(held)
on g0 'echo kept | dd of=/dev/xvda conv=fsync 2> /dev/null'
for round in 1 2; do
  on g0 'rmmod xen_blkfront && insmod /xen-blkfront.ko'
  on g0 'i=0; until [ -b /dev/xvda ]; do i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done' || fail "the disk does not come back"
  expect "what g0 reads after round $round" "$(on g0 'dd if=/dev/xvda bs=4 count=1 2> /dev/null')" kept
done
expect "held as before" "$(held)" "$connected"
write_and_read_back g0
echo '0 poweroff -f' > "$(cat /tmp/g0.tty)"
wait_for 30 "g0 is shut down" is_no_domain g0
wait_until_held "what g0 had is given back" "$before"
guest g0 d0
expect "what the next g0 reads" "$(on g0 'dd if=/dev/xvda bs=4 count=1 2> /dev/null')" kept
