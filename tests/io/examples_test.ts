/**
 * The examples, run with the permissions of their headers: with their expected output, or against curl, socat and
 * openssl.
 */
import { assert, assertEquals } from "@std/assert";
import { readExample } from "../helpers/examples.ts";
import { execute, serving, siteDirectory, start } from "../helpers/serving.ts";
import { eventually, testWith, text } from "./helpers.ts";

for (const [name, programs] of [["grep_wc", ["grep", "wc"]], ["follow_log", []], ["udp_ping", []]] as const) {
  testWith([...programs], `example ${name} prints its expected output`, async () => {
    const { stdout, code } = await start(`io/${name}.ts`).output();
    assertEquals(text(stdout), readExample(`io/${name}.ts`).output);
    assertEquals(code, 0);
  });
}

testWith(
  ["socat"],
  "example echo_server serves its client and socat",
  () =>
    serving("io/echo_server.ts", ["0"], async (port) => {
      const { stdout } = await start("io/echo_client.ts", port, "hello", "world").output();
      assertEquals(text(stdout), "hello -> hello\nworld -> world\n");
      const long = "x".repeat(300_000);
      assertEquals(await execute("socat", ["-t5", "-", `TCP:127.0.0.1:${port}`], long), [long, 0]);
    }),
);

testWith(["socat"], "example chat connects several clients", () =>
  serving("io/chat.ts", ["0"], async (port) => {
    const clients = ["ann", "ben", "cai"].map((name) => new ChatClient(port, name));
    for (const client of clients) await client.join();
    await clients[0].say("hello all");
    await clients[1].hears("ann: hello all");
    await clients[2].hears("ann: hello all");
    await clients[2].leave();
    await clients[0].hears("* cai left");
    await clients[1].say("bye");
    await clients[0].hears("ben: bye");
    assert(!clients[1].heard.includes("ben: bye"), "Expected not to hear oneself");
    await clients[0].leave();
    await clients[1].leave();
  }));

/** A guest of the chat, over socat. */
class ChatClient {
  readonly name: string;
  heard = "";
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #listening: Promise<void>;

  constructor(port: string, name: string) {
    this.name = name;
    const args = ["-", `TCP:127.0.0.1:${port}`];
    this.#child = new Deno.Command("socat", { args, stdin: "piped", stdout: "piped" }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#listening = this.#listen();
  }

  async #listen(): Promise<void> {
    for await (const part of this.#child.stdout) this.heard += text(part);
  }

  async join(): Promise<void> {
    await this.hears("Your name?");
    await this.say(this.name);
    await this.hears(`* ${this.name} joined`);
  }

  say(line: string): Promise<void> {
    return this.#writer.write(new TextEncoder().encode(`${line}\n`));
  }

  hears(what: string): Promise<void> {
    return eventually(() => this.heard.includes(what), `${this.name} hears ${what}`);
  }

  async leave(): Promise<void> {
    await this.#writer.close();
    await this.#listening;
    await this.#child.status;
  }
}

testWith(
  ["curl"],
  "example http_files serves curl: keep-alive, 404, HEAD, ranges, and no file outside of its directory",
  async () => {
    const dir = await siteDirectory();
    const curl = (...args: string[]) => execute("curl", ["-s", "--path-as-is", "--max-time", "10", ...args]);
    const code = ["-o", "/dev/null", "-w", "%{http_code}"];
    await serving("io/http_files.ts", [`${dir}/site`, "0"], async (port) => {
      const at = (path: string) => `http://127.0.0.1:${port}${path}`;
      assertEquals(await curl(at("/ten.txt")), ["0123456789", 0]);
      assertEquals((await curl(at("/with%20space.txt?x=1")))[0], "spaced");
      assertEquals((await curl(at("/big.bin")))[0].length, 3_000_000);
      const twice = await curl(at("/ten.txt"), at("/ten.txt"), "-w", "(%{num_connects})");
      assertEquals(twice[0], "0123456789(1)0123456789(0)");
      assertEquals((await curl(...code, at("/none.txt")))[0], "404");
      assertEquals((await curl(...code, at("/")))[0], "404");
      assertEquals((await curl("-r", "2-4", at("/ten.txt")))[0], "234");
      assertEquals((await curl("-r", "-3", at("/ten.txt")))[0], "789");
      assertEquals((await curl(...code, "-r", "8-", at("/ten.txt")))[0], "206");
      assertEquals((await curl(...code, "-r", "20-30", at("/ten.txt")))[0], "416");
      const head = (await curl("-I", at("/ten.txt")))[0];
      assert(/^HTTP\/1\.1 200 OK\r\n/.test(head) && /content-length: 10\r\n/.test(head), head);
      for (
        const path of ["/../secret.txt", "/%2e%2e/secret.txt", "/link.txt", "/..%2fsecret.txt", "/a/../../secret.txt"]
      ) {
        assertEquals((await curl(...code, at(path)))[0], "404", path);
      }
      assertEquals((await curl(...code, "-X", "POST", "-d", "x", at("/ten.txt")))[0], "405");
      assertEquals((await curl("-0", at("/ten.txt")))[0], "0123456789");
      assertEquals(await malformed(port), "HTTP/1.1 400 Bad Request");
    });
    await Deno.remove(dir, { recursive: true });
  },
);

async function malformed(port: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  await conn.write(new TextEncoder().encode("\x16\x03\x01 nonsense\r\n\r\n"));
  const buffer = new Uint8Array(1000);
  const count = await conn.read(buffer);
  return text(buffer.subarray(0, count ?? 0)).split("\r\n")[0];
}

testWith([], "example download fetches many URLs, a few at a time", async () => {
  const dir = await siteDirectory();
  await serving("io/http_files.ts", [`${dir}/site`, "0"], async (port) => {
    const urls = [...Array(10).fill("ten.txt"), "none", "big.bin"].map((name) => `http://127.0.0.1:${port}/${name}`);
    const { stdout } = await start("io/download.ts", "--parallel=3", ...urls).output();
    const lines = text(stdout).trim().split("\n");
    assertEquals(lines.length, 12);
    assertEquals(lines.filter((line) => line.endsWith("ten.txt: 200 10 bytes")).length, 10);
    assertEquals(lines.slice(10).map((line) => line.split(": ")[1]), ["404 14 bytes", "200 3000000 bytes"]);
  });
  await Deno.remove(dir, { recursive: true });
});

/** What openssl hears in reply to some lines. It would itself wait for the server to close the connection. */
async function echoOverTls(port: string, lines: string): Promise<string> {
  const child = new Deno.Command("openssl", {
    args: ["s_client", "-quiet", "-connect", `127.0.0.1:${port}`],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(lines));
  let heard = "";
  for await (const part of child.stdout) {
    heard += text(part);
    if (heard.length >= lines.length) break;
  }
  child.kill();
  await writer.close().catch(() => {});
  await child.status;
  return heard;
}

testWith(
  ["openssl"],
  "example tls_echo serves openssl s_client",
  () =>
    serving("io/tls_echo.ts", ["0"], async (port) => {
      assertEquals(await echoOverTls(port, "hello\nagain\n"), "hello\nagain\n");
    }),
);

/** A client that sends something and resets the connection without reading the reply. */
async function rudeClient(port: string, sends: string): Promise<void> {
  const program = `import socket, struct, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.sendall(sys.argv[2].encode())
s.close()`;
  const { success } = await new Deno.Command("python3", { args: ["-c", program, port, sends] }).output();
  assert(success);
}

testWith(
  ["python3", "socat"],
  "example chat goes on, and reports nothing, when guests reset their connections",
  async () => {
    const errors = await serving("io/chat.ts", ["0"], async (port) => {
      for (const sends of ["", "eve\n", "eve\nhello\n", "x".repeat(200), `eve\n${"x".repeat(5000)}\n`]) {
        await rudeClient(port, sends);
      }
      const ann = new ChatClient(port, "ann");
      await ann.join();
      await ann.leave();
    });
    assertEquals(errors, "");
  },
);

testWith(["python3", "openssl"], "examples echo_server and tls_echo go on after clients that reset", async () => {
  await serving("io/echo_server.ts", ["0"], async (port) => {
    for (let i = 0; i < 5; i++) await rudeClient(port, "x".repeat(100_000));
    assertEquals(text((await start("io/echo_client.ts", port, "hello").output()).stdout), "hello -> hello\n");
  });
  await serving("io/tls_echo.ts", ["0"], async (port) => {
    for (let i = 0; i < 5; i++) await rudeClient(port, "no handshake");
    assertEquals(await echoOverTls(port, "hello\n"), "hello\n");
  });
});
