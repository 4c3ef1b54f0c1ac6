/** A client with little overhead: connections that are kept alive, each with one request after the other. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Requests `path` as often as it can, over `connections`, until `count` responses have come. Returns the seconds. */
export async function load(port: number, path: string, connections: number, count: number): Promise<number> {
  const request = encoder.encode(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const open = () => Deno.connect({ hostname: "127.0.0.1", port });
  const clients = await Promise.all(Array.from({ length: connections }, open));
  let left = count;
  const start = performance.now();
  await Promise.all(clients.map(async (client) => {
    const buffer = new Uint8Array(4096);
    while (left-- > 0) {
      await client.write(request);
      await readAnswer(client, buffer);
    }
  }));
  const seconds = (performance.now() - start) / 1000;
  for (const client of clients) client.close();
  return seconds;
}

/** Reads one response to its end. It is short and has a content length. */
async function readAnswer(client: Deno.Conn, buffer: Uint8Array): Promise<void> {
  let text = "";
  for (;;) {
    const size = await client.read(buffer);
    if (size === null) throw new Error(`The server has gone after ${JSON.stringify(text)}`);
    text += decoder.decode(buffer.subarray(0, size));
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) continue;
    if (!text.startsWith("HTTP/1.1 200 ")) throw new Error(text);
    const length = Number(/content-length: (\d+)/i.exec(text)![1]);
    if (text.length >= end + 4 + length) return;
  }
}
