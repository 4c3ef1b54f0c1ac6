/** The monitor page in headless Chromium. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { run, until } from "@asyncoro/asyncoro";
import { openPage } from "../../../core/cluster/page/open_page.ts";
import type { ComputationSnapshot } from "../../../core/cluster/page/snapshot.ts";
import { Chromium, type Page } from "../../package/browser/chromium.ts";
import { findRuntime } from "../../runtimes/find.ts";
import { aNode, ShownComputation } from "./snapshots.ts";

const chromium = await findRuntime("chromium");

const HOSTILE = `</script><img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`;

/** The text of an element; none while it is hidden, which `innerText` would have. */
const SEEN = `(element) => element.checkVisibility() ? element.innerText.trim() : ""`;

/** What a test of the page uses. */
interface View {
  readonly page: Page;
  readonly computation: ShownComputation;
  /** The text of an element, as it is seen; empty while it is hidden. */
  text(selector: string): Promise<string>;
  /** Waits until the text of an element is that; the page looks for changes once a second. */
  shows(selector: string, text: string | RegExp): Promise<void>;
  /** Closes the page of the computation, so that the connection is lost. */
  lose(): void;
}

interface PageTest {
  readonly name: string;
  /** What else there is to see when the page is opened. */
  readonly changes?: Partial<ComputationSnapshot>;
  /** Whether it calls `lose()`: the browser complains then. */
  readonly losesConnection?: boolean;
  readonly test: (view: View) => Promise<void>;
}

const TESTS: PageTest[] = [];

function onPage(name: string, test: PageTest["test"], options: Omit<PageTest, "name" | "test"> = {}): void {
  TESTS.push({ name, test, ...options });
}

Deno.test({ name: "the monitor page in Chromium", ignore: chromium === null }, async (t) => {
  const browser = await Chromium.start(chromium!);
  try {
    for (const test of TESTS) await t.step(test.name, () => inBrowser(browser, test));
  } finally {
    await browser.close();
  }
});

async function inBrowser(browser: Chromium, { test, changes, losesConnection }: PageTest): Promise<void> {
  const computation = new ShownComputation({
    name: "primes",
    state: "running",
    age: 75,
    nodes: [aNode(1, 3), aNode(2, 1, { state: "suspended" })],
    jobs: { waiting: 1234, running: 4, done: 30, failed: 1, lost: 0, retried: 2 },
    rate: 0.5,
    progress: { done: 30, total: 120 },
    ...changes,
  });
  await run(function* () {
    const monitor = yield* openPage(computation, {});
    const page = yield* until(browser.open(monitor.url));
    try {
      const text = (selector: string) => page.evaluate<string>(`(${SEEN})(document.querySelector("${selector}"))`);
      const shows = async (selector: string, expected: string | RegExp) => {
        for (let left = 200;; left--) {
          const actual = await text(selector);
          if (typeof expected === "string" ? actual === expected : expected.test(actual)) return;
          assert(left > 0, `${selector} shows ${actual} instead of ${expected}`);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      };
      yield* until(test({ page, computation, text, shows, lose: () => void monitor.close() }));
      if (losesConnection !== true) assertEquals(page.problems, []);
    } finally {
      yield* until(page.close());
      yield* monitor.close();
    }
  });
}

onPage("nodes, servers, jobs and progress are there at once", async ({ page, text }) => {
  assertEquals(await page.evaluate("document.title"), "30/120 \u00b7 primes");
  assertEquals(await text("header"), "primes\nrunning\nfor 1 min 15 s");
  assertEquals(await page.evaluate("document.querySelector('progress').value"), 0.25);
  assertEquals(await text("#progress-text"), "30 of 120 (25 %), about 3 min left");
  assertMatch(await text("#counts"), /Waiting\s+1,234/);
  assertEquals(await text("#totals"), "2 nodes, 4 servers, 4 ready");
  assertMatch(await text(".node:nth-child(2)"), /node 2\s+suspended\s+192\.168\.1\.2:9705 · linux-x86_64 · 8 CPUs/);
  assertMatch(await text(".node tbody tr:nth-child(3)"), /server 1\.3\s+ready\s+20 %\s+1\s+20/);
  assertEquals(
    await page.evaluate("document.querySelectorAll('.node tbody tr')[2].querySelector('[role=meter]').ariaValueNow"),
    "0.2",
  );
  assertEquals(await text("#no-failures"), "No job has failed.");
});

onPage("what changes is shown, and the rest stays untouched", async ({ page, computation, shows }) => {
  await page.evaluate("void (globalThis.row = document.querySelector('.node tbody tr'))");
  computation.change({
    state: "closing",
    // Node 2 is gone.
    nodes: [aNode(3, 2), aNode(1, 4)],
    failures: [{ at: 70, job: "divide", server: "server 1.1", error: "RangeError: by zero" }],
    progress: { done: 60, total: 120 },
    stored: { waiting: 5, dead: 6 },
  });
  await shows("#progress-text", /^60 of 120 \(50 %\)/);
  await shows("#state", "closing");
  await shows("#totals", "2 nodes, 6 servers, 6 ready");
  await shows("#counts", /Dead\s+6/);
  await shows("#failure-rows", /1 min 10 s\s+divide\s+server 1\.1\s+RangeError: by zero/);
  await shows("#failures-link", "1 recent failure");
  assert(await page.evaluate("document.querySelectorAll('.node')[1].querySelector('tbody tr') === globalThis.row"));
});

const HOSTILE_STATE: Partial<ComputationSnapshot> = {
  name: HOSTILE,
  nodes: [
    aNode(1, 0, { id: "__proto__", name: HOSTILE, address: HOSTILE, platform: HOSTILE }),
    aNode(2, 0, { servers: [{ ...aNode(2, 1).servers[0], id: HOSTILE, name: HOSTILE }] }),
  ],
  failures: [{ at: 1, job: HOSTILE, server: HOSTILE, error: HOSTILE }],
};

onPage("names and errors are text, whatever they are", async ({ page, computation, text, shows }) => {
  assertEquals(await text("#name"), HOSTILE);
  assertEquals(await text(".node h3"), HOSTILE);
  assertEquals(await text(".node:nth-child(2) tbody th"), HOSTILE);
  for (const part of ["job", "server", "error"]) {
    assertEquals(await text(`#failure-rows [data-part=${part}]`), HOSTILE);
  }
  const later = `${HOSTILE} later`;
  computation.change({ name: later, failures: [{ at: 1, job: later, server: later, error: later }] });
  await shows("#failure-rows [data-part=error]", later);
  assertEquals(await page.evaluate("document.title"), `30/120 \u00b7 ${later}`);
  assertEquals(await page.evaluate("document.querySelectorAll('img').length"), 0);
}, { changes: HOSTILE_STATE });

const LONG = "name".repeat(250);
const LONG_STATE: Partial<ComputationSnapshot> = {
  name: LONG,
  nodes: [
    ...Array.from({ length: 6 }, (_, index) => aNode(index, 10)),
    aNode(7, 1, { name: LONG, address: LONG, platform: LONG }),
  ],
  failures: [{ at: 1, job: LONG, server: LONG, error: LONG }],
};

onPage("60 servers and long names fit on a phone, in light and dark", async ({ page, text }) => {
  await page.send("Emulation.setDeviceMetricsOverride", {
    width: 320,
    height: 640,
    deviceScaleFactor: 1,
    mobile: true,
  });
  assertEquals(await text("#totals"), "7 nodes, 61 servers, 61 ready");
  assertEquals(await page.evaluate("document.documentElement.scrollWidth"), 320);
  const background = async (value: string) => {
    await page.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] });
    return await page.evaluate("getComputedStyle(document.body).backgroundColor");
  };
  assertEquals([await background("light"), await background("dark")], ["rgb(244, 245, 247)", "rgb(16, 19, 23)"]);
}, { changes: LONG_STATE });

onPage("what is not there is told, a lost connection too", async ({ page, text, shows, lose }) => {
  assertEquals(await text("#no-nodes"), "No node has been found yet.");
  assertEquals([await text("#progress"), await text("#failures"), await text("#failures-link")], ["", "", ""]);
  assertEquals(await text("#connection"), "");
  lose();
  await shows("#connection", /^The connection to the computation is lost\. Trying again\. What is shown is from .+\.$/);
  assertEquals(await text("#name"), "primes");
  assertEquals(page.problems.filter((problem) => !/ERR_CONNECTION|ERR_EMPTY/.test(problem)), []);
}, { changes: { nodes: [], progress: null }, losesConnection: true });
