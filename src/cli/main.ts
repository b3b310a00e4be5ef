#!/usr/bin/env node
/**
 * The program `leat`.
 *
 * @module
 */
import process from "node:process";
import { processIo } from "./process_io.ts";
import { run } from "./run.ts";

const io = processIo();
const code = await run(process.argv.slice(2), io);
await io.stdout.flush();
await io.stderr.flush();
// a read from standard input may still be pending, and would keep the process
process.exit(code);
