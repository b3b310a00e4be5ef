/** Runs in a worker: takes a channel and does with it what it is told. */
import { parentPort, workerData } from "node:worker_threads";
import { type PortLike, receiveSocket } from "../../src/kcm/mod.ts";
import { bodyOf, wire } from "./support.ts";

const { port, task } = workerData as { port: PortLike; task: string };
const socket = await receiveSocket(port, { batch: task === "echo" });

if (task === "echo") {
  // answers everything where it came from
  for await (const batch of socket.readable as unknown as ReadableStream<never[]>) {
    const sent = batch.map((message: Parameters<typeof bodyOf>[0]) =>
      socket.send(wire(`worker ${bodyOf(message)}`), { via: message.connection })
    );
    await Promise.all(sent);
  }
  parentPort!.postMessage("ended");
} else {
  // reads two messages, says which, and then reads no more
  const first = await socket.receive();
  const second = await socket.receive();
  parentPort!.postMessage([first, second].map((part) => bodyOf(part!.message)));
  if (task === "close") await socket.close();
}
