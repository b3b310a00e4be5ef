/**
 * jq 1.6 (Debian 12) with `--seq`, pretty-printing; each record separator begins a message.
 */
import { jsonSequence } from "../../../../src/strparser/parsers/json_sequence.ts";
import { golden, type ParserGolden } from "../check.ts";

export const goldens: readonly ParserGolden[] = [
  golden("json_sequence: what it writes", () => jsonSequence(), "client", [67, 8, 4, 6, 4], [
    "1e7b0a20202261223a205b0a20202020312c0a20202020322c0a202020207b0a2020202020202262223a20227d5c225c7530303165220a20",
    "2020207d0a20205d0a7d0a1e2274657874220a1e31320a1e6e756c6c0a1e5b5d0a",
  ]),
];
