/** The example for Cloudflare, built and served as its header says, with real clients. */
import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { createConnection } from "node:net";
import { deno, type Server, testWorkerd, withServer } from "./workerd.ts";

const FOLDER = new URL("../../examples/edge/cloudflare/", import.meta.url).pathname;

interface Counts {
  readonly requests: number;
  readonly cancelled: number;
  readonly partsBegun: number;
  readonly partsCleanedUp: number;
  readonly streamsCleanedUp: number;
}

/** Serves the example while `use` runs. No request may hang, and every error must be answered. */
async function withExample(use: (server: Server) => Promise<void>): Promise<void> {
  await deno("task", "--cwd", FOLDER, "build");
  await withServer(`${FOLDER}wrangler.jsonc`, async (server) => {
    await use(server);
    await server.stop();
    assert(!/hung|uncaught|different request|exception/i.test(server.output()), server.output());
  });
}

async function get(server: Server, path: string, signal?: AbortSignal): Promise<[number, string]> {
  const response = await fetch(server.url + path, { signal });
  return [response.status, await response.text()];
}

async function countsOf(server: Server): Promise<Counts> {
  return JSON.parse((await get(server, "/counts"))[1]);
}

/** Asks for the counts until they are as wanted. */
async function countsBecome(server: Server, wanted: (counts: Counts) => boolean): Promise<void> {
  const until = Date.now() + 20_000;
  let counts = await countsOf(server);
  while (!wanted(counts)) {
    if (Date.now() > until) throw new Error(`the counts are ${JSON.stringify(counts)}\n${server.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    counts = await countsOf(server);
  }
}

/** A client that sends a request and then resets the connection, like one that has crashed. */
async function askAndReset(server: Server, path: string, after: () => Promise<void>): Promise<void> {
  const socket = createConnection(server.port, "127.0.0.1");
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await after();
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.resetAndDestroy();
  await closed;
}

testWorkerd("a Cloudflare worker runs the parts of a request at once, in a group", () =>
  withExample(async (server) => {
    assertEquals(await get(server, "/parts?seconds=0.02&seconds=0.01"), [200, "0.02 s, 0.01 s\n"]);
    assertEquals(await get(server, "/parts"), [200, "\n"]);
    assertEquals(await get(server, "/nowhere"), [404, "not found\n"]);
    assertEquals((await countsOf(server)).partsCleanedUp, 2);
  }));

testWorkerd("a Cloudflare worker cancels what takes too long", () =>
  withExample(async (server) => {
    assertEquals(await get(server, "/parts?seconds=60&seconds=0.01&limit=0.05"), [504, "too late\n"]);
    const { partsBegun, partsCleanedUp } = await countsOf(server);
    assertEquals([partsBegun, partsCleanedUp], [2, 2]);
  }));

testWorkerd(
  "an error in a coroutine of a Cloudflare worker fails its request only, and cancels the rest of its group",
  () =>
    withExample(async (server) => {
      const others = Promise.all(
        Array.from({ length: 20 }, (_, index) => get(server, `/parts?seconds=0.1&seconds=0.0${index % 9}`)),
      );
      for (let attempt = 0; attempt < 5; attempt++) {
        const [status, text] = await get(server, "/parts?seconds=60&seconds=oops");
        assertEquals(status, 500);
        assertStringIncludes(
          text,
          "TypeError: Cannot sleep as 'timeout' must be a number of seconds or a duration: current value is NaN",
        );
      }
      for (const [status, text] of await others) {
        assertEquals(status, 200);
        assertMatch(text, /^0.1 s, /);
      }
      const { partsBegun, partsCleanedUp } = await countsOf(server);
      assertEquals(partsBegun, partsCleanedUp);
    }),
);

testWorkerd(
  "a Cloudflare worker streams the messages of a channel, to many clients at once",
  () =>
    withExample(async (server) => {
      const wanted = [1, 2, 3, 4].map((n) => `data: ${n}\n\n`).join("");
      const streams = await Promise.all(Array.from({ length: 10 }, () => get(server, "/events?count=4")));
      for (const stream of streams) assertEquals(stream, [200, wanted]);
      const { stdout } = await new Deno.Command("curl", { args: ["-sN", `${server.url}/events?count=4`] }).output();
      assertEquals(new TextDecoder().decode(stdout), wanted);
      assertEquals((await countsOf(server)).streamsCleanedUp, 11);
    }),
);

testWorkerd(
  "a Cloudflare worker cleans up when the reader of a stream disconnects",
  () =>
    withExample(async (server) => {
      const controller = new AbortController();
      const response = await fetch(`${server.url}/events?count=100000`, { signal: controller.signal });
      const reader = response.body!.getReader();
      assertEquals(new TextDecoder().decode((await reader.read()).value), "data: 1\n\n");
      controller.abort();
      await reader.closed.catch(() => {});
      await countsBecome(server, ({ streamsCleanedUp }) => streamsCleanedUp === 1);
      // curl's own limit: it disconnects during the response.
      await new Deno.Command("curl", { args: ["-sN", "-m", "0.3", `${server.url}/events?count=100000`] }).output();
      await countsBecome(server, ({ streamsCleanedUp }) => streamsCleanedUp === 2);
      assertEquals(await get(server, "/parts?seconds=0.01"), [200, "0.01 s\n"]);
    }),
);

testWorkerd(
  "a Cloudflare worker cleans up when a client disconnects before the response",
  () =>
    withExample(async (server) => {
      const other = get(server, "/parts?seconds=1");
      await askAndReset(server, "/parts?seconds=60&seconds=60&limit=100", async () => {
        await countsBecome(server, ({ partsBegun }) => partsBegun === 3);
      });
      await countsBecome(server, ({ cancelled, partsCleanedUp }) => cancelled === 1 && partsCleanedUp >= 2);
      assertEquals(await other, [200, "1 s\n"]);
    }),
);

testWorkerd(
  "a Cloudflare worker serves thousands of requests, one by one and at once, in constant memory",
  () =>
    withExample(async (server) => {
      const batch = async (count: number, atOnce: number) => {
        let left = count;
        const client = async () => {
          while (left-- > 0) {
            assertEquals(await get(server, "/parts?seconds=0.001&seconds=0.002"), [200, "0.001 s, 0.002 s\n"]);
          }
        };
        await Promise.all(Array.from({ length: atOnce }, client));
      };
      await batch(200, 1);
      // The memory that the engine keeps grows at first.
      await batch(3_000, 20);
      const before = server.memory();
      await batch(3_000, 20);
      const grown = server.memory() - before;
      const { requests, partsBegun, partsCleanedUp } = await countsOf(server);
      assertEquals([requests, partsBegun, partsCleanedUp], [6_201, 12_400, 12_400]);
      // Garbage that the engine was not asked to collect; one kernel for each request would take 90 MB more.
      assertLess(grown, 96 * 2 ** 20);
    }),
);
