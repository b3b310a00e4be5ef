/**
 * mosquitto_sub, mosquitto_pub and mosquitto 2.0.11 of Debian 12 on loopback, recorded by tcpdump; lengths of tshark
 * 4.0.
 */
import { mqtt } from "../../../../src/strparser/parsers/mqtt.ts";
import { golden, type ParserGolden } from "../check.ts";

export const mqttGoldens: readonly ParserGolden[] = [
  golden("mosquitto_sub, version 5", mqtt, "client", [22, 14, 4, 4, 4, 4, 4, 2], [
    "101400044d5154540502000503210004000473756235820c00010000066c6561742f23024002000150020002700200025002000370020003",
    "e000",
  ]),
  golden("mosquitto answers mosquitto_sub, version 5", mqtt, "server", [11, 6, 25, 214, 4, 11, 16, 4], [
    "200900000622000a210014900400010002321700066c6561742f610001072600016b00017668656c6c6f34d30100066c6561742f62000200",
    "7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a",
    "7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a",
    "7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a",
    "7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a62020002300900066c6561742f6300340e00066c6561742f",
    "6400030062796562020003",
  ]),
  golden("mosquitto_pub, version 5", mqtt, "client", [22, 25, 2], [
    "101400044d5154540502003c03210014000470756235321700066c6561742f610001072600016b00017668656c6c6fe000",
  ]),
  golden("mosquitto answers mosquitto_pub, version 5", mqtt, "server", [11, 4], [
    "200900000622000a21001440020001",
  ]),
  golden("mosquitto_pub, version 3.1.1, quality 2, with a will", mqtt, "client", [38, 213, 4, 2], [
    "102400044d51545404c6003c00047075623300066c6561742f770004676f6e6500017500017034d20100066c6561742f6200017a7a7a7a7a",
    "7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a",
    "7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a",
    "7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a",
    "7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a62020001e000",
  ]),
  golden("mosquitto answers mosquitto_pub, version 3.1.1, quality 2, with a will", mqtt, "server", [4, 4, 4], [
    "200200005002000170020001",
  ]),
];
