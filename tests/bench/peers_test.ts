/**
 * The benchmark of peers: all do the works correctly, one that does not gets no figure, and the same findings give the
 * same text.
 */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import type { Works } from "./peers/contender.ts";
import { works as csp } from "./peers/csp.ts";
import { enterEcho } from "./peers/echo.ts";
import { works as effect } from "./peers/effect.ts";
import { works as effection } from "./peers/effection.ts";
import { type Effort, effortOf } from "./peers/effort.ts";
import { checked, enter, pace } from "./peers/entrants.ts";
import { cellsOf, type Findings } from "./peers/findings.ts";
import { works as floor } from "./peers/floor.ts";
import { contend, prepare } from "./peers/measure.ts";
import { works as native } from "./peers/native.ts";
import { works as node } from "./peers/node.ts";
import { parseOptions } from "./peers/options.ts";
import { works as ours } from "./peers/ours.ts";
import { figuresPage, peersPage, ratio, shown } from "./peers/page.ts";
import { type PeerHere, PEERS } from "./peers/peers.ts";
import { Process } from "./peers/process.ts";
import { type Acquisition, type Found, numbers, shuffled, split, takeTurns } from "./peers/turns.ts";
import { BURST, type ContendedWork, RATE, type Row, WORKS } from "./peers/works.ts";

/** The peers that do their works in this process. */
const HERE: Readonly<Record<string, Works>> = { ours, floor, native, node, effect, effection, csp };

/** What is no work of the contender's own process. */
const OUTSIDE = WORKS.filter(({ kind }) => kind === "server" || kind === "program").map(({ name }) => name);

/** Small amounts, but large enough that all have begun before any ends. */
const STEPS = 20;
const littleOf = (name: string, unit: number) => name === "sleepers" ? 3 : unit * STEPS;

function work(name: string): ContendedWork {
  return WORKS.find((each) => each.name === name)!;
}

for (const [peer, works] of Object.entries(HERE)) {
  Deno.test(`${peer} does its works correctly, and has all that is declared`, async () => {
    for (const { name, unit, expected } of WORKS.filter(({ name }) => name in works)) {
      const amount = littleOf(name, unit);
      assertEquals(await works[name](amount), expected(amount), name);
    }
    const { lacks } = PEERS.find(({ name }) => name === peer)!;
    const within = (name: string) => !OUTSIDE.includes(name);
    const missing = WORKS.map(({ name }) => name).filter((name) => within(name) && !(name in works));
    assertEquals(missing, lacks.filter(within));
  });
}

const folder = await Deno.makeTempDir({ prefix: "peers_test" });
const INSTALLED = ["node", "bun", "asyncio", "go", "erlang"];
const { here } = await prepare(INSTALLED, folder).catch(async (error) => {
  await Deno.remove(folder, { recursive: true });
  throw error;
});
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

for (const name of INSTALLED) {
  const peer = here.find((each) => each.name === name);
  Deno.test({
    name: `${name} does its works correctly, if it is installed`,
    ignore: peer === undefined,
    fn: async () => {
      const { lacks } = PEERS.find((each) => each.name === name)!;
      for (const each of WORKS.filter(({ name }) => !OUTSIDE.includes(name) && !lacks.includes(name))) {
        const process = new Process(peer!.ready.start(each.name));
        try {
          const amount = littleOf(each.name, each.unit);
          const { ns } = await checked(each, process, amount, 60);
          assert(ns > 0, each.name);
        } finally {
          await process.stop();
        }
      }
    },
  });
}

const TINY: Effort = {
  ...effortOf({ quick: true, rounds: 2 }),
  warmUp: 0.001,
  repetition: 0.001,
  load: 0.1,
  limit: 60,
};

/** A peer that is a script. */
function scripted(name: string, script: string): PeerHere {
  const start = () => ({ command: Deno.execPath(), args: ["eval", script] });
  return { name, ready: { version: "", start } };
}

const answers = (answer: string) => `
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const amount = Number(text);
    console.log(JSON.stringify({ ns: 1e6, answer: ${answer} }));
  }`;

Deno.test("a peer that gives a wrong result, or ends, gets no figure, and the reason is printed", async () => {
  const peers = [
    scripted("ours", answers("amount")),
    scripted("effect", answers("amount - 1")),
    scripted("floor", `throw new Error("It is broken")`),
  ];
  const dropouts: Record<string, string> = {};
  const { ns } = await contend(work("switch"), peers, TINY, 1, ({ peer, why }) => dropouts[peer] = why);
  assertEquals(Object.keys(ns), ["ours"]);
  assertEquals(ns.ours, { median: 50, low: 50, high: 50, ratio: 1 });
  assertEquals(dropouts.effect, "wrong answer to 20000: 19999 in place of 20000");
  assertStringIncludes(dropouts.floor, "It is broken");
});

Deno.test("each set of rounds has fresh processes, and a peer that failed in one is not in the next", async () => {
  const starts: Record<string, number> = { ours: 0, go: 0 };
  const counted = (name: string, script: string): PeerHere => {
    const { ready } = scripted(name, script);
    return { name, ready: { ...ready, start: (work) => (starts[name]++, ready.start(work)) } };
  };
  const peers = [counted("ours", answers("amount")), counted("go", answers("amount + 1"))];
  const effort = { ...TINY, rounds: 5, sets: 3 };
  const dropouts: string[] = [];
  await contend(work("switch"), peers, effort, 1, ({ peer }) => dropouts.push(peer));
  assertEquals([starts, dropouts], [{ ours: 3, go: 1 }, ["go"]]);
});

Deno.test("a peer that is not installed is left out, and that is printed", async () => {
  const main = new URL("peers/main.ts", import.meta.url).pathname;
  const options = ["--quick", "--only", "ring", "--peers", "node,asyncio,go,erlang", "--rounds", "1"];
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", main, ...options], env: { PATH: "" } });
  const { success, stdout } = await command.output();
  const text = new TextDecoder().decode(stdout);
  assert(success, text);
  assertStringIncludes(text, "go: missing here");
  assertStringIncludes(text, "Not installed: Node.js, asyncio, Go, Erlang.");
});

Deno.test("a peer that takes longer than the limit gets no figure", async () => {
  const script = "await new Promise((resolve) => setTimeout(resolve, 60_000))";
  const process = new Process(scripted("slow", script).ready.start(""));
  try {
    await assertRejects(() => process.ask(1, 0.01), Error, "no answer within 0.01 s");
  } finally {
    await process.stop();
  }
});

Deno.test("every installed server serves the load correctly", async () => {
  const servers = PEERS.filter(({ lacks }) => !lacks.includes("echo")).map(({ name }) => name);
  const { here } = await prepare(servers, folder);
  for (const { name, ready } of here) {
    const server = await enterEcho(name, ready.start("echo"), 0.2);
    try {
      const { rate } = await server.take();
      assert(rate > 0, name);
    } finally {
      await server.stop();
    }
  }
});

Deno.test("every installed peer sends messages to another process and another thread, or says that it cannot", async () => {
  const { here } = await prepare(PEERS.map(({ name }) => name), folder);
  for (const each of WORKS.filter(({ kind }) => kind === "program")) {
    for (const peer of here) {
      const { lacks } = PEERS.find(({ name }) => name === peer.name)!;
      assertEquals(
        lacks.includes(each.name),
        peer.ready.senders?.[each.name] === undefined,
        `${peer.name} ${each.name}`,
      );
      if (lacks.includes(each.name)) continue;
      const sender = await enter(each, peer, { ...TINY, messages: 1_000 });
      try {
        const { rate, cpu } = await sender.take();
        assert(rate > 0 && cpu > 0, `${peer.name} ${each.name}: ${rate}, ${cpu}`);
      } finally {
        await sender.stop();
      }
    }
  }
});

Deno.test("tokens that come faster than a rate limiter may let them pass are no figure", () => {
  assertEquals(pace(BURST + RATE, 1e9), RATE);
  assertEquals(pace(BURST + RATE / 2, 1e9), RATE / 2);
  assertThrows(() => pace(BURST + RATE * 1.02, 1e9), Error, "102000 a second in place of 100000");
});

Deno.test("a server that gives a wrong response gets no figure", async () => {
  const wrong = scripted(
    "wrong",
    `
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    console.log(JSON.stringify({ port: listener.addr.port }));
    for await (const conn of listener) {
      const buffer = new Uint8Array(64);
      (async () => { while (await conn.read(buffer)) await conn.write(new Uint8Array(64)); })().catch(() => {});
    }`,
  );
  await assertRejects(() => enterEcho("wrong", wrong.ready.start("echo"), 0.2), Error, "wrong answers");
});

Deno.test("a peer that fails in one round takes part in no other, and the others go on", async () => {
  let taken = 0;
  const entrant = (peer: string, take: () => number): Acquisition => ({
    peer,
    take: () => Promise.resolve().then(() => ({ ns: take() })),
    stop: () => Promise.resolve(),
  });
  const failing = entrant("b", () => {
    if (++taken === 2) throw new Error("no more");
    return 1;
  });
  const found: Found = new Map([["a", []], ["b", []]]);
  const dropped: string[] = [];
  await takeTurns([entrant("a", () => 2), failing], 3, numbers(7), found, (peer) => dropped.push(peer));
  assertEquals([...found], [["a", [{ ns: 2 }, { ns: 2 }, { ns: 2 }]]]);
  assertEquals([dropped, taken], [["b"], 2]);
});

Deno.test("the seed determines an order that contains every peer", () => {
  const items = [1, 2, 3, 4, 5, 6, 7, 8];
  assertEquals(shuffled(items, numbers(3)), shuffled(items, numbers(3)));
  assert(String(shuffled(items, numbers(3))) !== String(shuffled(items, numbers(4))));
  assertEquals(shuffled(items, numbers(3)).sort(), items);
});

Deno.test("rounds are split evenly among sets, and no set is without any", () => {
  assertEquals([split(9, 3), split(5, 3), split(2, 3), split(1, 1)], [[3, 3, 3], [1, 2, 2], [1, 1], [1]]);
});

Deno.test("a ratio is the median of the rounds' ratios, and says how many times better this package is", () => {
  const found: Found = new Map([
    ["ours", [{ v: 1 }, { v: 4 }, { v: 2 }]],
    ["go", [{ v: 3 }, { v: 4 }, { v: 10 }]],
  ]);
  const row: Row = { figure: "v", title: "", unit: "", better: "less" };
  const less = cellsOf(row, found);
  assertEquals(less.go, { median: 4, low: 3, high: 10, ratio: 3 });
  assertEquals(less.ours.ratio, 1);
  assertEquals(cellsOf({ ...row, better: "more" }, found).go.ratio, 0.3333);
  assertEquals(cellsOf({ ...row, figure: "other" }, found), {});
});

function findings(): Findings {
  const cell = (median: number, ratio: number) => ({ median, low: median * 0.9, high: median * 1.1, ratio });
  return {
    machine: { date: "d", deno: "1", v8: "2", system: "s", processor: "p", cores: 2, gibibytes: 3 },
    quick: true,
    rounds: 3,
    seed: 1,
    crowd: 100_000,
    versions: { ours: "0", go: "Go 1.19" },
    missing: ["erlang"],
    cells: {
      switch: { ns: { ours: cell(20, 1), go: cell(66, 3.3) } },
      echo: { rate: { ours: cell(22_222, 1) }, cpu: {} },
    },
    dropouts: [{ peer: "go", work: "echo", why: "it ended" }],
  };
}

Deno.test("the same findings give the same table and chart, and missing ones are explained", () => {
  const text = peersPage.markdown(findings());
  assertEquals(text, peersPage.markdown(findings()));
  assertStringIncludes(text, "| switch, 1,000 coroutines, ns | **20**<br>18–22 | 66 (3.3 x)<br>59–73 |");
  assertStringIncludes(text, "| echo, 50 connections, requests/s | **22,200**<br>20,000–24,400 |  |");
  assertStringIncludes(text, "Go has no figure for `echo`: it ended. Not installed: Erlang.");
  const svgs = peersPage.svgs!(findings());
  assertEquals(svgs, peersPage.svgs!(findings()));
  assertMatch(svgs["peers.svg"], /^<svg .*class="ours".*<\/svg>\n$/s);
  assert(!/NaN|undefined|Infinity/.test(text + svgs["peers.svg"]));
});

Deno.test("the table of the README has a few of the findings, and an empty cell where one is missing", () => {
  const text = figuresPage.markdown(findings());
  assertStringIncludes(text, "| switch, ns | **20** | 66 (3.3 x) |");
  assertStringIncludes(text, "| echo server, requests/s | **22,200** |  |");
  assertStringIncludes(text, "`deno task bench:peers`, d, p, 2 cores, Deno 1, Go 1.19.");
});

Deno.test("figures have two or three digits", () => {
  assertEquals([0.0123, 1.26, 4, 18.4, 99.6, 104, 117_890].map(shown), [
    "0.012",
    "1.3",
    "4.0",
    "18",
    "100",
    "104",
    "118,000",
  ]);
  assertEquals([0.012, 0.5, 1.26, 18.4, 1_234].map(ratio), ["0.01 x", "0.50 x", "1.3 x", "18 x", "1,230 x"]);
});

Deno.test("options are read, and this package is always included", () => {
  const all = { only: WORKS.map(({ name }) => name), peers: PEERS.map(({ name }) => name) };
  assertEquals(parseOptions([]), { quick: false, write: false, ...all, rounds: 9, seed: 1 });
  assertEquals(parseOptions(["--quick", "--write"]), { quick: true, write: true, ...all, rounds: 3, seed: 1 });
  const some = parseOptions(["--only", "ring,switch", "--peers=go", "--rounds", "5", "--seed", "42"]);
  assertEquals([some.only, some.peers, some.rounds, some.seed], [["switch", "ring"], ["ours", "go"], 5, 42]);
});

Deno.test("invalid options are rejected, with the valid ones", () => {
  assertThrows(() => parseOptions(["--only", "swich"]), RangeError, "there are switch, spawn");
  assertThrows(() => parseOptions(["--peers", "rust"]), RangeError, "there are ours, floor");
  assertThrows(() => parseOptions(["--rounds", "0"]), RangeError, "Cannot take --rounds 0");
  assertThrows(() => parseOptions(["--write", "--only", "ring"]), RangeError, "Cannot write a part");
  assertThrows(() => parseOptions(["--fast"]), TypeError);
});
