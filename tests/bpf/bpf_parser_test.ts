import { test } from "node:test";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { assemble } from "../../src/bpf/assembler.ts";
import { bpfParser } from "../../src/bpf/bpf_parser.ts";
import { BpfMachine } from "../../src/bpf/machine.ts";
import { handOver, type ParseFailure, type Parser } from "../../src/strparser/parser.ts";
import { splits } from "../../src/sim/mod.ts";
import { StreamParser } from "../../src/strparser/stream_parser.ts";
import { backends, sample } from "./support/builds.ts";

/** Returns the first byte, as a signed number. */
const echo = assemble("r6 = r1\nr0 = *(u8 *)skb[0]\nr0 = (s8)r0\nexit");

function answer(parser: Parser, ...bytes: number[]): number | ParseFailure {
  return parser.parse(Uint8Array.from(bytes), 0, bytes.length, parser.start?.({}));
}

test("results are lengths, 0 and failures, as the kernel takes them", () => {
  const parser = bpfParser(echo);
  assertEquals([answer(parser, 5), answer(parser, 0)], [5, 0]);
  const codes = [[-1, "EPROTO"], [-71, "EPROTO"], [-22, "EINVAL"], [-90, "EMSGSIZE"], [-100, "EPROTO"]] as const;
  for (const [result, code] of codes) {
    const failure = answer(parser, result & 255) as ParseFailure;
    assertEquals(failure.code, code);
    assertStringIncludes(failure.reason, String(result));
  }
  assertEquals(answer(parser, -86 & 255), handOver);
});

test("options: a name, bounds, a machine or an object", () => {
  assertEquals([bpfParser(echo).name, bpfParser(echo, { name: "own" }).name], ["main", "own"]);
  const parser = bpfParser(sample("plain", "01_len16be"), { maxMessageLength: 100, maxHeaderBytes: 2 });
  assertEquals([parser.name, parser.maxMessageLength, parser.maxHeaderBytes], ["len16be", 100, 2]);
  assertEquals(answer(bpfParser(new BpfMachine(echo, { backend: "interpreter" })), 7), 7);
  assertThrows(() => bpfParser(echo, { maxMessageLength: 0 }), RangeError);
  assertThrows(() => bpfParser(echo, { kernelLayout: "cb[2]" as "cb[1]" }), RangeError);
  assertThrows(() => bpfParser(echo, { backend: "native" as "js" }), RangeError);
  assertThrows(() => bpfParser(echo, { budget: 0 }), RangeError);
});

for (const backend of backends) {
  test(`a stream of messages, cut everywhere, ${backend}`, () => {
    const object = sample("c14-v3-g", "15_mqtt_varint");
    const message = [0x30, 3, 1, 2, 3], long = [0x30, 0x81, 1, ...new Array<number>(129).fill(9)];
    const stream = Uint8Array.from([...message, ...long, ...message, 0xe0, 0]);
    for (const { name, chunks } of splits(stream)) {
      const lengths: number[] = [];
      const parser = new StreamParser({ parser: bpfParser(object, { backend }) }, {
        item: ({ length }) => lengths.push(length),
        error: (error) => lengths.push(-1, error.message.length),
        end: () => lengths.push(0),
      });
      for (const chunk of chunks) parser.push(chunk, 0);
      parser.end(0);
      assertEquals(lengths, [5, 132, 5, 2, 0], name);
    }
  });

  test(`the kernel's layout: data from the chunk's start, the offset in cb[1] or cb[4], ${backend}`, () => {
    for (const [layout, word] of [["cb[1]", 52], ["cb[4]", 64]] as const) {
      // The byte at the message's offset; the whole length where it is 0.
      const text = `r6 = r1\nr7 = *(u32 *)(r6 + ${word})\nr0 = *(u8 *)skb[r7]\nif r0 != 0 goto out\n` +
        "r0 = *(u32 *)(r6 + 0)\nout:\nexit";
      const parser = bpfParser(assemble(text), { backend, kernelLayout: layout });
      const bytes = Uint8Array.of(9, 8, 3, 0);
      assertEquals(parser.parse(bytes, 2, 4, parser.start!({})), 3);
      assertEquals(parser.parse(bytes, 3, 4, parser.start!({})), 4);
      // The same program without it finds its message at offset 0, and 0 in cb[].
      const plain = bpfParser(assemble(text), { backend });
      assertEquals(plain.parse(bytes, 2, 4, plain.start?.({})), 3);
      assertEquals(plain.parse(bytes, 3, 4, plain.start?.({})), 1);
    }
  });

  test(`the context tells the length and the protocol, ${backend}`, () => {
    const length = new BpfMachine(assemble("r0 = *(u32 *)(r1 + 0)\nexit"), { backend });
    assertEquals([length.run(new Uint8Array(7)), length.run(new Uint8Array(9), 2, 5)], [7, 3]);
    const protocol = new BpfMachine(assemble("r0 = *(u32 *)(r1 + 16)\nexit"), { backend, protocol: 0x86dd });
    assertEquals(protocol.run(new Uint8Array(1)), 0xdd86);
  });
}
