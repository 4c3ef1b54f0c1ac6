/** The codec of messages between peers, against JSON with TextEncoder and TextDecoder: CPU time, in turns. */
import process from "node:process";
import { ByteReader } from "../../core/distributed/cbor/byte_reader.ts";
import { ByteWriter } from "../../core/distributed/cbor/byte_writer.ts";
import { Decoder } from "../../core/distributed/cbor/decoder.ts";
import { Encoder } from "../../core/distributed/cbor/encoder.ts";
import { compare, type Effort, ns, printTable, times } from "./harness.ts";

/** How many messages go into one buffer: a turn of the network that is neither idle nor busy. */
const TURN = 10;

const MESSAGES: Readonly<Record<string, unknown>> = {
  "small object": { id: 12345, name: "item", ok: true, tags: ["a", "bc"] },
  "event of 12 properties": {
    type: "measured",
    sequence: 48_121,
    sensor: { room: "kitchen", floor: 2, label: "thermometer by the window" },
    temperature: 21.375,
    humidity: 0.4137,
    at: 1_700_000_000.25,
    valid: true,
    previous: null,
  },
  "100 rows": Array.from({ length: 100 }, (_, id) => ({ id, name: `row ${id}`, price: id / 4, sold: id % 2 === 0 })),
  "text of 1,000": "The quick brown fox jumps over the lazy dog. ".repeat(23).slice(0, 1000),
  "umlauts of 200": "Zwölf Boxkämpfer jagen Viktor ".repeat(7).slice(0, 200),
};

/** Encodes a message `count` times and decodes it as often; returns nanoseconds of CPU time for one. */
type Codec = (message: unknown, count: number) => number;

const out = new ByteWriter();
const encoder = new Encoder(out);
const decoder = new Decoder();

const CODECS: Readonly<Record<string, Codec>> = {
  encode: (message, count) =>
    cpuTime(count, () => {
      for (let i = 0; i < count; i += TURN) {
        for (let n = 0; n < TURN; n++) encoder.encode(message);
        used += out.take().length;
      }
    }),
  decode(message, count) {
    for (let n = 0; n < TURN; n++) encoder.encode(message);
    const bytes = out.take();
    return cpuTime(count, () => {
      for (let i = 0; i < count; i += TURN) {
        const reader = new ByteReader(bytes);
        while (reader.left > 0) if (decoder.decode(reader) !== null) used++;
      }
    });
  },
  "JSON encode": (message, count) =>
    cpuTime(count, () => {
      for (let i = 0; i < count; i++) used += utf8Encoder.encode(JSON.stringify(message)).length;
    }),
  "JSON decode"(message, count) {
    const bytes = utf8Encoder.encode(JSON.stringify(message));
    return cpuTime(count, () => {
      for (let i = 0; i < count; i++) if (JSON.parse(utf8Decoder.decode(bytes)) !== null) used++;
    });
  },
};

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder();

/** Keeps the work from being optimized away. */
let used = 0;

function cpuTime(count: number, work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1000) / count;
}

/** The codec of messages between peers. */
export async function benchCodec({ rounds, scale }: Effort): Promise<void> {
  const rows: string[][] = [];
  for (const [name, message] of Object.entries(MESSAGES)) {
    const count = Math.ceil((400_000 * scale) / JSON.stringify(message).length) * TURN;
    const contenders = Object.entries(CODECS).map(([codec, run]) => [codec, () => run(message, count)] as const);
    const { medians, ratio } = await compare(rounds, Object.fromEntries(contenders));
    rows.push([
      name,
      ns(medians["encode"]),
      times(ratio("JSON encode", "encode")),
      ns(medians["decode"]),
      times(ratio("JSON decode", "decode")),
    ]);
  }
  printTable(`Codec, CPU ns a message, ${TURN} a buffer; how much faster than JSON as UTF-8`, [
    "message",
    "encode",
    "JSON / it",
    "decode",
    "JSON / it",
  ], rows);
  if (used === 0) throw new Error("Nothing was encoded");
}
