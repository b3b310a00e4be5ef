/**
 * One socket layer for every runtime: vectors filled whole, PDU reads into buffers of the caller, queued writes,
 * datagrams in batches, half-close, deadlines, and web streams in front of all that.
 *
 * This module has what runs everywhere: addresses, queues, the sockets around any driver, and drivers in memory and over
 * web streams. Real sockets come from the subpath of the runtime: `./node`, `./deno` or `./bun`.
 *
 * @module
 */
