/**
 * The floor: messages in the same encoding over a bare TCP connection, without sessions, acknowledgements or coroutines:
 * `server`, or `client PORT WORK AMOUNT`.
 */
import { ByteReader } from "../../../core/distributed/cbor/byte_reader.ts";
import { Decoder } from "../../../core/distributed/cbor/decoder.ts";
import { Encoder } from "../../../core/distributed/cbor/encoder.ts";
import { cpuSeconds, type Measurement, messageOf } from "./message.ts";

const HEADER = 4;

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Frames of encoded messages: u32 length, values. */
async function serve(conn: Deno.Conn): Promise<void> {
  const decoder = new Decoder();
  let buffer = new Uint8Array(1 << 20);
  let [start, end] = [0, 0];
  let count = 0;
  let cpu = cpuSeconds();
  const answers = new Encoder();
  for (;;) {
    if (end === buffer.length) {
      const rest = buffer.subarray(start, end);
      if (start === 0) buffer = new Uint8Array(2 * buffer.length);
      buffer.set(rest);
      [start, end] = [0, rest.length];
    }
    const read = await conn.read(buffer.subarray(end));
    if (read === null) return;
    end += read;
    for (;;) {
      if (end - start < HEADER) break;
      const length = new DataView(buffer.buffer).getUint32(start);
      if (end - start < HEADER + length) break;
      const reader = new ByteReader(buffer.subarray(start + HEADER, start + HEADER + length));
      start += HEADER + length;
      while (reader.left > 0) {
        const message = decoder.decode(reader) as { report?: boolean; reply?: boolean };
        if (message.report === true) {
          answers.encode({ count, cpu: cpuSeconds() - cpu });
          await writeAll(conn, answers.out.take());
          count = 0;
          cpu = cpuSeconds();
        } else count++;
      }
    }
  }
}

async function ask(conn: Deno.Conn): Promise<{ count: number; cpu: number }> {
  await writeAll(conn, frame([{ report: true }]));
  const buffer = new Uint8Array(1000);
  const read = await conn.read(buffer);
  return new Decoder().decode(new ByteReader(buffer.subarray(0, read!))) as { count: number; cpu: number };
}

const encoder = new Encoder();

function frame(messages: readonly unknown[]): Uint8Array {
  encoder.out.append(new Uint8Array(HEADER));
  for (const message of messages) encoder.encode(message);
  const bytes = encoder.out.written().slice();
  encoder.out.truncate(0);
  new DataView(bytes.buffer).setUint32(0, bytes.length - HEADER);
  return bytes;
}

async function run(conn: Deno.Conn, amount: number, burst: number): Promise<Measurement> {
  await ask(conn);
  const [start, cpu] = [performance.now(), cpuSeconds()];
  for (let id = 0; id < amount;) {
    const messages: unknown[] = [];
    for (const end = Math.min(amount, id + burst); id < end; id++) messages.push(messageOf(id));
    await writeAll(conn, frame(messages));
  }
  const report = await ask(conn);
  const seconds = (performance.now() - start) / 1000;
  if (report.count !== amount) throw new Error(`${report.count} of ${amount} messages arrived`);
  return { amount, seconds, cpu: [(cpuSeconds() - cpu) / amount * 1e6, report.cpu / amount * 1e6] };
}

const [role, port, work, amount] = Deno.args;
if (role === "server") {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  console.log(listener.addr.port);
  for await (const conn of listener) serve(conn).finally(() => conn.close());
} else {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  const burst = Number(work.split(" ")[1]);
  await run(conn, Number(amount), burst);
  console.log(JSON.stringify(await run(conn, Number(amount), burst)));
  conn.close();
}
