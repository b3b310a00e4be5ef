import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { InetAddress } from "../../src/tsocket/inet_address.ts";
import {
  checkPlatform,
  MAX_PIPE_PATH,
  MAX_UNIX_PATH,
  MAX_VIRTUAL_NAME,
  pathAddress,
  PipeAddress,
  UnixAddress,
  VirtualAddress,
} from "../../src/tsocket/local_address.ts";
import { type Platform, platformNamed } from "../../src/tsocket/platform.ts";
import { errorOf, faultOf } from "./address_errors.ts";

const PLATFORMS: readonly Platform[] = ["linux", "macos", "windows"];

test("11: MAX_UNIX_PATH is 107 bytes on Linux and 103 on macOS, more is ENAMETOOLONG", () => {
  assertEquals([MAX_UNIX_PATH.linux, MAX_UNIX_PATH.macos], [107, 103]);
  for (const platform of PLATFORMS) {
    const path = `/${"x".repeat(MAX_UNIX_PATH[platform] - 1)}`;
    assertEquals(UnixAddress.from(path, platform).path, path);
    assertEquals(errorOf(() => UnixAddress.from(`${path}x`, platform)).code, "ENAMETOOLONG");
  }
  assertEquals(errorOf(() => UnixAddress.from("x".repeat(108))).code, "ENAMETOOLONG");
});

test("11: the length of a path is that of its UTF-8", () => {
  assertEquals(UnixAddress.from("é".repeat(53)).path.length, 53);
  assertEquals(errorOf(() => UnixAddress.from("é".repeat(54))).code, "ENAMETOOLONG");
});

test("11: no path at all is the address of an unbound socket", () => {
  const address = UnixAddress.from("");
  assertEquals([address.isUnnamed, address.isAbstract, address.toHostPort(), String(address)], [
    true,
    false,
    "",
    "unix:",
  ]);
});

test("11: an abstract name begins with NUL and exists on Linux only", () => {
  const address = UnixAddress.from("\0name");
  assertEquals([address.isAbstract, address.isUnnamed, String(address)], [true, false, "unix:@name"]);
  assertNotEquals(address.key, UnixAddress.from("@name").key);
  assertEquals(faultOf(() => UnixAddress.from("\0name", "macos")), ["EAFNOSUPPORT", 0]);
  assertEquals(faultOf(() => UnixAddress.from("\0name", "windows")), ["EAFNOSUPPORT", 0]);
  assertEquals(UnixAddress.from(`\0${"x".repeat(107)}`).path.length, 108);
  assertEquals(errorOf(() => UnixAddress.from(`\0${"x".repeat(108)}`)).code, "ENAMETOOLONG");
});

test("11: NULs and lone surrogates have no place in a path", () => {
  assertEquals(faultOf(() => UnixAddress.from("/tmp/a\0b")), ["EINVAL", 6]);
  assertEquals(faultOf(() => UnixAddress.from("/tmp/\ud800")), ["EINVAL", 5]);
  assertEquals(UnixAddress.from("/tmp/😀").path, "/tmp/😀");
  assertEquals(errorOf(() => UnixAddress.from(1 as unknown as string)).code, "EINVAL");
});

test("11: an address made for one platform can be checked against another", () => {
  const path = UnixAddress.from("x".repeat(105));
  checkPlatform(path, "linux");
  assertEquals(errorOf(() => checkPlatform(path, "macos")).code, "ENAMETOOLONG");
  assertEquals(errorOf(() => checkPlatform(UnixAddress.from("\0a"), "macos")).code, "EAFNOSUPPORT");
  assertEquals(errorOf(() => checkPlatform(PipeAddress.from("\\\\.\\pipe\\a"), "linux")).code, "EAFNOSUPPORT");
  for (const platform of PLATFORMS) {
    checkPlatform(InetAddress.from("::1", 1), platform);
    checkPlatform(VirtualAddress.from("memory", "a"), platform);
  }
});

test("12: the name of a pipe is a pipe on Windows only", () => {
  const path = "\\\\.\\pipe\\x";
  assertEquals(pathAddress(path, "windows").kind, "pipe");
  assertEquals(pathAddress("\\\\?\\PIPE\\x", "windows").kind, "pipe");
  assertEquals(pathAddress("\\\\server\\pipe\\x", "windows").kind, "pipe");
  assertEquals(pathAddress(path, "linux").kind, "unix");
  assertEquals(pathAddress("C:\\x.sock", "windows").kind, "unix");
  assertEquals(pathAddress("\\\\.\\pipe\\", "windows").kind, "unix");
  assertEquals(errorOf(() => PipeAddress.from(path, "linux")).code, "EAFNOSUPPORT");
  assertEquals(errorOf(() => PipeAddress.from(path, "macos")).code, "EAFNOSUPPORT");
});

test("12: pipes are the same whatever their case, and wrong names are refused", () => {
  const pipe = PipeAddress.from("\\\\.\\pipe\\Name");
  const other = PipeAddress.from("\\\\?\\PIPE\\name");
  assert(pipe.equals(other));
  assertEquals([pipe.key, pipe.hash(3)], [other.key, other.hash(3)]);
  assertEquals([pipe.path, pipe.toHostPort(), String(pipe)], [
    "\\\\.\\pipe\\Name",
    "\\\\.\\pipe\\Name",
    "pipe:\\\\.\\pipe\\Name",
  ]);
  assert(!pipe.equals(PipeAddress.from("\\\\.\\pipe\\Names")));
  assertEquals(faultOf(() => PipeAddress.from("x")), ["EINVAL", 0]);
  assertEquals(faultOf(() => PipeAddress.from("\\\\.\\pipe\\a\0")), ["EINVAL", 10]);
});

test("12: MAX_PIPE_PATH is the limit of the name of a pipe", () => {
  const path = `\\\\.\\pipe\\${"x".repeat(MAX_PIPE_PATH - 9)}`;
  assertEquals(PipeAddress.from(path).path.length, MAX_PIPE_PATH);
  assertEquals(errorOf(() => PipeAddress.from(`${path}x`)).code, "ENAMETOOLONG");
});

test("a virtual address has a scheme and any name, MAX_VIRTUAL_NAME characters long at most", () => {
  const address = VirtualAddress.from("Memory", "a:b c");
  assertEquals([address.scheme, address.name, address.toHostPort()], ["memory", "a:b c", "memory:a:b c"]);
  assertEquals(String(address), "virtual:memory:a:b c");
  assert(address.equals(VirtualAddress.from("memory", "a:b c")));
  assert(!address.equals(VirtualAddress.from("memory", "a")));
  for (const scheme of ["", "1a", "a b", "a:b", "é"]) {
    assertEquals(faultOf(() => VirtualAddress.from(scheme, "x")), ["EINVAL", 0]);
  }
  assertEquals(VirtualAddress.from("a", "x".repeat(MAX_VIRTUAL_NAME)).name.length, MAX_VIRTUAL_NAME);
  assertEquals(errorOf(() => VirtualAddress.from("a", "x".repeat(MAX_VIRTUAL_NAME + 1))).code, "ENAMETOOLONG");
});

test("keys tell all kinds of addresses apart, and addresses cannot be changed", () => {
  const addresses = [
    UnixAddress.from(""),
    UnixAddress.from("a"),
    UnixAddress.from("\0a"),
    UnixAddress.from("\\\\.\\pipe\\a"),
    PipeAddress.from("\\\\.\\pipe\\a"),
    VirtualAddress.from("unix", "a"),
    VirtualAddress.from("ipv4", "1.2.3.4:1"),
    InetAddress.from("1.2.3.4", 1),
  ];
  assertEquals(new Set(addresses.map((address) => address.key)).size, addresses.length);
  addresses.forEach((a, i) => addresses.forEach((b, j) => assertEquals(a.equals(b), i === j)));
  assert(addresses.every((address) => Object.isFrozen(address)));
});

test("any path either makes an address that keeps it or is refused", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 120 }), fc.constantFrom(...PLATFORMS), (path, platform) => {
      let address: UnixAddress | PipeAddress;
      try {
        address = pathAddress(path, platform);
      } catch (error) {
        const { code } = errorOf(() => {
          throw error;
        });
        return ["EINVAL", "EAFNOSUPPORT", "ENAMETOOLONG"].includes(code);
      }
      return address.path === path && address.equals(pathAddress(path, platform));
    }),
    { numRuns: 2000 },
  );
});

test("platforms are known by the names that runtimes have for them", () => {
  assertEquals(
    ["linux", "android", "darwin", "freebsd", "win32", "windows"].map(platformNamed),
    ["linux", "linux", "macos", "macos", "windows", "windows"],
  );
  assertEquals(errorName(() => UnixAddress.from("a", "darwin" as Platform)), "RangeError");
});

function errorName(body: () => unknown): string | undefined {
  try {
    body();
    return undefined;
  } catch (error) {
    return (error as Error).name;
  }
}
