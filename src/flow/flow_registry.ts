/**
 * All flows that are remembered: found by address, ordered by age, bounded in number.
 *
 * Four lists of age, because the kinds live differently long and because a flood of connection attempts must not push
 * out the connections that talk: TCP flows that were never answered, TCP flows, UDP flows, and flows that ended.
 *
 * @module
 */
import { IpProtocol, type Segment } from "../packet/segment.ts";
import { AgeList } from "./age_list.ts";
import { FlowState } from "./flow_state.ts";
import { FlowTable, Tuple } from "./flow_table.ts";
import type { FlowSettings } from "./options.ts";
import type { SideState } from "./side_state.ts";

/** Flows by key and by age. Works on one segment at a time: the one that {@linkcode find} was last called with. */
export class FlowRegistry {
  /** Latest capture time, kept up by the tracker. */
  now = 0;
  /** Limit option. */
  readonly maxFlows: number;
  readonly #table: FlowTable;
  readonly #tuple = new Tuple();
  /** The flow found last. */
  #last: FlowState | null = null;
  #isFromClient = false;
  readonly #unanswered: AgeList<FlowState>;
  readonly #tcp: AgeList<FlowState>;
  readonly #udp: AgeList<FlowState>;
  readonly #ended: AgeList<FlowState>;

  /** Makes an empty registry. */
  constructor(settings: FlowSettings) {
    this.maxFlows = settings.maxFlows;
    this.#table = new FlowTable(settings.hashSeed);
    this.#unanswered = new AgeList(settings.idleMs);
    this.#tcp = new AgeList(settings.idleMs);
    this.#udp = new AgeList(settings.udpIdleMs);
    this.#ended = new AgeList(settings.lingerMs);
  }

  /** Number of flows remembered. */
  get size(): number {
    return this.#table.size;
  }

  /** When the first flow has been quiet for too long. */
  get dueAt(): number {
    return Math.min(this.#unanswered.dueAt, this.#tcp.dueAt, this.#udp.dueAt, this.#ended.dueAt);
  }

  /** No flow can become due sooner after a packet. */
  get shortestLifeMs(): number {
    return Math.min(this.#unanswered.lifeMs, this.#udp.lifeMs, this.#ended.lifeMs);
  }

  /** The flow of a segment, which becomes the one at hand. */
  find(segment: Segment): FlowState | null {
    const last = this.#last;
    const sender = last === null ? 0 : last.senderOf(segment);
    if (sender === 0) return this.#lookUp(segment);
    this.#isFromClient = sender > 0;
    return last;
  }

  /** The side that sent the segment at hand; `flow` is what was found or added for it. */
  senderOf(flow: FlowState): SideState {
    return this.#isFromClient ? flow.clientSide : flow.serverSide;
  }

  /** Makes the flow of the segment at hand. */
  add(id: number, first: Segment, isFromServer: boolean): FlowState {
    const tuple = this.#tuple;
    tuple.read(first);
    const flow = new FlowState(id, tuple, this.#table.hash(tuple), isFromServer, first);
    this.#table.add(flow);
    this.#last = flow;
    this.#isFromClient = flow.isFromClient(tuple);
    this.#listOf(flow).touch(flow, this.now);
    return flow;
  }

  /** Notes that the flow is alive. */
  touch(flow: FlowState): void {
    if (flow.list === this.#ended) return;
    this.#listOf(flow).touch(flow, this.now);
  }

  /** Keeps a flow that has ended, for its late packets. */
  linger(flow: FlowState): void {
    this.#ended.touch(flow, this.now);
  }

  /** Forgets a flow. */
  remove(flow: FlowState): void {
    if (flow === this.#last) this.#last = null;
    flow.list?.remove(flow);
    this.#table.remove(flow);
  }

  /** A flow that was quiet for too long; `null` when there is none. */
  due(): FlowState | null {
    for (const list of [this.#ended, this.#unanswered, this.#udp, this.#tcp]) {
      if (list.dueAt <= this.now) return list.oldest;
    }
    return null;
  }

  /** The flow to forget before another one can be added; `null` while there is room. */
  crowdedOut(): FlowState | null {
    if (this.#table.size < this.maxFlows) return null;
    if (this.#ended.oldest !== null) return this.#ended.oldest;
    if (this.#unanswered.size * 4 >= this.maxFlows) return this.#unanswered.oldest;
    let oldest: FlowState | null = null;
    for (const { oldest: flow } of [this.#unanswered, this.#tcp, this.#udp]) {
      if (flow !== null && (oldest === null || flow.touchedAt < oldest.touchedAt)) oldest = flow;
    }
    return oldest;
  }

  /** All flows that have not ended, in order of their numbers. */
  open(): FlowState[] {
    const flows: FlowState[] = [];
    for (const list of [this.#unanswered, this.#tcp, this.#udp]) {
      for (let flow = list.oldest; flow !== null; flow = flow.newer) flows.push(flow);
    }
    return flows.sort((a, b) => a.id - b.id);
  }

  /** Forgets the flows that have ended. */
  clear(): void {
    for (let flow = this.#ended.oldest; flow !== null; flow = this.#ended.oldest) this.remove(flow);
  }

  #lookUp(segment: Segment): FlowState | null {
    const tuple = this.#tuple;
    tuple.read(segment);
    const flow = this.#table.findRecent(tuple) ?? this.#table.find(tuple, this.#table.hash(tuple));
    if (flow === null) return null;
    this.#isFromClient = flow.isFromClient(tuple);
    // mostly there are several packets of a flow in a row
    this.#last = flow;
    return flow;
  }

  #listOf(flow: FlowState): AgeList<FlowState> {
    if (flow.protocol === IpProtocol.UDP) return this.#udp;
    if (flow.list === this.#tcp) return this.#tcp;
    const { client, server } = flow;
    const isAnswered = (client.packets > 0 && server.packets > 0) || client.bytes + server.bytes > 0;
    return isAnswered ? this.#tcp : this.#unanswered;
  }
}
