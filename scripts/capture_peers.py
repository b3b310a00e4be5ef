#!/usr/bin/env python3
"""Small TCP and UDP peers for what ordinary servers seldom show on the wire; see capture_samples.sh.

Usage: capture_peers.py ROLE HOST PORT. Roles come in pairs: `x-server` and `x-client`. Every wait is bounded.
"""
import hashlib
import random
import socket
import struct
import sys
import time

TIMEOUT = 15


def listener(host, port, receive_buffer=None):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if receive_buffer:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    server.bind((host, port))
    server.listen(16)
    server.settimeout(TIMEOUT)
    print("ready", flush=True)
    return server


def accept(server):
    connection, _ = server.accept()
    connection.settimeout(TIMEOUT)
    return connection


def connect(host, port, source_port=None):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    client = socket.socket(family, socket.SOCK_STREAM)
    client.settimeout(TIMEOUT)
    if source_port:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind(("::" if ":" in host else "0.0.0.0", source_port))
    client.connect((host, port))
    return client


def read_exactly(connection, size):
    parts = b""
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return parts


def read_all(connection):
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def abort(connection):
    """Closes with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# Messages with a 4-byte big-endian length in front, sent in writes that do not respect their borders.


def framed_messages(seed, count, largest):
    chance = random.Random(seed)
    return [chance.randbytes(min(largest, int(chance.expovariate(1 / 120)))) for _ in range(count)]


def framed_server(host, port):
    server = listener(host, port)
    for _ in range(3):
        connection = accept(server)
        try:
            while True:
                head = read_exactly(connection, 4)
                body = read_exactly(connection, int.from_bytes(head, "big"))
                connection.sendall(head + body[::-1])
        except EOFError:
            connection.close()


def framed_client(host, port):
    for seed in (1, 2, 3):
        chance = random.Random(seed)
        client = connect(host, port)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        messages = framed_messages(seed, 60, 1400)
        stream = b"".join(len(message).to_bytes(4, "big") + message for message in messages)
        while stream:
            size = chance.randint(1, 900)
            client.sendall(stream[:size])
            stream = stream[size:]
        client.shutdown(socket.SHUT_WR)
        answer = read_all(client)
        expected = b"".join(len(m).to_bytes(4, "big") + m[::-1] for m in messages)
        assert answer == expected
        client.close()


# Bulk both ways, for wires that lose packets.


def bulk_server(host, port):
    connection = accept(listener(host, port))
    size = int.from_bytes(read_exactly(connection, 4), "big")
    data = read_exactly(connection, size)
    connection.sendall(data[::-1])
    connection.shutdown(socket.SHUT_WR)
    connection.close()


def bulk_client(host, port):
    data = random.Random(7).randbytes(40000)
    client = connect(host, port)
    client.sendall(len(data).to_bytes(4, "big") + data)
    assert read_all(client) == data[::-1]
    client.close()


# Keep-alives on an idle connection, and a receiver that lets its window fall to zero.


def idle_server(host, port):
    connection = accept(listener(host, port))
    while line := connection.recv(1000):
        connection.sendall(line.upper())
    connection.close()


def idle_client(host, port):
    client = connect(host, port)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
        client.setsockopt(socket.IPPROTO_TCP, option, 1)
    for wait in (3.5, 2.5, 0):
        client.sendall(b"still there?\n")
        assert client.recv(1000) == b"STILL THERE?\n"
        time.sleep(wait)
    client.close()


def window_server(host, port):
    connection = accept(listener(host, port, receive_buffer=4096))
    time.sleep(2.5)
    connection.sendall(hashlib.sha256(read_exactly(connection, 40000)).hexdigest().encode())
    connection.close()


def window_client(host, port):
    data = random.Random(8).randbytes(40000)
    client = connect(host, port)
    client.sendall(data)
    assert read_all(client).decode() == hashlib.sha256(data).hexdigest()
    client.close()


# Ends of every kind: half-close, reset by either side, refusal, nothing said at all.


def ends_server(host, port):
    server = listener(host, port)
    half = accept(server)
    request = read_all(half)
    for _ in range(3):
        half.sendall(request)
        time.sleep(0.05)
    half.close()
    abort_by_client = accept(server)
    try:
        abort_by_client.sendall(b"x" * 3000)
        read_all(abort_by_client)
    except ConnectionResetError:
        pass
    abort_by_client.close()
    abort_by_server = accept(server)
    read_exactly(abort_by_server, 5)
    abort(abort_by_server)
    accept(server).close()


def ends_client(host, port):
    half = connect(host, port)
    half.sendall(b"said before closing\n")
    half.shutdown(socket.SHUT_WR)
    assert len(read_all(half)) == 60
    half.close()
    aborting = connect(host, port)
    aborting.sendall(b"going away\n")
    read_exactly(aborting, 3000)
    abort(aborting)
    aborted = connect(host, port)
    aborted.sendall(b"hello")
    try:
        read_all(aborted)
    except ConnectionResetError:
        pass
    aborted.close()
    silent = connect(host, port)
    assert read_all(silent) == b""
    silent.close()
    try:
        connect(host, port + 1)
    except ConnectionRefusedError:
        pass


# One port pair used by four connections in turn: ended by FIN (server first) and by RST.


def reuse_server(host, port):
    server = listener(host, port)
    for _ in range(4):
        connection = accept(server)
        number = read_exactly(connection, 2)[1]
        connection.sendall(b"answer to connection %c\n" % number * 10)
        if number != ord("3"):
            connection.close()
            continue
        try:
            connection.recv(1)
        except ConnectionResetError:
            pass
        connection.close()


def reuse_client(host, port):
    for number in b"1234":
        client = connect(host, port, source_port=45000)
        client.sendall(b"#%c" % number)
        if number == ord("3"):
            read_exactly(client, 100)
            abort(client)
        else:
            read_all(client)
            client.close()
        time.sleep(1.1)  # TIME-WAIT takes a new SYN only when its clock-driven timestamp has moved on


# A long conversation in numbered lines; the capture begins and ends while it goes on.


def lines_server(host, port):
    connection = accept(listener(host, port))
    while line := connection.recv(1000):
        connection.sendall(b"ack " + line)


def lines_client(host, port):
    client = connect(host, port)
    for number in range(60):
        client.sendall(b"line %d %s\n" % (number, b"." * (number % 40)))
        client.recv(1000)
        time.sleep(0.05)
    client.close()


# UDP datagrams below, at and above what fits one packet, echoed.


def datagram_server(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((host, port))
    server.settimeout(TIMEOUT)
    print("ready", flush=True)
    while True:
        data, peer = server.recvfrom(65536)
        server.sendto(data, peer)
        if data == b"end":
            return


def datagram_client(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    client = socket.socket(family, socket.SOCK_DGRAM)
    client.settimeout(TIMEOUT)
    chance = random.Random(9)
    for size in (0, 1, 100, 1452, 1453, 1472, 1473, 3000, 4096, 9000):
        data = chance.randbytes(size)
        client.sendto(data, (host, port))
        assert client.recv(65536) == data
    client.sendto(b"end", (host, port))
    client.recv(100)


role, address, number = sys.argv[1:]
globals()[role.replace("-", "_")](address, int(number))
