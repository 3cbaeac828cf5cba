# The service is killed and started again, and stopped and started again, under two guests that go on writing: their rings go on
# where they were, no request fails, and nothing that was written is lost.
serve "volumes.v { path = \"/data/v.img\", size = 128MiB, cache = buffered }
  guests.g0 {}
  guests.g1 {}
  disks.d0 { volume = v, guest = g0, size = 64MiB, ordered = tag-flush }
  disks.d1 { volume = v, guest = g1, offset = 64MiB, size = 64MiB }"
guest g0 d0
guest g1 d1
busy g0
busy g1
before=$(channels)
for signal in KILL TERM; do
  stop_service $signal
  start_service
  still_busy g0
  still_busy g1
  say "restarted after SIG$signal"
done
expect "event channels of dom0 to guests" "$(channels)" "$before"
