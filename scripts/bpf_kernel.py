#!/usr/bin/env python3
"""Asks the running kernel about BPF programs: is one accepted, and what does it return?

Needs Linux on x86-64 and root. With the argument "bpf" it keeps CAP_BPF and CAP_NET_ADMIN alone. Prints "ready", or
"unavailable" and why. Then, for each line of input, one line of output:

    verdict HEX           ->  accept | reject LAST LINE OF THE LOG
    run HEX DATA          ->  accept R0 (unsigned, 32 bits) | reject LAST LINE OF THE LOG

HEX is code in which lddw with src 1 or 2 has the index of one of the maps below as imm. The program type is
SOCKET_FILTER; DATA is the packet as the program sees it.
"""
import ctypes
import os
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
BPF, CAPSET = 321, 126
MAP_CREATE, PROG_LOAD, PROG_TEST_RUN = 0, 5, 10
SOCKET_FILTER = 1
LOG_BYTES = 1 << 24
# type, key size, value size, entries: what tests/bpf/support/kernel_maps.ts says
MAPS = [(2, 4, 16, 1), (1, 4, 8, 16)]


def bpf(command, attributes):
    block = ctypes.create_string_buffer(attributes.ljust(168, b"\0"), 168)
    result = libc.syscall(BPF, command, block, 168)
    return result, ctypes.get_errno(), block.raw


def keep_bpf_alone():
    kept = 1 << 39 | 1 << 12
    low, high = kept & 0xFFFFFFFF, kept >> 32
    header = ctypes.create_string_buffer(struct.pack("<II", 0x20080522, 0))
    data = ctypes.create_string_buffer(struct.pack("<6I", low, low, 0, high, high, 0))
    if libc.syscall(CAPSET, header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def with_maps(code, maps):
    code = bytearray(code)
    slot = 0
    while slot + 8 <= len(code):
        if code[slot] == 0x18:
            if code[slot + 1] >> 4 in (1, 2):
                index = struct.unpack_from("<i", code, slot + 4)[0]
                struct.pack_into("<i", code, slot + 4, maps[index] if 0 <= index < len(maps) else -1)
            slot += 8
        slot += 8
    return bytes(code)


def load(code, log):
    text = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack(
        "<IIQQIIQ", SOCKET_FILTER, len(code) // 8, ctypes.addressof(text), ctypes.addressof(licence),
        1, LOG_BYTES, ctypes.addressof(log))
    log[0] = b"\0"
    return bpf(PROG_LOAD, attributes)[:2]


def reason(error, log):
    # The end of the log: its last line but one says why, the last one how much was looked at.
    lines = [line for line in log.value.decode(errors="replace").splitlines() if not line.startswith("processed")]
    return f"{os.strerror(error)}: {lines[-1] if lines else ''}"


def run(program, data):
    packet = ctypes.create_string_buffer(b"\0" * 14 + data, 14 + len(data))
    out = ctypes.create_string_buffer(1 << 17)
    attributes = struct.pack("<IIIIQQII", program, 0, 14 + len(data), len(out), ctypes.addressof(packet),
                             ctypes.addressof(out), 1, 0)
    result, error, block = bpf(PROG_TEST_RUN, attributes)
    if result < 0:
        return f"failed {os.strerror(error)}"
    return f"accept {struct.unpack_from('<I', block, 4)[0]}"


def main():
    try:
        if sys.argv[1:] == ["bpf"]:
            keep_bpf_alone()
        maps = []
        for kind, key, value, entries in MAPS:
            made, error, _ = bpf(MAP_CREATE, struct.pack("<5I", kind, key, value, entries, 0))
            if made < 0:
                raise OSError(error, "bpf(BPF_MAP_CREATE)")
            maps.append(made)
    except OSError as error:
        print(f"unavailable {error}", flush=True)
        return
    log = ctypes.create_string_buffer(LOG_BYTES)
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        code = with_maps(bytes.fromhex(words[1]), maps)
        program, error = load(code, log)
        if program < 0:
            answer = f"reject {reason(error, log)}"
        elif words[0] == "run":
            answer = run(program, bytes.fromhex(words[2]) if len(words) > 2 else b"")
        else:
            answer = "accept"
        if program >= 0:
            os.close(program)
        print(answer, flush=True)


main()
