/** The package in a browser: bundled, in headless Chromium, under a strict Content-Security-Policy. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { findRuntime } from "../runtimes/find.ts";
import { Chromium, type Page } from "./browser/chromium.ts";
import { serveSite } from "./browser/site.ts";

const chromium = await findRuntime("chromium");

const PROGRAM = new URL("browser/program.ts", import.meta.url);
const INIT_PROGRAM = new URL("browser/init_program.ts", import.meta.url);
const STRICT = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'";

const PAGES = {
  strict: { program: PROGRAM, policy: STRICT },
  classic: { program: PROGRAM, policy: STRICT, format: "iife" },
  "no-wasm": { program: PROGRAM, policy: "default-src 'none'; script-src 'self'" },
  init: { program: INIT_PROGRAM, policy: `${STRICT}; connect-src 'self'` },
  "init-no-wasm": { program: INIT_PROGRAM, policy: "default-src 'none'; script-src 'self'; connect-src 'self'" },
} as const;

/** The body of a test of a page. */
type PageTest = (page: Page) => Promise<void>;

const TESTS: { name: string; path: keyof typeof PAGES; test: PageTest; complaints?: RegExp }[] = [];

/** Adds a test of a page. `complaints` are the expected complaints of the browser; none, if it is left out. */
function onPage(path: keyof typeof PAGES, name: string, test: PageTest, complaints?: RegExp): void {
  TESTS.push({ name: `${name} (page '${path}')`, path, test, complaints });
}

Deno.test({ name: "the package in Chromium", ignore: chromium === null }, async (t) => {
  const site = await serveSite(PAGES);
  const browser = await Chromium.start(chromium!);
  try {
    for (const { name, path, test, complaints } of TESTS) {
      await t.step(name, async () => {
        const page = await browser.open(site.url(path));
        try {
          await test(page);
          // Complaints are events of the page, which may still be on their way.
          await page.evaluate("new Promise((resolve) => setTimeout(resolve, 50))");
          if (complaints === undefined) assertEquals(page.problems, []);
          else assertMatch(page.problems.join("\n"), complaints);
        } finally {
          await page.close();
        }
      });
    }
  } finally {
    await browser.close();
    await site.stop();
  }
});

function answers(page: Page, scenario: string, ...args: unknown[]): Promise<unknown> {
  return page.evaluate(`scenarios.${scenario}(...${JSON.stringify(args)})`);
}

for (const path of ["strict", "classic"] as const) {
  onPage(path, "coroutines run in turn, and the scheduler is joined", async (page) => {
    assertEquals(await answers(page, "spawnAndJoin"), "a0 b0 c0 a1 b1 c1");
  });
}

onPage("strict", "sleepers wake in the order of their deadlines, none too early", async (page) => {
  assertEquals(await answers(page, "sleepers"), { order: [0.01, 0.02, 0.03], early: [false, false, false] });
});

onPage("strict", "messages go to and fro", async (page) => {
  assertEquals(await answers(page, "messages"), 1_001_000);
});

onPage("strict", "a channel delivers to its subscribers", async (page) => {
  assertEquals(await answers(page, "channels"), { reached: 2, values: [21, 42] });
});

onPage("strict", "a lock is held by one at a time, in order", async (page) => {
  assertEquals(await answers(page, "locks"), "a in, a out, b in, b out, c in, c out");
});

onPage("strict", "waits end in time, and what they wrapped is cleaned up", async (page) => {
  const expected = { message: "none", quicker: "short", late: true, cleaned: true, timers: 0 };
  assertEquals(await answers(page, "timeouts"), expected);
});

onPage("strict", "events and promises of the page wake coroutines", async (page) => {
  assertEquals(await answers(page, "pageEvents"), ["an event", "a promise"]);
});

for (const count of [1, 1000]) {
  onPage(
    "strict",
    `beside coroutines that never wait, the page draws, receives events and has its timers: ${count}`,
    async (page) => {
      const busy = answers(page, "activityBeside", count, 2) as Promise<Record<string, number>>;
      for (let i = 0; i < 10; i++) await page.click(10, 10);
      const { frames, timeouts, messages, clicks, switches } = await busy;
      // An idle page has about 60 frames a second. The limits leave room for a busy machine.
      assert(switches > 10_000, `${switches} switches`);
      assert(
        frames > 10 && timeouts > 10 && messages > 10,
        `${frames} frames, ${timeouts} timeouts, ${messages} messages`,
      );
      assert(clicks > 0, `${clicks} clicks`);
    },
  );
}

onPage("strict", "nothing wakes the page while all coroutines wait", async (page) => {
  const counts = { setTimeout: 0, setInterval: 0, queueMicrotask: 0, requestAnimationFrame: 0, postMessage: 0 };
  assertEquals(await answers(page, "idle", 1), { counts, live: 5, ready: 0 });
});

onPage("strict", "daemons run as fast as others, as a page does not end for want of them", async (page) => {
  assertEquals(await answers(page, "daemon", 0.2), { timers: 0, ran: true });
});

onPage("strict", "using what browsers have not is an error that names it", async (page) => {
  const lacks = (action: string, what: string) =>
    `UnsupportedError: Cannot ${action} as this runtime has no ${what}: run it with Deno`;
  assertEquals(await answers(page, "unsupported"), {
    connect: lacks("connect", "Deno.connect"),
    listen: lacks("listen", "Deno.listen"),
    bind: lacks("bind a datagram socket", "node:dgram"),
    command: lacks("start a process", "Deno.Command"),
    open: lacks("open a file", "Deno.open"),
    readline: lacks("read standard input", "Deno.stdin"),
    pool: lacks("make a pool of workers", "workers (node:worker_threads)"),
    database: lacks("make a pool of workers", "workers (node:worker_threads)"),
  });
});

onPage("no-wasm", "a policy without 'wasm-unsafe-eval' is an error that says what to do", async (page) => {
  assertMatch(
    await page.evaluate("Promise.resolve().then(scenarios.locks).catch(String)"),
    /UnsupportedError: Cannot run coroutines as this runtime forbids compiling WebAssembly: .* add 'wasm-unsafe-eval' to /,
  );
}, /wasm/);

onPage("init", "a kernel that the page fetched is used, and none compiled", async (page) => {
  assertEquals(await answers(page, "fetched"), { value: "ran", compiledHere: 0 });
});

onPage("init-no-wasm", "the policy is asked for a fetched kernel too", async (page) => {
  const error = await page.evaluate("scenarios.fetched().catch(String)");
  assertMatch(error as string, /^CompileError: .*Content Security/);
}, /wasm/);
