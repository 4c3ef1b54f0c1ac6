/** Several policies for one log, in virtual time: they do not trip over each other, and what fails is tried again. */
import { assert, assertEquals } from "@std/assert";
import * as asyncio from "@asyncoro/asyncoro/asyncio";
import type { Policy } from "../../../examples/logrotate/config.ts";
import { LogFiles } from "../../../examples/logrotate/rotate.ts";
import { type Memory, State } from "../../../examples/logrotate/state.ts";
import { Crash, FailingFiles } from "./failing_files.ts";
import { LogFolder } from "./log_folder.ts";
import { daily, VirtualWorld } from "./virtual_world.ts";

const HOUR = 3600;

function every(seconds: number): Policy {
  return { type: "interval", every: seconds };
}

function over(maxBytes: number, checkEvery: number): Policy {
  return { type: "size", maxBytes, checkEvery, watch: false };
}

function seconds(world: VirtualWorld): number[] {
  return world.rotations.map(({ seconds }) => seconds);
}

Deno.test("an interval policy rotates at each interval, the first time after one", async () => {
  const world = new VirtualWorld("2018-03-05T12:00:00Z");
  await world.runFor(100, every(30));
  assertEquals(seconds(world), [30, 60, 90]);
});

Deno.test("a size policy rotates what is larger than its limit when it looks", async () => {
  const world = new VirtualWorld("2018-03-05T12:00:00Z");
  await world.run([over(1000, 60)], function* () {
    world.size = 1000;
    yield* asyncio.sleep(90);
    world.size = 1001;
    yield* asyncio.sleep(90);
  });
  assertEquals(seconds(world), [120]);
});

Deno.test("policies that are due at the same time rotate once", async () => {
  const world = new VirtualWorld("2018-03-05T20:00:00Z");
  world.size = 5000;
  world.rotationSeconds = 5;
  await world.run(
    [every(4 * HOUR), daily("00:00", "UTC"), daily("01:00", "Europe/Paris"), over(1000, 4 * HOUR)],
    function* () {
      yield* asyncio.sleep(1);
      world.size = 0;
      yield* asyncio.sleep(4 * HOUR - 2);
      world.size = 5000;
      yield* asyncio.sleep(2 * HOUR);
    },
  );
  assertEquals(seconds(world), [5, 4 * HOUR + 5]);
});

Deno.test("a log found too large again and again while it is rotated slowly is rotated once", async () => {
  const world = new VirtualWorld("2018-03-05T12:00:00Z");
  world.rotationSeconds = 10;
  world.size = 5000;
  await world.runFor(60, over(1000, 1), over(2000, 0.5), over(3000, 0.3));
  assertEquals(seconds(world), [10]);
});

Deno.test("any rotation starts an interval anew", async () => {
  const world = new VirtualWorld("2018-03-05T12:00:00Z");
  await world.run([every(30), over(1000, 1)], function* () {
    yield* asyncio.sleep(19.5);
    world.size = 1001;
    yield* asyncio.sleep(50);
  });
  assertEquals(seconds(world), [20, 50]);
});

Deno.test("a rotation after the time of day makes the daily one needless, one before it does not", async () => {
  const world = new VirtualWorld("2018-03-05T12:00:00Z");
  await world.run([daily("00:00", "UTC"), over(1000, 1)], function* () {
    yield* asyncio.sleep(12 * HOUR - 5.5);
    world.size = 1001;
    yield* asyncio.sleep(10);
    // Over the next midnight, at a moment when the daily policy looks again only in a while.
    world.jump(24 * HOUR);
    world.size = 1001;
    yield* asyncio.sleep(2 * HOUR);
  });
  assertEquals(world.rotations.map(({ instant }) => instant), [
    "2018-03-05T23:59:55Z",
    "2018-03-06T00:00:00Z",
    "2018-03-07T00:00:05Z",
  ]);
});

Deno.test("a rotation that fails is reported and tried again, no sooner than usual", async () => {
  const world = new VirtualWorld("2018-03-05T23:00:00Z");
  world.failure = new Error("no space left");
  await world.run([every(600), daily("00:00", "UTC")], function* () {
    yield* asyncio.sleep(HOUR + 90);
    world.failure = null;
    yield* asyncio.sleep(60);
  });
  assertEquals(new Set(world.failures), new Set(["app.log: no space left"]));
  // Six for the interval, two for the date.
  assertEquals(world.failures.length, 8);
  assertEquals(world.rotations.map(({ instant }) => instant), ["2018-03-06T00:02:00Z"]);
});

Deno.test("the interval since the last rotation is kept across restarts", async () => {
  await using folder = await LogFolder.make({ quick: true });
  const rotations: string[] = [];
  for (const [start, seconds] of [["2018-03-05T12:00:00Z", 50], ["2018-03-05T12:00:55Z", 50]] as const) {
    using state = new State(folder.at("state.json"));
    const world = new VirtualWorld(start, 60, state);
    await world.runFor(seconds, every(60));
    rotations.push(...world.rotations.map(({ instant }) => instant));
  }
  assertEquals(rotations, ["2018-03-05T12:01:00Z"]);
});

Deno.test("two rotators cannot work with one state file", async () => {
  await using folder = await LogFolder.make({ quick: true });
  const file = folder.at("state.json");
  {
    using _ = new State(file);
    let message = "";
    try {
      new State(file);
    } catch (error) {
      message = (error as Error).message;
    }
    assertEquals(message, `Cannot start as another log rotator works with ${file}`);
    using other = new State(file, true);
    assertEquals(other.of("a"), undefined);
  }
  using again = new State(file);
  assertEquals(again.of("a"), undefined);
});

for (const copyTruncate of [false, true]) {
  const mode = copyTruncate ? "copying" : "renaming";
  Deno.test(`wherever it crashes, it has recorded whether it has rotated for the date: ${mode}`, async () => {
    let crashed = true;
    let changes = 0;
    for (; crashed; changes++) {
      await using folder = await LogFolder.make({ quick: true });
      const log = { path: folder.at("app.log"), keep: 2, gzip: true, gzipFrom: 1, create: false, copyTruncate };
      const config = { ...log, policies: [] };
      const before: Memory = { rotated: "2018-03-05T00:00:00Z", dates: { midnight: "2018-03-05" } };
      const after: Memory = { rotated: "2018-03-06T00:00:00Z", dates: { midnight: "2018-03-06" } };
      await folder.write("app.log", folder.takeLines(3));
      {
        using state = new State(folder.at("state.json"));
        state.set(config.path, before);
      }
      const { fs } = new FailingFiles(changes);
      crashed = await crashes(async () => {
        using state = new State(folder.at("state.json"), false, fs);
        await new LogFiles(config, fs).rotate(state.journal(config.path, () => after));
      });
      using state = new State(folder.at("state.json"));
      await new LogFiles(config).recover(state.journal(config.path, () => after));
      const [[, ...old]] = await folder.contents();
      assertEquals(state.of(config.path), old.length === 1 ? after : before, `crash after ${changes} changes`);
      assertEquals(JSON.parse(await Deno.readTextFile(folder.at("state.json")))[config.path], state.of(config.path));
    }
    assert(changes > 10, `only ${changes} changes`);
  });
}

async function crashes(action: () => Promise<void>): Promise<boolean> {
  try {
    await action();
    return false;
  } catch (error) {
    if (error instanceof Crash) return true;
    throw error;
  }
}
