# A disk that takes barriers: Linux sees FUA too, and sends a barrier with data for each durable write.
serve "$(one_disk tag-flush)"
guest g0 d0
expect "g0's write cache" "$(on g0 'cat /sys/block/xvda/queue/write_cache')" "write back"
expect "g0's FUA" "$(on g0 'cat /sys/block/xvda/queue/fua')" 1
write_and_read_back g0
expect_more "barriers of g0" "$(metric scheduler_requests_total 'op="barrier"')" 0
before=$(metric scheduler_bytes_total 'op="barrier"')
on g0 'ioping -WWW -D -y -q -i 0 -c 5 /dev/xvda' # The first write is not counted, but made.
expect "bytes of 5 durable writes of 4 KiB that came in barriers" "$(($(metric scheduler_bytes_total 'op="barrier"') - before))" 20480
# Longer than a request of 11 pages: Linux can't send that as a barrier, and has to split it.
before=$(metric scheduler_bytes_total 'op="barrier"')
on g0 'ioping -WWW -D -y -q -i 0 -c 5 -s 64k /dev/xvda'
expect "bytes of 5 durable writes of 64 KiB that came in barriers" "$(($(metric scheduler_bytes_total 'op="barrier"') - before))" 327680
expect "flush requests" "$(metric scheduler_requests_total 'op="flush"')" 0
file_system g0
