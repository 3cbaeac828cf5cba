# A disk that takes neither: Linux sees a cache that is written through and sends nothing for an fsync; each write is durable.
serve "$(one_disk none)"
guest g0 d0
expect "g0's write cache" "$(on g0 'cat /sys/block/xvda/queue/write_cache')" "write through"
write_and_read_back g0
file_system g0
expect "barriers" "$(metric scheduler_requests_total 'op="barrier"')" 0
expect "flush requests" "$(metric scheduler_requests_total 'op="flush"')" 0
expect "written bytes that were not made durable" $(($(metric scheduler_requests_total 'op="write"') - $(metric scheduler_fua_device_total))) 0
