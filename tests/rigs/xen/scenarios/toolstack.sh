# Xen's own toolstack attaches the disk, as it does others: the service takes what xen-blkback is meant to take.
script=/tmp/nothing
printf '#!/bin/busybox sh\n' > $script
chmod +x $script
serve "$(one_disk flush-fua)
  xen.backend = vbd"
lines="disk = [ \"vdev=xvda,format=raw,access=rw,script=$script,target=d0\" ]" guest g0
expect "sectors of g0's disk" "$(on g0 'cat /sys/block/xvda/size')" 131072
write_and_read_back g0
destroy g0
wait_for 30 "nothing of it stays in xenstore" is_nothing_left
say "nothing of it stays in xenstore"
