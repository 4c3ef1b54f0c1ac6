/** The example http_service: deadlines, clients that leave, rude clients, and an end that finishes what is under way. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { start } from "../helpers/serving.ts";
import { eventually, text } from "../io/helpers.ts";

/** The service, and what it has logged. */
class Service {
  stdout = "";
  readonly child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  readonly #errors: Promise<string>;

  constructor(port = "0") {
    this.child = start("http_service.ts", port);
    this.#reading = this.#read();
    this.#errors = new Response(this.child.stderr).text();
  }

  async #read(): Promise<void> {
    for await (const part of this.child.stdout) this.stdout += text(part);
  }

  /** Its address, once it listens. */
  async url(): Promise<string> {
    await eventually(() => this.stdout.includes("port"), "it listens");
    return `http://127.0.0.1:${/port (\d+)/.exec(this.stdout)![1]}`;
  }

  async end(): Promise<{ code: number; stderr: string }> {
    const { code } = await this.child.status;
    await this.#reading;
    return { code, stderr: await this.#errors };
  }
}

/** Runs the service; SIGTERM must end it, and it must report no error. */
async function serving(body: (url: string, service: Service) => Promise<void>): Promise<void> {
  const service = new Service();
  try {
    await body(await service.url(), service);
  } finally {
    service.child.kill("SIGTERM");
  }
  assertEquals(await service.end(), { code: 143, stderr: "" });
}

/** The status and the body of a response. */
async function get(url: string, init: RequestInit = {}): Promise<[number, string]> {
  const response = await fetch(url, init);
  return [response.status, await response.text()];
}

Deno.test("http_service replies within its deadline, and refuses what it does not know", () =>
  serving(async (url) => {
    assertEquals(await get(`${url}/first?item=novel`), [200, '{"shop":"north","price":12}']);
    assertEquals(await get(`${url}/price?shop=south&item=novel`), [200, '{"shop":"south","price":15}']);
    assertEquals(await get(`${url}/price?shop=west&item=novel`), [504, "Too late\n"]);
    assertEquals(await get(`${url}/price?shop=east&item=novel`), [404, "Not found\n"]);
    assertEquals(await get(`${url}/best`), [400, "Which item?\n"]);
    assertEquals(await get(`${url}/first?item=novel`, { method: "POST", body: "x" }), [405, "Only GET\n"]);
  }));

Deno.test("each request of http_service has its own id, in all coroutines that work on it", () =>
  serving(async (url, service) => {
    const ids = Array.from({ length: 40 }, (_, i) => `client-${i}`);
    const replies = await Promise.all(
      ids.map((id) => get(`${url}/best?item=atlas`, { headers: { "x-request-id": id } })),
    );
    assertEquals(new Set(replies.map(String)), new Set(['200,{"shop":"south","price":25}']));
    await get(`${url}/first?item=atlas`, { headers: { "x-request-id": "forged]" } });
    await eventually(() => service.stdout.includes("/first: 200"), "all is logged");
    for (const id of ids) {
      const lines = service.stdout.split("\n").filter((line) => line.startsWith(`[${id}]`));
      assertEquals(lines, [`[${id}] west: no reply in time`, `[${id}] GET /best: 200`]);
    }
    assert(!service.stdout.includes("forged"));
  }));

Deno.test("http_service gives up the requests of clients that leave", () =>
  serving(async (url, service) => {
    const leaving = Array.from({ length: 20 }, () =>
      get(`${url}/price?shop=west&item=atlas`, { signal: AbortSignal.timeout(200) }).catch(() => {}));
    await Promise.all(leaving);
    await eventually(() =>
      service.stdout.match(/given up/g)?.length === 20, "all are given up");
    assertEquals(await get(`${url}/first?item=novel`), [200, '{"shop":"north","price":12}']);
  }));

Deno.test("http_service goes on after clients that send nonsense, half a request, or nothing", () =>
  serving(async (url) => {
    const port = Number(new URL(url).port);
    for (
      const sends of [
        "",
        "\x16\x03\x01 nonsense\r\n\r\n",
        "GET /best?item=x HTTP/1.1\r\nHos",
        "GET %%% HTTP/1.1\r\n\r\n",
      ]
    ) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await conn.write(new TextEncoder().encode(sends));
      conn.close();
    }
    assertEquals(await get(`${url}/first?item=novel`), [200, '{"shop":"north","price":12}']);
  }));

Deno.test("http_service finishes what is under way at its end, and accepts no more", async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const service = new Service();
    const url = await service.url();
    const reply = get(`${url}/best?item=atlas`);
    // The others are asked, and west never replies.
    await new Promise((resolve) => setTimeout(resolve, 300));
    service.child.kill(signal);
    assertEquals(await reply, [200, '{"shop":"south","price":25}']);
    assertEquals(await service.end(), { code: signal === "SIGINT" ? 130 : 143, stderr: "" });
  }
});

Deno.test("a second signal ends http_service at once", async () => {
  const service = new Service();
  const reply = get(`${await service.url()}/best?item=atlas`).catch(() => null);
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (let i = 0; i < 2; i++) {
    service.child.kill("SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assertEquals(await service.end(), { code: 130, stderr: "" });
  await reply;
});

Deno.test("http_service reports a port that is in use, and ends", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await new Service(String(listener.addr.port)).end();
  listener.close();
  assertEquals(code, 1);
  assertMatch(stderr, /AddrInUse/);
});
