# A disk that takes flushes: Linux sees a cache that is written back, and none of its fsyncs is forgotten.
serve "$(one_disk flush-fua)"
guest g0 d0
expect "g0's write cache" "$(on g0 'cat /sys/block/xvda/queue/write_cache')" "write back"
expect "g0's FUA" "$(on g0 'cat /sys/block/xvda/queue/fua')" 0
before=$(metric scheduler_flush_requests_total)
write_and_read_back g0
expect_more "flushes that g0 asked for" "$(metric scheduler_flush_requests_total)" "$before"
expect "barriers" "$(metric scheduler_requests_total 'op="barrier"')" 0
file_system g0
