/** fcrypt and DES against published vectors, DES against the runtime's triple DES with three equal keys. */
import { assertEquals, assertThrows } from "@std/assert";
import { createCipheriv } from "node:crypto";
import { test } from "node:test";
import { type BlockCipher, pcbcDecrypt, pcbcEncrypt } from "../../src/rxrpc/security/rxkad/block_cipher.ts";
import { Des, isWeakDesKey, withOddParity } from "../../src/rxrpc/security/rxkad/des.ts";
import { Fcrypt, fcryptSchedule } from "../../src/rxrpc/security/rxkad/fcrypt.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { fromHex, toHex } from "./hex.ts";

const fox = toHex(new TextEncoder().encode("The quick brown fox jumps over the lazy dogs.")) + "000000";

const vectors = [
  ["0000000000000000", "0000000000000000", "0000000000000000", "0e0900c73ef7ed41"],
  ["114477aadd003366", "0000000000000000", "123456789abcdef0", "d8ed787477ec0680"],
  [
    "f0e1d2c3b4a59687",
    "fedcba9876543210",
    fox,
    "00f00e1175e62382eeac98624451e484c359d8aa6460aef7d2d9137972a3450323b562d70cf527d1f8913cac442292ef",
  ],
  [
    "fedcba9876543210",
    "f0e1d2c3b4a59687",
    fox,
    "ca90f59dcbd4d23c01887f3e316e629dd8e057a3063a42582a28fe72522fdde01989091c2a8e8c94fcc768e488aade0f",
  ],
] as const;

for (const [key, iv, plain, sealed] of vectors) {
  test(`fcrypt in PCBC: key ${key}, both ways, also in place`, () => {
    const cipher = new Fcrypt(fromHex(key));
    const into = new Uint8Array(plain.length / 2);
    pcbcEncrypt(cipher, fromHex(iv), fromHex(plain), into);
    assertEquals(toHex(into), sealed);
    pcbcDecrypt(cipher, fromHex(iv), into, into);
    assertEquals(toHex(into), plain);
  });
}

test("fcrypt: the round keys", () => {
  const words = Array.from(fcryptSchedule(fromHex("f0e1d2c3b4a59687")), (word) => (word >>> 0).toString(16));
  assertEquals(
    words.join(" "),
    "1b54a5c3 69c36a94 c70d386d e1f8e1a7 4a5c3f1c 36a94b87 d386d529 8e1a70da " +
      "c3f1c34e 94b87e38 6d52970f a70daa52 1c34e1b5 87e3869c 2970fc70 daa52e1f",
  );
});

test("fcrypt: the lowest bit of each byte of the key is not used, every other is", () => {
  const sealed = (key: string): string => {
    const cipher: BlockCipher = new Fcrypt(fromHex(key));
    cipher.encrypt(0, 0);
    return `${cipher.left} ${cipher.right}`;
  };
  assertEquals(sealed("0101010101010101"), sealed("0000000000000000"));
  const keys = Array.from({ length: 64 }, (_, bit) => (1n << BigInt(bit)).toString(16).padStart(16, "0"));
  assertEquals(new Set(keys.map(sealed)).size, 57);
});

test("DES: a known block, both ways", () => {
  const cipher = new Des(fromHex("133457799bbcdff1"));
  cipher.encrypt(0x01234567, 0x89abcdef);
  assertEquals([cipher.left, cipher.right], [0x85e81354, 0x0f0ab405]);
  cipher.decrypt(0x85e81354, 0x0f0ab405);
  assertEquals([cipher.left, cipher.right], [0x01234567, 0x89abcdef]);
});

test("DES: random blocks under random keys, as the runtime's triple DES with three equal keys has them", () => {
  const random = new SeededRandom(46);
  for (let i = 0; i < 200; i++) {
    const bytes = Uint8Array.from({ length: 16 }, () => random.below(256));
    const key = bytes.subarray(0, 8);
    const plain = bytes.subarray(8);
    const peer = createCipheriv("des-ede3-cbc", Uint8Array.of(...key, ...key, ...key), new Uint8Array(8));
    const expected = new Uint8Array(peer.setAutoPadding(false).update(plain));
    const into = new Uint8Array(8);
    pcbcEncrypt(new Des(key), new Uint8Array(8), plain, into);
    assertEquals(toHex(into), toHex(expected));
    pcbcDecrypt(new Des(key), new Uint8Array(8), into, into);
    assertEquals(toHex(into), toHex(plain));
  }
});

test("keys of 7 and 9 bytes are refused", () => {
  for (const length of [0, 7, 9]) {
    assertThrows(() => new Fcrypt(new Uint8Array(length)), RangeError, "8 bytes");
    assertThrows(() => new Des(new Uint8Array(length)), RangeError, "8 bytes");
  }
});

test("PCBC leaves a rest that is no block as it is, and never looks beyond", () => {
  const cipher = new Fcrypt(new Uint8Array(8));
  const into = new Uint8Array(12).fill(7);
  pcbcEncrypt(cipher, new Uint8Array(8), new Uint8Array(12), into);
  assertEquals(toHex(into), "0e0900c73ef7ed4107070707");
});

test("parity and weak keys", () => {
  assertEquals(toHex(withOddParity(fromHex("0001fe ff 02 7f 80 1e"))), "0101fefe027f801f");
  assertEquals(isWeakDesKey(fromHex("1f1f1f1f0e0e0e0e")), true);
  assertEquals(isWeakDesKey(fromHex("1f1f1f1f0e0e0e0f")), false);
});
