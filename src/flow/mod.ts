/**
 * Watching connections: segments of a capture in, connections with the byte stream of each direction out.
 *
 * @module
 */
export { FlowError } from "./errors.ts";
export type { FlowEndpoint, FlowKey, FlowRecord, FlowSideStats } from "./flow_record.ts";
export { FlowTracker } from "./flow_tracker.ts";
export type { FlowTrackerOptions, GapPolicy, OverlapPolicy } from "./options.ts";
export type { FlowEnd, FlowSide, FlowSink, Gap } from "./sink.ts";
export type { FlowTrackerStats } from "./tracker_stats.ts";
