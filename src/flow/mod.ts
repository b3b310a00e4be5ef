/**
 * Watching connections: segments of a capture in, connections with the byte stream of each direction out.
 *
 * @module
 */
export type { FlowHalf } from "./direction.ts";
export { FlowError } from "./errors.ts";
export { Flow } from "./flow.ts";
export type { FlowEndpoint, FlowKey, FlowRecord, FlowSideStats } from "./flow_record.ts";
export type { FlowStreamOptions, FlowStreamStats } from "./flow_stream.ts";
export { FlowStream } from "./flow_stream.ts";
export { FlowTracker } from "./flow_tracker.ts";
export type { FlowTrackerOptions, GapPolicy, OverlapPolicy } from "./options.ts";
export type { FlowEnd, FlowSide, FlowSink, Gap } from "./sink.ts";
export type { FlowTrackerStats } from "./tracker_stats.ts";
