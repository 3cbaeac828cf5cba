# Opens many connections to the service and says what memory it takes for each that is idle.
#
#   connections.py SOCKET DISKS CONNECTIONS PID-OF-THE-SERVICE RESULT
import json
import re
import sys
import time

import nbd

BLOCK = 4096


def resident_kib(process):
    """What is resident now, once it has stopped changing, but after five seconds at the latest."""
    kib = -1
    for _ in range(10):
        time.sleep(0.5)
        before, kib = kib, int(re.search(r"VmRSS:\s+(\d+) kB", open(f"/proc/{process}/status").read())[1])
        if kib == before:
            break
    return kib


def wait(connection, command):
    while not connection.aio_command_completed(command):
        connection.poll(-1)


def main(socket, disks, count, process, result):
    before = resident_kib(process)
    connections = []
    for i in range(count):
        connection = nbd.NBD()
        connection.connect_uri(f"nbd+unix:///d{i % disks}?socket={socket}")
        connections.append(connection)
    idle = resident_kib(process)

    # Each writes a block of its own, all at once, and reads it back.
    written = [i.to_bytes(4, "big") * (BLOCK // 4) for i in range(count)]
    places = [i // disks * BLOCK for i in range(count)]
    commands = [c.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(w)), p) for c, w, p in zip(connections, written, places)]
    for connection, command in zip(connections, commands):
        wait(connection, command)
    for i, connection in enumerate(connections):
        if connection.pread(BLOCK, places[i]) != written[i]:
            sys.exit(f"connection {i}: what was read is not what was written")
    used = resident_kib(process)

    for connection in connections:
        connection.shutdown()
    with open(result, "w") as file:
        json.dump({
            "connections": count,
            "disks": disks,
            "idle_kib": round((idle - before) / count, 1),
            "used_kib": round((used - before) / count, 1),
        }, file)


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
