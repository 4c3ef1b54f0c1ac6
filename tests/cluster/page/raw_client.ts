/** A client that sends what no library would send. */
import { AsyncSocket } from "../../../core/io/net/socket.ts";

/** A response, as it came. */
export interface RawResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** The parts of a request; `headers` come in this order, a name may come several times. */
export interface RawRequest {
  readonly method?: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** The port of the address of a page. */
export function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** The path and the query of the address of a page. */
export function targetOf(url: string, path = "/"): string {
  return path + new URL(url).search;
}

/** Sends a request to 127.0.0.1 and reads until the server closes. */
export function* request(port: number, { method = "GET", target, headers }: RawRequest) {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return yield* exchange(port, `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`);
}

/** Requests a path of a page as a viewer does. */
export function* get(url: string, path = "/", method = "GET") {
  const port = portOf(url);
  const headers: RawRequest["headers"] = [["host", `127.0.0.1:${port}`]];
  return (yield* request(port, { method, target: targetOf(url, path), headers }))!;
}

/** Sends bytes and reads until the server closes; `null` if it has sent nothing. */
export function* exchange(port: number, sent: string) {
  using socket = yield* AsyncSocket.connect({ hostname: "127.0.0.1", port });
  yield* socket.sendall(sent);
  return parse(yield* readToEnd(socket));
}

/** Reads until the other side has closed or reset the connection. */
export function* readToEnd(socket: AsyncSocket): Generator<unknown, string, unknown> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const bytes: Uint8Array = yield* socket.recv(65_536, 30);
      if (bytes.length === 0) return text;
      text += decoder.decode(bytes, { stream: true });
    }
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return text;
    throw error;
  }
}

function parse(text: string): RawResponse | null {
  if (text === "") return null;
  const [head, ...rest] = text.split("\r\n\r\n");
  const [statusLine, ...lines] = head.split("\r\n");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(statusLine.split(" ")[1]), headers: new Map(headers), body: rest.join("\r\n\r\n") };
}
