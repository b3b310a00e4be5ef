import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { MAX_HOST_LABEL, MAX_HOST_NAME } from "../../src/tsocket/host_name.ts";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { PipeAddress, UnixAddress, VirtualAddress } from "../../src/tsocket/local_address.ts";
import { isTsocketAddress, toSocketTarget } from "../../src/tsocket/socket_target.ts";
import type { AnySocketAddress } from "../../src/tsocket/option_types.ts";
import { anyInetAddress, errorOf, faultOf } from "./address_errors.ts";

const wrong = (value: unknown) => faultOf(() => toSocketTarget(value as AnySocketAddress));

test("71: host:port and its parts are the same, names are left to the resolver", () => {
  for (
    const hostname of [
      "localhost",
      "example.com",
      "example.com.",
      "_sip._tcp.example.com",
      "xn--bcher-kva",
      "bücher.de",
    ]
  ) {
    assertEquals(toSocketTarget(`${hostname}:80`), { hostname, port: 80 });
    assertEquals(toSocketTarget({ hostname, port: 80 }), { hostname, port: 80 });
  }
});

test("71: a name that is a numeric address becomes one", () => {
  const v4 = InetAddress.from("1.2.3.4", 80);
  const v6 = InetAddress.from("fe80::1", 80, "eth0");
  assertEquals(toSocketTarget("1.2.3.4:80"), v4);
  assertEquals(toSocketTarget({ hostname: "1.2.3.4", port: 80 }), v4);
  assertEquals(toSocketTarget("[fe80::1%25eth0]:80"), v6);
  assertEquals(toSocketTarget({ hostname: "fe80::1%eth0", port: 80 }), v6);
  assertEquals(toSocketTarget({ hostname: "[FE80::0:1%eth0]", port: 80 }), v6);
});

test("71: addresses of all kinds stay what they are", () => {
  const addresses = [
    InetAddress.from("::1", 0),
    UnixAddress.from("/a"),
    PipeAddress.from("\\\\.\\pipe\\a"),
    VirtualAddress.from("memory", "a"),
  ];
  for (const address of addresses) {
    assert(isTsocketAddress(address));
    assertStrictEquals(toSocketTarget(address), address);
  }
  assert(!isTsocketAddress({ kind: "unix", path: "/a" }));
});

test("71: a later change of the parts changes nothing", () => {
  const parts = { hostname: "a", port: 1 };
  const target = toSocketTarget(parts);
  parts.port = 2;
  assertEquals(target, { hostname: "a", port: 1 });
  assert(Object.isFrozen(target));
});

test("71: a wrong text throws at once, a TypeError that says where", () => {
  const faults: [text: string, offset: number][] = [
    ["", 0],
    ["example.com", 11],
    ["1.2.3.4", 7],
    ["::1", 3],
    ["[::1]", 5],
    [":80", 0],
    [".:80", 0],
    ["a..b:80", 2],
    [".a:80", 0],
    ["example.com:", 12],
    ["example.com:http", 12],
    ["example.com:65536", 12],
    ["exa mple.com:80", 3],
    ["user@example.com:80", 4],
    ["http://example.com:80", 21],
    ["unix:/run/app.sock", 0],
    ["/run/app.sock", 0],
    ["a/b:80", 1],
    ["a%eth0:80", 1],
    ["[example.com]:80", 1],
  ];
  for (const [text, offset] of faults) assertEquals([text, ...wrong(text)], [text, "EINVAL", offset]);
  assert(errorOf(() => toSocketTarget("example.com")) instanceof TypeError);
});

test("71: what resolvers would read as IPv4 in their own ways is refused", () => {
  for (
    const hostname of [
      "127.1",
      "0x7f.1",
      "017700000001",
      "1.2.3.4.5",
      "1.2.3",
      "01.2.3.4",
      "a.1",
      "1.2.3.0xff",
      "1.2.3.4.",
    ]
  ) {
    assertEquals([hostname, ...wrong({ hostname, port: 1 })], [hostname, "EINVAL", 0]);
    assertEquals([hostname, ...wrong(`${hostname}:1`)], [hostname, "EINVAL", 0]);
  }
});

test("71: wrong parts and other values throw at once", () => {
  const values = [
    { hostname: "a", port: 65536 },
    { hostname: "a", port: -1 },
    { hostname: "a", port: 1.5 },
    { hostname: "a", port: "80" },
    { hostname: "a" },
    { hostname: 1, port: 80 },
    { hostname: null, port: 80 },
    { hostname: "[::1]:80", port: 80 },
    { hostname: "::g", port: 80 },
    { hostname: "a:80", port: 80 },
    { hostname: "", port: 80 },
    { path: "/a" },
    { kind: "inet", address: "1.2.3.4", port: 80 },
    null,
    undefined,
    80,
    [],
  ];
  for (const value of values) assertEquals(wrong(value)[0], "EINVAL");
});

test("MAX_HOST_NAME and MAX_HOST_LABEL are the limits of a name", () => {
  const label = "x".repeat(MAX_HOST_LABEL);
  assertEquals(toSocketTarget(`${label}:1`), { hostname: label, port: 1 });
  assertEquals(wrong(`a.${label}x:1`), ["ENAMETOOLONG", 2]);
  const name = "a.".repeat(126) + "a";
  assertEquals(name.length, MAX_HOST_NAME);
  assertEquals(toSocketTarget(`${name}:1`), { hostname: name, port: 1 });
  assertEquals(toSocketTarget(`${name}.:1`), { hostname: `${name}.`, port: 1 });
  assertEquals(wrong(`${name}a:1`)[0], "ENAMETOOLONG");
});

test("11: with a platform, an address is checked against it", () => {
  const path = UnixAddress.from("\0a");
  assertStrictEquals(toSocketTarget(path, "linux"), path);
  assertEquals(errorOf(() => toSocketTarget(path, "macos")).code, "EAFNOSUPPORT");
});

test("9: the text of any address is a target that is that address", () => {
  fc.assert(fc.property(anyInetAddress, (address) => {
    assertEquals(toSocketTarget(address.toHostPort()), address);
  }));
});

test("71: no text makes it throw anything but a SocketError, and what it takes it takes again", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" })), fc.nat(65535), (name, port) => {
      try {
        const target = toSocketTarget(`${name}:${port}`);
        if ("hostname" in target) assertEquals(toSocketTarget(target), target);
      } catch (error) {
        errorOf(() => {
          throw error;
        });
      }
    }),
    { numRuns: 5000 },
  );
});
