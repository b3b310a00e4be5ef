import { InetAddress, SocketError, streamPair } from "@leat/streams/tsocket";
import { same, type SmokeCases } from "./types.ts";

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => Uint8Array.of(...values);

/** `./tsocket` */
export const cases: SmokeCases = {
  "a PDU is read into buffers of the caller": async () => {
    const [a, b] = streamPair();
    a.writev([bytes(0, 3), bytes(7, 8, 9)]);
    const header = bytes(0, 0);
    const body = bytes(0, 0, 0);
    const total = await b.readvPdu(({ total }) => total === 0 ? [header] : total === 2 ? [body] : null);
    same([total, ...body].join(), "5,7,8,9", "total and body");
    await Promise.all([a.close(), b.close()]);
  },
  "web streams echo, and end": async () => {
    const [a, b] = streamPair();
    const echo = b.readable.pipeTo(b.writable);
    const writer = a.writable.getWriter();
    await writer.write(bytes(1, 2, 3));
    await writer.close();
    const reader = a.readable.getReader({ mode: "byob" });
    const { value } = await reader.read(new Uint8Array(8));
    same(value!.join(), "1,2,3", "echo");
    const { done } = await reader.read(new Uint8Array(8));
    same(done, true, "end");
    await echo;
  },
  "a cancelled read gives its bytes back": async () => {
    const [a, b] = streamPair();
    const canceller = new AbortController();
    const cancelled = b.readv([new Uint8Array(8)], { signal: canceller.signal }).catch(() => "cancelled");
    await a.writev([bytes(1, 2, 3)]);
    await new Promise((resolve) => setTimeout(resolve));
    canceller.abort();
    same(await cancelled, "cancelled", "outcome");
    const back = bytes(0, 0, 0);
    await b.readv([back]);
    same(back.join(), "1,2,3", "bytes");
    a.abort();
  },
  "a bad address says where": () => {
    try {
      InetAddress.parse("[2001::1]:65536");
      same(true, false, "accepted");
    } catch (error) {
      same(error instanceof SocketError && error.code, "EINVAL", "code");
    }
  },
};
