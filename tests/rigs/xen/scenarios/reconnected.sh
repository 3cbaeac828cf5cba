# A guest is shut down and started again: its ring is closed as the protocol says, nothing of it stays, and a new one is made.
serve "$(one_disk flush-fua)"
before=$(held)
guest g0 d0
on g0 'echo kept | dd of=/dev/xvda conv=fsync 2> /dev/null'

# Closing, at which rings end, and then Closed: not only the end of a domain.
closings() { echo "$(grep -c 'closed: the guest closes it' /tmp/service.log), $(grep -c "closed, as the guest's end is" /tmp/service.log)"; }

for round in 1 2; do
  echo '0 poweroff -f' > "$(cat /tmp/g0.tty)"
  wait_for 30 "g0 is shut down" is_no_domain g0
  wait_until_held "what g0 had is given back" "$before"
  expect "rings that g0 has closed, and disks that have closed" "$(closings)" "$round, $round"
  guest g0 d0
  expect "what g0 reads after start $round" "$(on g0 'dd if=/dev/xvda bs=4 count=1 2> /dev/null; echo')" kept
done
write_and_read_back g0
