import { assertEquals } from "@std/assert";
import { ForwardedLines } from "../../../core/cluster/node/forward_lines.ts";

function streamOf(chunks: readonly string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks).pipeThrough(new TextEncoderStream());
}

async function forwarded(...chunks: string[]): Promise<{ lines: string[]; first: string }> {
  const lines: string[] = [];
  const forwarding = new ForwardedLines(streamOf(chunks), "s", (line) => Promise.resolve(void lines.push(line)));
  await forwarding.ended;
  return { lines, first: forwarding.first };
}

Deno.test("each line has the name before it, however it comes", async () => {
  const { lines, first } = await forwarded("one\ntw", "o\r\n", "\nthree");
  assertEquals(lines, ["[s] one", "[s] two", "[s] ", "[s] three"]);
  assertEquals(first, "one");
});

Deno.test("a line without end is cut", async () => {
  const { lines } = await forwarded("x".repeat(40_000), "y\n");
  assertEquals(lines.map((line) => line.length - "[s] ".length), [16_384, 16_384, 40_000 - 2 * 16_384 + 1]);
});

Deno.test("what a sink fails to take is dropped, and the stream is read to its end", async () => {
  let taken = 0;
  const stream = streamOf(["one\n", "two\n", "three\n"]);
  const forwarding = new ForwardedLines(stream, "s", () => Promise.reject(new Error(`full: ${++taken}`)));
  await forwarding.ended;
  assertEquals(taken, 3);
});
