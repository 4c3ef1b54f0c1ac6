/** The monitor page, as clients and programs see it. */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { all, Coro, race, run, Scheduler, sleep, UnsupportedError, until, withTimeout } from "@asyncoro/asyncoro";
import { type MonitorPageOptions, openPage } from "../../../core/cluster/page/open_page.ts";
import { runProgram, withPrograms } from "../../helpers/program.ts";
import { get, portOf } from "./raw_client.ts";
import { aNode, ShownComputation } from "./snapshots.ts";

/** Whether the port can be listened to, so that nothing else does. */
function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

/** Waits until the port is free. */
function* freed(port: number) {
  const look = function* () {
    while (!isFree(port)) yield* sleep(0.001);
  };
  yield* withTimeout(20, look());
}

const BUSY = new ShownComputation({
  state: "running",
  nodes: [aNode(1, 3), aNode(2, 1)],
  jobs: { waiting: 5, running: 4, done: 3, failed: 2, lost: 1, retried: 0 },
  rate: 1.5,
  failures: [{ at: 3, job: "divide", server: "server 1.1", error: "RangeError: by zero" }],
  progress: { done: 3, total: 10 },
  stored: { waiting: 7, dead: 8 },
});

Deno.test("the page and /state have the whole state, each time and for each viewer", async () => {
  await run(function* () {
    using page = yield* openPage(BUSY, {});
    const views = yield* all(...Array.from({ length: 10 }, () => get(page.url, "/state")));
    for (const { body } of views) assertEquals(JSON.parse(body), BUSY.snapshot());
    const { body } = yield* get(page.url);
    const [, initial] = /<script id="initial" type="application\/json">(.*?)<\/script>/s.exec(body)!;
    assertEquals(JSON.parse(initial), BUSY.snapshot());
  });
});

Deno.test("each request gets the state of that moment", async () => {
  const computation = new ShownComputation();
  await run(function* () {
    using page = yield* openPage(computation, {});
    for (let age = 0; age < 3; age++) {
      computation.change({ age });
      assertEquals(JSON.parse((yield* get(page.url, "/state")).body).age, age);
    }
  });
});

Deno.test("nothing may be cached, framed, guessed or told to others, and only the page's own code may run", async () => {
  await run(function* () {
    using page = yield* openPage(BUSY, {});
    for (const [path, type] of [["/", "text/html"], ["/state", "application/json"], ["/nothing", "text/plain"]]) {
      const { headers } = yield* get(page.url, path);
      assertEquals(headers.get("content-type"), `${type}; charset=utf-8`);
      assertEquals(headers.get("cache-control"), "no-store");
      assertEquals(headers.get("referrer-policy"), "no-referrer");
      assertEquals(headers.get("x-content-type-options"), "nosniff");
      assertEquals(headers.get("x-frame-options"), "DENY");
      assertEquals(headers.get("cross-origin-resource-policy"), "same-origin");
      assertEquals([...headers.keys()].filter((name) => name.startsWith("access-control")), []);
    }
    const policy = (yield* get(page.url)).headers.get("content-security-policy")!;
    assertMatch(policy, /^default-src 'none'; script-src 'sha256-[^' ]+'; style-src 'sha256-[^' ]+';/);
    assertMatch(policy, /frame-ancestors 'none'/);
    assert(!policy.includes("unsafe"));
  });
});

Deno.test("HEAD has the headers of GET, and no body", async () => {
  await run(function* () {
    using page = yield* openPage(BUSY, {});
    for (const path of ["/", "/state", "/nothing"]) {
      const [whole, head] = [yield* get(page.url, path), yield* get(page.url, path, "HEAD")];
      assertEquals(head.body, "");
      assertEquals(head.status, whole.status);
      const comparable = ({ headers }: typeof head) => [...headers].filter(([name]) => name !== "date").sort();
      assertEquals(comparable(head), comparable(whole));
    }
  });
});

Deno.test("other paths are 404", async () => {
  await run(function* () {
    using page = yield* openPage(BUSY, {});
    for (const path of ["/favicon.ico", "//", "/state/", "/../state", "http://127.0.0.1/state", "*"]) {
      const { status, body } = yield* get(page.url, path);
      assertEquals([status, body.includes("primes")], [404, false], path);
    }
  });
});

Deno.test("names and errors cannot end the data in the page, and are cut to 1000 characters", async () => {
  const hostile = `</script><script>alert(1)</script><!--<script>\u2028"'&`;
  const computation = new ShownComputation({
    name: hostile,
    failures: [{ at: 1, job: hostile, server: "", error: "x".repeat(5_000_000) }],
  });
  await run(function* () {
    using page = yield* openPage(computation, {});
    const { body } = yield* get(page.url);
    assertEquals(body.match(/<\/script/g)!.length, 2);
    assertEquals(body.includes("<!--"), false);
    const { name, failures: [{ job, error }] } = JSON.parse((yield* get(page.url, "/state")).body);
    assertEquals([name, job], [hostile, hostile]);
    assertEquals(error, `${"x".repeat(1000)}...`);
  });
});

Deno.test("a computation that cannot be shown is status 500 and a line on stderr, and the page goes on", async () => {
  const computation = new ShownComputation();
  const original = console.error;
  const printed: unknown[][] = [];
  console.error = (...args: unknown[]) => void printed.push(args);
  try {
    await run(function* () {
      using page = yield* openPage(computation, {});
      const failure = new Error("no snapshot");
      computation.snapshot = () => {
        throw failure;
      };
      const { status, body } = yield* get(page.url, "/state");
      assertEquals([status, body], [500, "Internal Server Error\n"]);
      assertEquals(printed, [["Error in the monitor page:", failure]]);
      computation.snapshot = () => computation.state;
      assertEquals((yield* get(page.url, "/state")).status, 200);
    });
  } finally {
    console.error = original;
  }
});

Deno.test("close() frees the port, with or without yield*, and may be repeated", async () => {
  await run(function* () {
    const page = yield* openPage(BUSY, {});
    yield* get(page.url);
    yield* page.close();
    assert(isFree(portOf(page.url)));
    yield* page.close();
    page.close();

    const other = yield* openPage(BUSY, { port: portOf(page.url) });
    assertEquals(portOf(other.url), portOf(page.url));
    other.close();
    yield* withTimeout(10, other.close());
    assert(isFree(portOf(page.url)));
  });
});

Deno.test("the page ends with the coroutine that opened it", async () => {
  await run(function* () {
    const opener = new Coro(function* () {
      return (yield* openPage(BUSY, {})).url;
    });
    const url = yield* opener.finish();
    yield* freed(portOf(url));
  });
});

Deno.test("the page ends with the scheduler", async () => {
  const scheduler = new Scheduler();
  const { promise, resolve } = Promise.withResolvers<string>();
  scheduler.spawn(function* (coro) {
    resolve((yield* openPage(BUSY, {})).url);
    yield* coro.sleep();
  });
  const port = portOf(await promise);
  await scheduler.terminate();
  await run(function* () {
    yield* freed(port);
  });
});

Deno.test("opening that is cut short leaves nothing open", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  await run(function* () {
    const first = yield* race(
      openPage(BUSY, { port }),
      (function* () {
        return "cut short";
      })(),
    );
    assertEquals(first, "cut short");
    // What began to listen later does so by now, and so would the page that was cut short.
    yield* (yield* openPage(BUSY, {})).close();
    yield* freed(port);
  });
});

Deno.test("a port that is in use is an error at the yield", async () => {
  await run(function* () {
    using page = yield* openPage(BUSY, {});
    const port = portOf(page.url);
    const second = run(function* () {
      yield* openPage(BUSY, { port });
    });
    yield* until(assertRejects(() => second, Error, "EADDRINUSE"));
  });
});

Deno.test("options that are not valid are errors before anything is opened", () => {
  const options = (value: unknown) => value as MonitorPageOptions;
  const cases: [unknown, typeof TypeError, string][] = [
    [{ host: "a" }, TypeError, "Cannot open a monitor page as there is no option 'host': use hostname, port, token"],
    [{ hostname: 5 }, TypeError, "Cannot open a monitor page as 'hostname' must be a string: current value is 5"],
    [
      { hostname: "" },
      TypeError,
      "Cannot open a monitor page as 'hostname' must be a string that is not empty: current value is \"\"",
    ],
    [{ port: "80" }, TypeError, "Cannot open a monitor page as 'port' must be a number: current value is \"80\""],
    [
      { port: 65_536 },
      RangeError,
      "Cannot open a monitor page as 'port' must be an integer from 0 to 65535: current value is 65536",
    ],
    [
      { token: "" },
      TypeError,
      "Cannot open a monitor page as 'token' must be a string that is not empty: current value is \"\"",
    ],
    [null, TypeError, "Cannot open a monitor page as 'options' must be an object: current value is null"],
  ];
  for (const [value, kind, message] of cases) {
    const error = assertThrows(() => openPage(BUSY, options(value)), kind);
    assertEquals(error.message, message);
  }
});

Deno.test("where there is no node:http, that is an UnsupportedError", async () => {
  const { process } = globalThis as unknown as { process: { getBuiltinModule: unknown } };
  const { getBuiltinModule } = process;
  Object.assign(process, { getBuiltinModule: undefined });
  try {
    const opening = run(function* () {
      yield* openPage(BUSY, {});
    });
    await assertRejects(() => opening, UnsupportedError, "Cannot open a monitor page");
  } finally {
    Object.assign(process, { getBuiltinModule });
  }
});

const PROGRAM = `
import { Coro, main, run } from "@asyncoro/asyncoro";
import { openPage } from "${new URL("../../../core/cluster/page/open_page.ts", import.meta.url)}";
import { ShownComputation } from "${new URL("snapshots.ts", import.meta.url)}";
`;

Deno.test("a page of a daemon does not keep the process alive", async () => {
  const { code, stdout } = await runProgram(
    `${PROGRAM}
await run(function* (coro) {
  const daemon = new Coro(function* () {
    coro.send((yield* openPage(new ShownComputation(), {})).url);
    yield new Promise(() => {});
  });
  daemon.setDaemon();
  console.log(yield* coro.receive());
});`,
    ["--allow-net=127.0.0.1"],
  );
  assertMatch(stdout, /^http:/);
  assertEquals(code, 0);
});

Deno.test("while other coroutines wait, the page is there to be looked at", async () => {
  await withPrograms(async (start) => {
    const program = start(
      `${PROGRAM}
main(function* (coro) {
  const page = yield* openPage(new ShownComputation(), {});
  console.log(page.url + " ready");
  yield* coro.receive();
});`,
      ["--allow-net=127.0.0.1"],
    );
    const [url] = (await program.printed("ready")).split(" ");
    const response = await fetch(url);
    assertEquals(response.status, 200);
    await response.body!.cancel();
    program.kill("SIGTERM");
    assertEquals((await program.ended()).code, 143);
  });
});
