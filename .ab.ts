const dir = process.argv[2]!;
const { MultiplexorEngine } = await import(`${dir}/src/kcm/mod.ts`);
const { lengthPrefix } = await import(`${dir}/src/strparser/mod.ts`);
function run(sockets: number, conns: number): number {
  const engine = new MultiplexorEngine();
  let n = 0;
  class S { message() { n++; } end() {} }
  for (let i = 0; i < sockets; i++) engine.socket(new S());
  const ports = Array.from({ length: conns }, () => engine.attach({ parser: lengthPrefix(2) }));
  const chunk = new Uint8Array(64 * 1024);
  for (let at = 0; at + 64 <= chunk.length; at += 64) chunk[at + 1] = 62;
  const c0 = process.cpuUsage();
  for (let i = 0; i < 1500; i++) ports[i % conns].push(chunk, i);
  const c = process.cpuUsage(c0);
  return (c.user + c.system) * 1000 / n;
}
const out: number[][] = [[], []];
for (let i = 0; i < 7; i++) { out[0]!.push(run(1, 1)); out[1]!.push(run(8, 16)); }
console.log(out.map((o) => o.sort((a, b) => a - b)[3]!.toFixed(1)).join(" "));
