# A disk that takes neither: Linux sees a cache that is written through and sends nothing for an fsync; each write is durable.
# Here the service reaches xenstore through the kernel's device, as it does in domains without xenstore's socket.
serve "$(one_disk none)
  xen.store = /dev/xen/xenbus"
guest g0 d0
syncs() { echo $(($(metric scheduler_flush_device_total) + $(metric scheduler_fua_device_total))); }
expect "g0's write cache" "$(on g0 'cat /sys/block/xvda/queue/write_cache')" "write through"
before=$(syncs)
on g0 'ioping -WWW -D -q -i 0 -c 5 /dev/xvda'
expect_more "syncs of the device for 5 writes, one after the other" "$(($(syncs) - before))" 4
write_and_read_back g0
file_system g0
expect "barriers" "$(metric scheduler_requests_total 'op="barrier"')" 0
expect "flush requests" "$(metric scheduler_requests_total 'op="flush"')" 0
expect "what the service reaches xenstore through" "$(sed -n 's/.*xenstore at \([^:]*\):.*/\1/p' /tmp/service.log)" /dev/xen/xenbus
