/** The example http_files against requests that are hostile, malformed or slow: each is refused, and others are served. */
import { assert, assertEquals } from "@std/assert";
import { AsyncSocket, call, Coro, sleep } from "@asyncoro/asyncoro";
import { HttpError, readRequest } from "../../examples/io/http_files/request.ts";
import { serving, siteDirectory } from "../helpers/serving.ts";
import { drive, pause, testWith, text } from "../io/helpers.ts";

const BODY = "GET /ten.txt HTTP/1.1\r\nHost: x\r\nRange: bytes=0-3\r\n\r\n";

/** Sends bytes and reads until the server closes, or for `seconds` if it does not. */
async function ask(port: string, request: string, seconds = 1): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  const timer = setTimeout(() => conn.close(), seconds * 1000);
  let answer = "";
  try {
    await conn.write(new TextEncoder().encode(request));
    const buffer = new Uint8Array(65_536);
    for (let count; (count = await conn.read(buffer)) !== null;) answer += text(buffer.subarray(0, count));
  } catch (error) {
    if (!(error instanceof Deno.errors.Interrupted || error instanceof Deno.errors.BadResource)) throw error;
  }
  clearTimeout(timer);
  return answer;
}

/** The codes of all answers that came. */
function codes(answers: string): string[] {
  return [...answers.matchAll(/HTTP\/1\.1 (\d+) /g)].map((match) => match[1]);
}

function get(path: string, ...headers: string[]): string {
  return [`GET ${path} HTTP/1.1`, "Host: x", ...headers].join("\r\n") + "\r\n\r\n";
}

/** Runs the example in a directory of its own. */
async function site(body: (port: string, dir: string) => Promise<void>): Promise<void> {
  const dir = await siteDirectory();
  try {
    const errors = await serving("io/http_files.ts", [`${dir}/site`, "0"], (port) => body(port, dir));
    // What clients do is reported nowhere.
    assertEquals(errors, "");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const SMUGGLING: readonly [string, string, string[]][] = [
  ["a body on GET", get("/ten.txt", `Content-Length: ${BODY.length}`) + BODY, ["200"]],
  ["a chunked body on GET", get("/ten.txt", "Transfer-Encoding: chunked") + `0\r\n\r\n${BODY}`, ["200"]],
  ["Content-Length and Transfer-Encoding", get("/ten.txt", "Content-Length: 4", "Transfer-Encoding: chunked"), ["400"]],
  ["two Content-Lengths", get("/ten.txt", "Content-Length: 0", `Content-Length: ${BODY.length}`) + BODY, ["400"]],
  ["two equal Content-Lengths", get("/ten.txt", "Content-Length: 0", "Content-Length: 0") + BODY, ["400"]],
  ["a signed Content-Length", get("/ten.txt", "Content-Length: +5") + BODY, ["400"]],
  ["a hexadecimal Content-Length", get("/ten.txt", "Content-Length: 0x10") + BODY, ["400"]],
  ["a coding that is unknown", get("/ten.txt", "Transfer-Encoding: xchunked") + BODY, ["501"]],
  ["Transfer-Encoding in HTTP/1.0", "GET /ten.txt HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + BODY, ["400"]],
  ["a continued line", get("/ten.txt", "X: a", " Content-Length: 50") + BODY, ["400"]],
  ["a line that begins with a tab", get("/ten.txt", "\tX: a"), ["400"]],
  ["a space before the colon", get("/ten.txt", "Content-Length : 50") + BODY, ["400"]],
  ["a name that is no token", get("/ten.txt", "Content-Length\x0b: 50") + BODY, ["400"]],
  ["a bare carriage return", get("/ten.txt", "X: a\rContent-Length: 50") + BODY, ["400"]],
  ["a NUL in a value", get("/ten.txt", "X: a\0b"), ["400"]],
  ["Host with a space", "GET /ten.txt HTTP/1.1\r\nHost : x\r\n\r\n", ["400"]],
  ["no Host", "GET /ten.txt HTTP/1.1\r\n\r\n", ["400"]],
  ["two Hosts", get("/ten.txt", "Host: y"), ["400"]],
  ["a line without a colon", get("/ten.txt", "nonsense"), ["400"]],
  ["another version", "GET /ten.txt HTTP/2.0\r\nHost: x\r\n\r\n", ["400"]],
  ["a method that is no token", "G{T /ten.txt HTTP/1.1\r\nHost: x\r\n\r\n", ["400"]],
  ["a target that is no path", "GET ten.txt HTTP/1.1\r\nHost: x\r\n\r\n", ["400"]],
  ["a target with a broken escape", get("/%zz"), ["400"]],
  ["a target with a NUL", get("/ten.txt%00"), ["400"]],
  ["a body on POST", `POST /ten.txt HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`, ["405"]],
];

Deno.test("http_files sends one response to a request, however its end is encoded", () =>
  site(async (port) => {
    for (const [what, request, wanted] of SMUGGLING) assertEquals(codes(await ask(port, request, 5)), wanted, what);
    assertEquals(codes(await ask(port, get("/ten.txt") + get("/ten.txt", "Connection: close"), 5)), ["200", "200"]);
  }));

Deno.test("http_files accepts a whole URL, an empty line before a request, and Host without a value", () =>
  site(async (port) => {
    const close = "Connection: close\r\n\r\n";
    for (
      const request of [
        `GET http://example.com/ten.txt HTTP/1.1\r\nHost: example.com\r\n${close}`,
        `\r\nGET /ten.txt HTTP/1.1\r\nHost: x\r\n${close}`,
        `GET /ten.txt?x=1 HTTP/1.1\r\nHost:\r\n${close}`,
        "GET /ten.txt HTTP/1.0\r\n\r\n",
      ]
    ) {
      const answer = await ask(port, request, 5);
      assertEquals([codes(answer), answer.endsWith("0123456789")], [["200"], true], request);
    }
  }));

Deno.test("http_files limits the lines and the number of headers, equal ones too", () =>
  site(async (port) => {
    assertEquals(codes(await ask(port, get("/ten.txt", ...Array(100_000).fill("A: b")), 5)), ["431"]);
    assertEquals(codes(await ask(port, get(`/${"x".repeat(10_000)}`), 5)), ["400"]);
    assertEquals(codes(await ask(port, get(`/${"x".repeat(5_000)}`, "Connection: close"), 5)), ["414"]);
    assertEquals(codes(await ask(port, get("/ten.txt", ...Array(98).fill("A: b"), "Connection: close"), 5)), ["200"]);
  }));

Deno.test("http_files ignores ranges that are invalid, and refuses those that are not there", () =>
  site(async (port) => {
    const ranges: [string, string][] = [
      ["bytes=5-2", "200"],
      ["bytes=-", "200"],
      ["bytes=a-b", "200"],
      ["bytes=0-1,3-4", "200"],
      ["lines=0-1", "200"],
      ["bytes=10-", "416"],
      ["bytes=-0", "416"],
      ["bytes=99999999999999999999-", "416"],
      ["bytes=0-99999999999999999999", "206"],
      ["bytes=-99", "206"],
      ["bytes=9-9", "206"],
    ];
    for (const [range, code] of ranges) {
      const answer = await ask(port, get("/ten.txt", `Range: ${range}`, "Connection: close"), 5);
      assertEquals(codes(answer), [code], range);
      if (code === "200") assert(answer.endsWith("0123456789"), range);
    }
  }));

testWith(
  ["mkfifo", "python3"],
  "http_files answers 4xx for what is no readable file, and serves other files",
  () =>
    site(async (port, dir) => {
      await new Deno.Command("mkfifo", { args: [`${dir}/site/fifo`] }).output();
      await Deno.symlink("/dev/zero", `${dir}/site/zero`);
      await Deno.symlink("loop", `${dir}/site/loop`);
      await Deno.writeTextFile(`${dir}/site/locked.txt`, "locked");
      await Deno.chmod(`${dir}/site/locked.txt`, 0);
      const bind = "import socket,sys\nsocket.socket(socket.AF_UNIX).bind(sys.argv[1])";
      await new Deno.Command("python3", { args: ["-c", bind, `${dir}/site/socket`] }).output();
      // More than there are threads for files.
      const many = await Promise.all(Array.from({ length: 60 }, () => ask(port, get("/fifo", "Connection: close"), 5)));
      assertEquals(new Set(many.flatMap(codes)), new Set(["404"]));
      for (const path of ["/socket", "/zero", "/loop", "/ten.txt/x"]) {
        assertEquals(codes(await ask(port, get(path, "Connection: close"), 5)), ["404"], path);
      }
      // Root may read it all the same.
      const locked = await ask(port, get("/locked.txt", "Connection: close"), 5);
      assertEquals(codes(locked), [Deno.uid() === 0 ? "200" : "403"]);
      assert((await ask(port, get("/ten.txt", "Connection: close"), 5)).endsWith("0123456789"));
    }),
);

Deno.test("http_files goes on when clients reset, send nothing, or stop in the middle", () =>
  site(async (port) => {
    const silent = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    const partial = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    await partial.write(new TextEncoder().encode("GET /big.bin HTTP/1.1\r\nHos"));
    for (let i = 0; i < 20; i++) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
      await conn.write(new TextEncoder().encode(get("/big.bin")));
      if (i % 2 === 0) await pause(2);
      // There is input that was not read: this resets the connection.
      conn.close();
    }
    assert((await ask(port, get("/ten.txt", "Connection: close"), 5)).endsWith("0123456789"));
    silent.close();
    partial.close();
  }));

Deno.test("http_files disconnects a client whose headers never end, at whatever rate they come", () =>
  drive(function* () {
    using listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: 0 });
    using client = yield* AsyncSocket.connect(listener.addr as Deno.NetAddr);
    using socket = yield* listener.accept();
    const trickle = new Coro(function* () {
      yield* client.sendall("GET / HTTP/1.1\r\nHost: x\r\n");
      for (;; yield* sleep(0.01)) yield* client.sendall("A: b\r\n");
    });
    const status = yield* call(statusOfRefusal(socket));
    trickle.terminate();
    assertEquals(status, "408 Request Timeout");
  }));

function* statusOfRefusal(socket: AsyncSocket): Generator<unknown, string | null, unknown> {
  try {
    yield* readRequest(socket, 0.1);
    return null;
  } catch (error) {
    if (error instanceof HttpError) return error.status;
    throw error;
  }
}
