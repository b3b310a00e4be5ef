import { assert, assertEquals, assertNotEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import { MAX_ZONE_LENGTH } from "../../src/tsocket/inet_literal.ts";
import { VirtualAddress } from "../../src/tsocket/local_address.ts";
import { anyInetAddress, errorOf, faultOf } from "./address_errors.ts";

const parse = InetAddress.parse;

test("1: an IPv4 address takes the default port and is of the families ip and ipv4", () => {
  const address = parse("1.2.3.4", { family: "ip", defaultPort: 1234 });
  assertEquals([address.family, address.address, address.port], ["ipv4", "1.2.3.4", 1234]);
  assertEquals(["ip", "ipv4", "IPv4", "ipv6"].map((family) => address.is(family)), [true, true, true, false]);
});

test("2: an address of another family than asked for is EINVAL", () => {
  assertEquals(faultOf(() => parse("1.2.3.4", { family: "ipv6" })), ["EINVAL", 0]);
  assertEquals(faultOf(() => parse("2001::1", { family: "ipv4" })), ["EINVAL", 0]);
  assertEquals(faultOf(() => parse("[2001::1]:80", { family: "ipv4" })), ["EINVAL", 1]);
});

test("3: names are not looked up, families are known by any case, others are EAFNOSUPPORT", () => {
  assertEquals(faultOf(() => parse("localhost")), ["EINVAL", 0]);
  assertEquals(parse("1.2.3.4", { family: "IPv4" }).family, "ipv4");
  assertEquals(parse("::1", { family: "IPV6" }).family, "ipv6");
  assertEquals(faultOf(() => parse("1.2.3.4", { family: "ipx" as "ip" })), ["EAFNOSUPPORT", undefined]);
});

test("4: without a text it is the wildcard of the family, of IPv6 for ip", () => {
  assertEquals(parse(undefined, { family: "ipv4", defaultPort: 7 }).toHostPort(), "0.0.0.0:7");
  assertEquals(parse(undefined, { family: "ipv6" }).toHostPort(), "[::]:0");
  assertEquals(parse(undefined).toHostPort(), "[::]:0");
});

test("5: a port is split off behind brackets and behind the colon of IPv4, port 80 included", () => {
  const ports = ["1.2.3.4:5678", "1.2.3.4:80", "[::1]:443", "[2001::1]", "2001::1", "1.2.3.4:0"].map((text) =>
    parse(text, { defaultPort: 9 }).port
  );
  assertEquals(ports, [5678, 80, 443, 9, 9, 0]);
  assertEquals(parse("::1:80").address, "::1:80");
});

test("6: what is no address is EINVAL, and the offset says where", () => {
  const faults: [text: string, offset: number][] = [
    ["[2001::1]garbage", 9],
    ["[2001::1]:garbage", 10],
    ["[2001::1]:", 10],
    ["[2001::1", 0],
    ["[]", 1],
    ["[1.2.3.4]:80", 1],
    ["1.2.3.4:garbage", 8],
    ["1.2.3.4:100000", 8],
    ["[::1]:65536", 6],
    ["1.2.3.4:-1", 8],
    ["1.2.3.4:+80", 8],
    ["1.2.3.4: 80", 8],
    ["1.2.3.4:080", 8],
    ["1.2.3.4:0x50", 8],
    ["1.2.3.4:", 8],
    ["1.2.3", 0],
    ["01.2.3.4", 0],
    ["1.2.03.4", 4],
    ["1.2.3.256", 6],
    ["1..3.4", 2],
    ["1.2.3.4.5", 0],
    [" 1.2.3.4", 0],
    ["", 0],
    [":80", 0],
    ["1.2.3.4%eth0", 7],
    ["1::2::3", 4],
    ["2001:db8::12345", 10],
    ["2001:db8:xyz::1", 9],
    ["1:2:3:4:5:6:7", 0],
    ["1:2:3:4:5:6:7:8:9", 0],
    ["::1%", 4],
    ["fe80::1%eth 0", 11],
    ["fe80::1%eth0:80", 12],
    ["[fe80::1%]:80", 9],
    ["ipv6:[::1]:80", 0],
  ];
  for (const [text, offset] of faults) assertEquals([text, ...faultOf(() => parse(text))], [text, "EINVAL", offset]);
});

test("6: the error quotes the text, shortened, and says what is wrong with it", () => {
  const { message } = errorOf(() => parse("1.2.3.4:garbage"));
  assertEquals(
    message,
    'SocketError: bad address "1.2.3.4:garbage": the port must be a decimal number from 0 to 65535 (at offset 8)',
  );
  assert(errorOf(() => parse("a".repeat(100_000))).message.length < 250);
});

test("6: what is no text is EINVAL", () => {
  for (const value of [null, 1, {}, []]) assertEquals(errorOf(() => parse(value as unknown as string)).code, "EINVAL");
  assertEquals(errorOf(() => InetAddress.from(undefined as unknown as string, 1)).code, "EINVAL");
});

test("7: IPv6 is written as RFC 5952 wants it, IPv4-mapped addresses stay what they are until unmapped", () => {
  assertEquals(parse("2001:0DB8:0:0:0:0:0:1").address, "2001:db8::1");
  const mapped = parse("[::FFFF:102:304]:80");
  const plain = parse("1.2.3.4:80");
  assertEquals(mapped.address, "::ffff:1.2.3.4");
  assert(!mapped.equals(plain));
  assertNotEquals(mapped.key, plain.key);
  assert(mapped.unmapped().equals(plain));
  assertStrictEquals(plain.unmapped(), plain);
  for (const text of ["::ffff:1:2:3", "::ffff:0:1.2.3.4", "::1"]) {
    const other = parse(text);
    assertStrictEquals(other.unmapped(), other);
  }
});

test("8: a zone is kept, in its URI form too, and counts unless told otherwise", () => {
  const address = parse("fe80::1%eth0");
  assertEquals([address.address, address.zone], ["fe80::1", "eth0"]);
  assertEquals(parse("[fe80::1%25eth0]:80").zone, "eth0");
  assertEquals(parse("[fe80::1%25]:80").zone, "25");
  assertEquals(parse("fe80::1%25eth0").zone, "25eth0");
  assertEquals(address.toHostPort(), "[fe80::1%eth0]:0");
  const bare = parse("fe80::1");
  assertEquals([address.equals(bare), address.equals(bare, { ignoreZone: true })], [false, true]);
  assert(!address.equals(bare.withPort(1), { ignoreZone: true }));
  assertEquals(address.key, parse("[FE80::0:1%25eth0]:0").key);
  assertNotEquals(address.key, bare.key);
  assertEquals(address.withPort(5).zone, "eth0");
});

test("8: a zone has to be one name, on IPv6, and in one place", () => {
  assertEquals(InetAddress.from("fe80::1%eth0", 1).zone, "eth0");
  assertEquals(InetAddress.from("fe80::1%eth0", 1, "eth0").zone, "eth0");
  assertEquals(InetAddress.from("fe80::1", 1, "eth0").zone, "eth0");
  assertEquals(faultOf(() => InetAddress.from("fe80::1%eth0", 1, "eth1")), ["EINVAL", 7]);
  assertEquals(faultOf(() => InetAddress.from("1.2.3.4", 1, "eth0")), ["EINVAL", 0]);
  assertEquals(faultOf(() => InetAddress.from("::1", 1, "a%b")), ["EINVAL", 1]);
  assertEquals(faultOf(() => InetAddress.from("::1", 1, "")), ["EINVAL", 0]);
});

test("8: MAX_ZONE_LENGTH is the limit of a zone", () => {
  const zone = "z".repeat(MAX_ZONE_LENGTH);
  assertEquals(parse(`fe80::1%${zone}`).zone, zone);
  assertEquals(faultOf(() => parse(`fe80::1%${zone}z`)), ["ENAMETOOLONG", 8]);
});

test("9: 10000 random addresses come back from their text, with the same key and hash", () => {
  fc.assert(
    fc.property(anyInetAddress, (address) => {
      const back = parse(address.toHostPort());
      assertEquals(back, address);
      assert(back.equals(address));
      assertEquals([back.key, back.hash(), back.hash(7)], [address.key, address.hash(), address.hash(7)]);
    }),
    { numRuns: 10_000 },
  );
});

test("9: two random addresses are equal if and only if their keys are", () => {
  fc.assert(
    fc.property(anyInetAddress, anyInetAddress, (a, b) => a.equals(b) === (a.key === b.key)),
    { numRuns: 2000 },
  );
});

test("9: no text whatever makes the parser throw anything but a SocketError within the text", () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[[\]0-9a-f:.%]{0,30}$/));
  fc.assert(
    fc.property(text, (text) => {
      try {
        const address = parse(text);
        assertEquals(parse(address.toHostPort()), address);
      } catch (error) {
        const { code, offset } = errorOf(() => {
          throw error;
        });
        assert(code === "EINVAL" || code === "ENAMETOOLONG");
        assert(offset! >= 0 && offset! <= text.length);
      }
    }),
    { numRuns: 5000 },
  );
});

test("9: the text for people is never parsed", () => {
  for (const text of ["1.2.3.4:80", "[::1]:80", "[fe80::1%eth0]:80"]) {
    const shown = String(parse(text));
    assertEquals(shown, `${parse(text).family}:${text}`);
    assertEquals(errorOf(() => parse(shown)).code, "EINVAL");
  }
});

test("10: a port is an integer from 0 to 65535, and withPort leaves the original alone", () => {
  const address = InetAddress.from("1.2.3.4", 1);
  assertEquals([address.withPort(0).port, address.withPort(65535).port, address.port], [0, 65535, 1]);
  assertEquals([parse("1.2.3.4:0").port, parse("1.2.3.4:65535").port], [0, 65535]);
  for (const port of [65536, -1, NaN, 1.5, Infinity, "80" as unknown as number, undefined as unknown as number]) {
    assertEquals(errorOf(() => address.withPort(port)).code, "EINVAL");
    assertEquals(errorOf(() => InetAddress.from("1.2.3.4", port)).code, "EINVAL");
  }
  assertEquals(errorOf(() => parse("1.2.3.4", { defaultPort: 65536 })).code, "EINVAL");
});

test("10: an address cannot be changed", () => {
  const address = parse("[fe80::1%eth0]:80");
  assert(Object.isFrozen(address));
  assertEquals({ ...address }, { kind: "inet", family: "ipv6", address: "fe80::1", port: 80, zone: "eth0" });
});

test("an address is equal to none of another kind", () => {
  assert(!parse("1.2.3.4:80").equals(VirtualAddress.from("ipv4", "1.2.3.4:80")));
});

test("the hash has 32 bits, follows the seed, and spreads neighbours", () => {
  const buckets = new Set<number>();
  for (let port = 0; port < 1000; port++) {
    const hash = InetAddress.from("10.0.0.1", port).hash(0x123456789abc);
    assert(Number.isInteger(hash) && hash >= 0 && hash <= 0xffffffff);
    buckets.add(hash % 1024);
  }
  // 1000 balls in 1024 bins leave about 640 bins hit
  assert(buckets.size > 580, `${buckets.size} of 1024 buckets`);
  const address = parse("[::1]:80");
  assertEquals(new Set([0, 1, 2 ** 32, 2 ** 47].map((seed) => address.hash(seed))).size, 4);
});
