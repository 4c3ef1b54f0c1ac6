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

/** What a test does with a page. */
type PageTest = (page: Page) => Promise<void>;

const TESTS: { name: string; path: keyof typeof PAGES; test: PageTest; complaints?: RegExp }[] = [];

/** Adds a test of a page. `complaints` is what the browser is to complain of; nothing, if it is left out. */
function onPage(path: keyof typeof PAGES, name: string, test: PageTest, complaints?: RegExp): void {
  TESTS.push({ name: `${name} (page '${path}')`, path, test, complaints });
}

Deno.test({ name: "the package in Chromium", ignore: chromium === null }, async (t) => {
  const site = serveSite(PAGES);
  const browser = await Chromium.start(chromium!);
  try {
    for (const { name, path, test, complaints } of TESTS) {
      await t.step(name, async () => {
        const page = await browser.open(site.url(path));
        try {
          await test(page);
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
  onPage("strict", `${count} coroutines that never wait leave the page its turns`, async (page) => {
    const idle = await answers(page, "activityBeside", 0, 1);
    const busy = answers(page, "activityBeside", count, 1);
    for (let i = 0; i < 5; i++) await page.click(10, 10);
    console.log(idle, await busy);
  });
}
