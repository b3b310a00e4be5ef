#!/usr/bin/env python3
"""Edits captures for capture_samples.sh: what editcap cannot do simply.

    capture_edit.py strip IN OUT         a pcapng file without what tells about the machine: options of the section,
                                         names, filters and descriptions of interfaces, comments
    capture_edit.py null IN OUT          an Ethernet pcap file as BSD loopback (DLT_NULL, little-endian)
"""
import struct
import sys

SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6
IF_TSRESOL = 9


def block(kind, body):
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def strip(data):
    """Keeps sections, interfaces (with their time resolution) and packets, without any other option."""
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        body = data[at + 8 : at + size - 4]
        at += size
        if kind == SECTION:
            yield block(kind, body[:16])
        elif kind == INTERFACE:
            yield block(kind, body[:8] + resolution(body[8:]))
        elif kind == PACKET:
            captured = struct.unpack_from("<I", body, 12)[0]
            yield block(kind, body[: 20 + (captured + 3) // 4 * 4])


def resolution(options):
    at = 0
    while at + 4 <= len(options):
        code, size = struct.unpack_from("<HH", options, at)
        padded = (size + 3) // 4 * 4
        if code == IF_TSRESOL:
            return options[at : at + 4 + padded] + struct.pack("<HH", 0, 0)
        at += 4 + padded
    return b""


def as_null(data):
    """Puts 4 bytes of address family in place of the Ethernet header; frames other than IP are left out."""
    yield data[:20] + struct.pack("<I", 0)
    families = {0x0800: 2, 0x86DD: 30}
    at = 24
    while at < len(data):
        seconds, fraction, captured, original = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16 : at + 16 + captured]
        at += 16 + captured
        family = families.get(struct.unpack_from(">H", frame, 12)[0])
        if family:
            yield struct.pack("<IIIII", seconds, fraction, captured - 10, original - 10, family) + frame[14:]


command, source, target = sys.argv[1:]
with open(source, "rb") as handle:
    content = handle.read()
with open(target, "wb") as handle:
    handle.write(b"".join({"strip": strip, "null": as_null}[command](content)))
