import { BpfError, BpfMachine, bpfParser, loadObject } from "@leat/streams/bpf";
import { MessageStream } from "@leat/streams/strparser";
import { collect, same, sameBytes, type SmokeCases, streamOf } from "./types.ts";

/** `r6 = r1; r0 = *(u16 *)skb[0]; r0 += 2; exit` */
const program = {
  name: "prefixed",
  code: Uint8Array.from(atob("vxYAAAAAAAAoAAAAAAAAAAcAAAACAAAAlQAAAAAAAAA="), (char) => char.charCodeAt(0)),
  maps: [],
  license: "",
};

/** `./bpf` */
export const cases: SmokeCases = {
  "a program delineates messages": async () => {
    const messages = await collect(
      streamOf(Uint8Array.of(0, 1), Uint8Array.of(7, 0, 0)).pipeThrough(
        new MessageStream({ parser: bpfParser(program) }),
      ),
    );
    same(messages.length, 2, "messages");
    sameBytes(messages[0] ?? program.code, Uint8Array.of(0, 1, 7), "first message");
  },
  "the interpreter runs everywhere": () => {
    const machine = new BpfMachine(program, { backend: "interpreter" });
    same(machine.run(Uint8Array.of(0, 5)), 7, "length");
  },
  "what is no object is refused": () => {
    let code = "";
    try {
      loadObject(new Uint8Array(100));
    } catch (error) {
      if (error instanceof BpfError) code = error.code;
    }
    same(code, "EINVAL", "code");
  },
};
