#!/usr/bin/env python3
"""A wire between the network namespaces of capture_samples.sh, for kernels without netem.

Moves packets between two TUN or TAP devices of the same name. Seeded loss, reordering and duplication can be asked
for per packet; what the TCP stacks at both ends then retransmit is real. With --trunk it also writes what a switch
between two access ports would show on its trunk: the same frames with one or two VLAN tags.
"""
import argparse
import ctypes
import fcntl
import heapq
import os
import random
import select
import signal
import struct
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_TAP, IFF_NO_PI = 0x0001, 0x0002, 0x1000
CLONE_NEWNET = 0x40000000


def open_device(namespace, kind):
    """Attaches to the device of a namespace. The file stays usable after leaving the namespace."""
    with open(f"/var/run/netns/{namespace}", "rb") as handle:
        if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    flags = (IFF_TUN if kind == "tun" else IFF_TAP) | IFF_NO_PI
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"wire0", flags))
    return device


class Trunk:
    """Writes a pcap file of the frames with their tags."""

    def __init__(self, path, tags):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        types = [0x8100] if len(tags) == 1 else [0x88A8, 0x8100]
        self.tags = b"".join(struct.pack(">HH", kind, tag) for kind, tag in zip(types, tags))

    def write(self, frame):
        tagged = frame[:12] + self.tags + frame[12:]
        now = time.time_ns()
        self.file.write(struct.pack("<IIII", now // 10**9, now % 10**9 // 1000, len(tagged), len(tagged)))
        self.file.write(tagged)
        self.file.flush()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("namespaces", nargs=2)
    options.add_argument("--kind", choices=["tun", "tap"], default="tap")
    options.add_argument("--loss", type=float, default=0)
    options.add_argument("--reorder", type=float, default=0)
    options.add_argument("--duplicate", type=float, default=0)
    options.add_argument("--delay-ms", type=float, default=0, help="one way, for every packet")
    options.add_argument("--late-ms", type=float, default=4, help="how much later a reordered packet comes")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--trunk")
    options.add_argument("--vlan", type=int, nargs="+", default=[])
    options.add_argument("--seconds", type=float, default=60, help="gives up after this time, whatever happens")
    args = options.parse_args()

    chance = random.Random(args.seed)
    ends = [open_device(name, args.kind) for name in args.namespaces]
    trunk = Trunk(args.trunk, args.vlan) if args.trunk else None
    stop_at = time.monotonic() + args.seconds
    waiting, count, running = [], 0, [True]
    signal.signal(signal.SIGTERM, lambda *_: running.clear())
    print("ready", flush=True)

    while running and time.monotonic() < stop_at:
        patience = 0.2 if not waiting else max(0, waiting[0][0] - time.monotonic())
        for device in select.select(ends, [], [], min(patience, 0.2))[0]:
            packet = os.read(device, 65536)
            if trunk:
                trunk.write(packet)
            if chance.random() < args.loss:
                continue
            late = args.late_ms if chance.random() < args.reorder else 0
            copies = 2 if chance.random() < args.duplicate else 1
            due = time.monotonic() + (args.delay_ms + late) / 1000
            for _ in range(copies):
                count += 1
                heapq.heappush(waiting, (due, count, ends[1] if device == ends[0] else ends[0], packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, device, packet = heapq.heappop(waiting)
            try:
                os.write(device, packet)
            except OSError:
                pass  # the device is down: as good as a cut cable


main()
