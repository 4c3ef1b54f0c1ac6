/** Web streams as the two directions of a socket, with chunks of all kinds. */
import { Buffer } from "node:buffer";
import { runInNewContext } from "node:vm";
import { assertEquals, assertRejects } from "@std/assert";
import { until } from "@asyncoro/asyncoro";
import { AsyncSocket, type StreamChunk } from "@asyncoro/asyncoro/io";
import { FakeConn } from "./fake_conn.ts";
import { bytes, drive, text } from "./helpers.ts";
import { fails } from "./stream_suite.ts";

function over(...chunks: unknown[]): AsyncSocket {
  const readable = ReadableStream.from(chunks as StreamChunk[]);
  return AsyncSocket.from({ readable, writable: new WritableStream() });
}

function shared(content: string): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(content.length);
  new Uint8Array(buffer).set(bytes(content));
  return buffer;
}

/** Each has the bytes of "abcdefgh". */
const CHUNKS: Record<string, StreamChunk> = {
  "a string": "abcdefgh",
  "a Uint8Array": bytes("abcdefgh"),
  "a Uint8ClampedArray": new Uint8ClampedArray(bytes("abcdefgh")),
  "an Int8Array": new Int8Array(bytes("abcdefgh")),
  "a Uint16Array": new Uint16Array(bytes("abcdefgh").buffer),
  "a Float32Array": new Float32Array(bytes("abcdefgh").buffer),
  "a BigUint64Array": new BigUint64Array(bytes("abcdefgh").buffer),
  "a DataView of a part": new DataView(bytes("--abcdefgh--").buffer, 2, 8),
  "an ArrayBuffer": bytes("abcdefgh").buffer,
  "a SharedArrayBuffer": shared("abcdefgh"),
  "an array over a SharedArrayBuffer": new Uint8Array(shared("-abcdefgh"), 1),
  "a Node Buffer": Buffer.from("abcdefgh"),
  "a Uint8Array of another realm": runInNewContext("Uint8Array.from('abcdefgh', (c) => c.charCodeAt(0))"),
  "an ArrayBuffer of another realm": runInNewContext("Uint8Array.from('abcdefgh', (c) => c.charCodeAt(0)).buffer"),
};

for (const [kind, chunk] of Object.entries(CHUNKS)) {
  Deno.test(`a web stream may carry ${kind}`, async () => {
    using socket = over(chunk, "\n", chunk);
    await drive(function* () {
      // In parts, so that the rest of a chunk has to be kept.
      assertEquals(text(yield* socket.recv(3, 5)), "abc");
      assertEquals(yield* socket.readline(5), "defgh");
      assertEquals(text(yield* socket.recvall(8, 5)), "abcdefgh");
      assertEquals((yield* socket.recv(1, 5)).length, 0);
    });
  });
}

Deno.test("a chunk of a web stream may be longer than a read, and text is read as its UTF-8", async () => {
  const long = "häh€".repeat(100_000);
  using socket = over(long);
  await drive(function* () {
    assertEquals(text(yield* socket.recvall(bytes(long).length, 5)), long);
  });
});

Deno.test("empty chunks of a web stream are not its end", async () => {
  const empty = [new Uint8Array(0), "", new ArrayBuffer(0), new DataView(new ArrayBuffer(4), 4), new Float64Array(0)];
  using socket = over(...empty, "a", ...empty, "b", ...empty);
  await drive(function* () {
    assertEquals(text(yield* socket.recv(1, 5)), "a");
    assertEquals(text(yield* socket.recvall(1, 5)), "b");
    assertEquals((yield* socket.recv(1, 5)).length, 0);
  });
});

Deno.test("a chunk of a web stream that is not bytes fails the reads with its value, after the bytes before it", async () => {
  const wrong: [unknown, string][] = [
    [5, "5"],
    [null, "null"],
    [undefined, "undefined"],
    [[1, 2], "an array of 2"],
    [{ length: 1 }, "an object"],
    [10n, "10n"],
    [new Blob(["x"]), "an object of Blob"],
  ];
  for (const [chunk, described] of wrong) {
    using socket = over("ab", chunk, "c");
    await drive(function* () {
      const message = "Cannot read from the stream as a chunk must be a string, an ArrayBuffer or a view of one: " +
        `current value is ${described}`;
      assertEquals((yield* fails(socket.recvall(3, 5), TypeError)).message, message);
      assertEquals(text(yield* socket.recv(9, 5)), "ab");
      assertEquals((yield* fails(socket.readline(5), TypeError)).message, message);
    });
  }
});

Deno.test("streams() sends chunks of every kind, and refuses other values", async () => {
  for (const [kind, chunk] of Object.entries(CHUNKS)) {
    let sent = "";
    const conn = new FakeConn(() => null);
    conn.write = (data) => {
      sent += text(data.slice());
      return Promise.resolve(data.length);
    };
    await drive(function* () {
      const writer = (conn.socket().streams().writable as WritableStream<unknown>).getWriter();
      yield* until(writer.write(chunk));
      yield* until(writer.write(""));
      assertEquals(sent, "abcdefgh", kind);
      writer.closed.catch(() => {});
      const message = "must be a string, an ArrayBuffer or a view of one: current value is 5";
      yield* until(assertRejects(() => writer.write(5), TypeError, message));
    });
  }
});
