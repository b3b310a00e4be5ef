/**
 * jq 1.6 (Debian 12) with `-c`; each line is a message.
 */
import { ndjson } from "../../../../src/strparser/parsers/ndjson.ts";
import { golden, type ParserGolden } from "../check.ts";

export const goldens: readonly ParserGolden[] = [
  golden("ndjson: what it writes", () => ndjson(), "client", [30, 7, 3, 5, 3], [
    "7b2261223a5b312c322c7b2262223a227d5c225c7530303165227d5d7d0a2274657874220a31320a6e756c6c0a5b5d0a",
  ]),
];
