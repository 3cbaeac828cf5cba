# A disk grows under a guest that is running: it sees the new size, and what lies there reads zeroes and can be written.
serve 'volumes.v { path = "/data/v.img", size = 128MiB, cache = buffered }
  guests.g0 {}'
operator disk set d0 --volume v --guest g0 --size 32MiB
guest g0 d0
expect "sectors of g0's disk" "$(on g0 'cat /sys/block/xvda/size')" 65536
operator disk set d0 --size 64MiB
on g0 'i=0; until [ $(cat /sys/block/xvda/size) = 131072 ]; do i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done' ||
  fail "g0 does not see that its disk has grown"
expect "sectors of g0's disk" "$(on g0 'cat /sys/block/xvda/size')" 131072
expect "what is not zero in the new space" "$(on g0 'dd if=/dev/xvda bs=1M skip=32 2> /dev/null | tr -d "\\0" | wc -c')" 0
on g0 'dd if=/dev/urandom of=/tmp/a bs=64k count=4; dd if=/tmp/a of=/dev/xvda bs=64k seek=1020 conv=fsync;
  echo 3 > /proc/sys/vm/drop_caches; dd if=/dev/xvda bs=64k skip=1020 | cmp -n 262144 - /tmp/a' || fail "the new space can't be used"
say "g0 uses the new space"
