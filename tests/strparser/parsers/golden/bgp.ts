/**
 * BIRD 2.0.12 of Debian 12 with itself on loopback, IPv4 and IPv6. Recorded by tcpdump; lengths of tshark 4.0.
 */
import { bgp } from "../../../../src/strparser/parsers/bgp.ts";
import { golden, type ParserGolden } from "../check.ts";

export const bgpGoldens: readonly ParserGolden[] = [
  golden("BIRD connects", bgp, "client", [61, 19, 52, 23, 66, 29, 19, 19, 19, 19, 19, 21], [
    "ffffffffffffffffffffffffffffffff003d0104fde900030101010120021e010400010001010400020001020006004002007841040000fd",
    "e946004700ffffffffffffffffffffffffffffffff001304ffffffffffffffffffffffffffffffff00340200000014400101004002060201",
    "0000fde94003047f00000119c633640018c00002ffffffffffffffffffffffffffffffff00170200000000ffffffffffffffffffffffffff",
    "ffffff0042020000002b900e001a0002011000000000000000000000000000000001002020010db84001010040020602010000fde9ffffff",
    "ffffffffffffffffffffffffff001d0200000006800f03000201ffffffffffffffffffffffffffffffff001304ffffffffffffffffffffff",
    "ffffffffff001304ffffffffffffffffffffffffffffffff001304ffffffffffffffffffffffffffffffff001304ffffffffffffffffffff",
    "ffffffffffff001304ffffffffffffffffffffffffffffffff0015030602",
  ]),
  golden("BIRD is connected to", bgp, "server", [61, 19, 49, 23, 66, 29, 19, 19, 19, 19, 19], [
    "ffffffffffffffffffffffffffffffff003d0104fdea00030202020220021e010400010001010400020001020006004002007841040000fd",
    "ea46004700ffffffffffffffffffffffffffffffff001304ffffffffffffffffffffffffffffffff00310200000014400101004002060201",
    "0000fdea4003047f000002080a18cb0071ffffffffffffffffffffffffffffffff00170200000000ffffffffffffffffffffffffffffffff",
    "0042020000002b900e001a0002011000000000000000000000000000000001002020010db84001010040020602010000fdeaffffffffffff",
    "ffffffffffffffffffff001d0200000006800f03000201ffffffffffffffffffffffffffffffff001304ffffffffffffffffffffffffffff",
    "ffff001304ffffffffffffffffffffffffffffffff001304ffffffffffffffffffffffffffffffff001304ffffffffffffffffffffffffff",
    "ffffff001304",
  ]),
];
