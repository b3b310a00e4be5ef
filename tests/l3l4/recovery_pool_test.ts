/** What is known of data under way is given back when none are: nobody may see that on the wire. */
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { createCongestion } from "../../src/l3l4/tcp/congestion/create_congestion.ts";
import { RecoveryPool } from "../../src/l3l4/tcp/recovery_pool.ts";
import { RttEstimator } from "../../src/l3l4/tcp/rtt_estimator.ts";
import { type TcpOptions, tcpSettings } from "../../src/l3l4/tcp/tcp_settings.ts";
import { SeededRandom } from "../../src/sim/seeded_random.ts";
import { pattern, TcpPair } from "./support/tcp_pair.ts";

/** Lends and never takes back, as if each connection had its own. */
class KeepingPool extends RecoveryPool {
  override take(...[rtt, congestion]: Parameters<RecoveryPool["take"]>): ReturnType<RecoveryPool["take"]> {
    return Object.defineProperty(super.take(rtt, congestion), "isSettled", { value: false });
  }
}

class CountingPool extends RecoveryPool {
  given = 0;
  override give(...[recovery]: Parameters<RecoveryPool["give"]>): void {
    this.given++;
    super.give(recovery);
  }
}

/** Talks with pauses, losing packets; what went over the wire and when: headers, whose checksums tell of the data too. */
function talk(seed: number, options: TcpOptions, pool: RecoveryPool): string[] {
  const random = new SeededRandom(seed);
  const lossPercent = random.below(3) * 2;
  const pair = new TcpPair(options);
  Object.assign(pair.a, { recoveries: pool });
  Object.assign(pair.b, { recoveries: pool });
  pair.drop = () => random.below(100) < lossPercent;
  pair.open();
  for (let i = 0; i < 20; i++) {
    const end = random.below(2) === 0 ? pair.a : pair.b;
    end.connection.write(pattern(1 + random.below(random.below(3) === 0 ? 40_000 : 300)), pair.now);
    pair.run(1 + random.below(random.below(2) === 0 ? 30 : 3000));
  }
  pair.a.connection.shutdown(pair.now);
  pair.b.connection.shutdown(pair.now);
  pair.run(60_000);
  return pair.log.map(({ from, at, bytes }) => `${from} ${at} ${bytes.subarray(20, 60).join()}`);
}

test("connections that give back what they know send what those send that keep it", () => {
  const pool = new CountingPool();
  for (let seed = 1; seed <= 24; seed++) {
    const options: TcpOptions = { hasSack: seed % 4 !== 0, hasTimestamps: seed % 3 !== 0, ecn: "request" };
    assertEquals(talk(seed, options, pool), talk(seed, options, new KeepingPool()), `seed ${seed}`);
  }
  assert(pool.given > 100, `${pool.given} given back`);
});

test("what has seen a loss is kept", () => {
  const settings = tcpSettings({});
  const recovery = new RecoveryPool().take(new RttEstimator(settings), createCongestion(settings, 1000));
  assert(recovery.isSettled);
  recovery.board.push(0, 1000, 0, false);
  assert(!recovery.isSettled);
  recovery.board.begin();
  recovery.board.acknowledge(1000, 10, false);
  assert(recovery.isSettled);
  recovery.board.push(1000, 2000, 20, false);
  recovery.onRetransmissionTimeout(1000, 2000, 300);
  recovery.board.resent(recovery.board.segments.at(0), 300);
  recovery.retransmitted(2000, 300);
  recovery.board.begin();
  recovery.board.acknowledge(2000, 310, false);
  assert(!recovery.isSettled);
});

test("a timeout judges what was sent by the round trips of its own connection", () => {
  const settings = tcpSettings({});
  const pool = new RecoveryPool();
  const far = pool.take(new RttEstimator(settings), createCongestion(settings, 1000));
  far.board.push(0, 1000, 0, false);
  far.board.begin();
  far.board.acknowledge(1000, 5000, false);
  assert(far.isSettled);
  pool.give(far);
  const rtt = new RttEstimator(settings);
  rtt.sample(10, 0);
  const near = pool.take(rtt, createCongestion(settings, 1000));
  near.hasSack = true;
  near.board.push(0, 1000, 0, false);
  near.board.push(1000, 2000, 0, false);
  near.board.push(2000, 3000, 295, false);
  near.onRetransmissionTimeout(0, 3000, 300);
  // not only the first, and not what may well be under way
  assertEquals(near.board.lostSegments, 2);
});
