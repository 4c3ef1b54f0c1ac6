/**
 * Daily rotation in virtual time. What is expected is found in another way than the program's: by going through the
 * years in steps and looking at what `Intl.DateTimeFormat` makes of each instant.
 */
import { assert, assertEquals } from "@std/assert";
import * as asyncio from "@asyncoro/asyncoro/asyncio";
import { State } from "../../../examples/logrotate/state.ts";
import { daily, VirtualWorld } from "./virtual_world.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;
// Every offset and every change of one is a multiple of it.
const STEP = 15 * 60 * 1000;

/** Makes `2018-02-17 23:30` of an instant. */
function localTimes(timeZone: string): (instant: number) => string {
  const two = "2-digit" as const;
  // Swedes write dates that way.
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    year: "numeric",
    month: two,
    day: two,
    hour: two,
    minute: two,
    hourCycle: "h23",
  });
  return (instant) => format.format(instant);
}

/**
 * When a daily rotation is due from `start` on: for each date that the zone's clocks show, the first instant at which
 * they have reached the date and time.
 */
function expectedRotations(timeZone: string, at: string, start: string, end: string): string[] {
  const instants = whatClocksShow(timeZone, start, end);
  const dates = [...new Set(instants.map(({ shows }) => shows.slice(0, 10)))].sort();
  const found: string[] = [];
  let index = 0;
  for (const { instant, shows } of instants) {
    // Rotations of two dates at once are one.
    const before = index;
    while (index < dates.length && `${dates[index]} ${at}` <= shows) index++;
    if (index > before) found.push(new Date(instant).toISOString().replace(".000", ""));
  }
  // What was due when it began is not made up for.
  return found.filter((instant) => Date.parse(instant) > Date.parse(start));
}

interface Shown {
  readonly instant: number;
  readonly shows: string;
}

const shown = new Map<string, Shown[]>();

function whatClocksShow(timeZone: string, start: string, end: string): Shown[] {
  const key = `${timeZone} ${start} ${end}`;
  const local = localTimes(timeZone);
  const found = shown.get(key) ??
    range(Date.parse(start), Date.parse(end)).map((instant) => ({ instant, shows: local(instant) }));
  shown.set(key, found);
  return found;
}

function range(start: number, end: number): number[] {
  return Array.from({ length: (end - start) / STEP + 1 }, (_, index) => start + index * STEP);
}

const YEARS: [timeZone: string, start: string, end: string, why: string][] = [
  ["Europe/London", "2015-12-31T12:00:00Z", "2017-12-31T12:00:00Z", "changes at 01:00 UTC"],
  ["America/Sao_Paulo", "2016-12-31T12:00:00Z", "2018-12-31T12:00:00Z", "midnight is skipped, 23:00 to 24:00 repeated"],
  ["Asia/Beirut", "2020-12-31T12:00:00Z", "2022-12-31T12:00:00Z", "midnight is skipped, 23:00 to 24:00 repeated"],
  ["Pacific/Apia", "2010-12-31T12:00:00Z", "2012-12-31T12:00:00Z", "a date is skipped"],
  ["America/Havana", "2016-12-31T12:00:00Z", "2018-12-31T12:00:00Z", "midnight comes twice"],
  ["Australia/Lord_Howe", "2016-12-31T12:00:00Z", "2018-12-31T12:00:00Z", "half an hour is skipped or repeated"],
];

for (const [timeZone, start, end, why] of YEARS) {
  for (const at of ["00:00", "00:30", "01:30", "02:30", "23:30"]) {
    Deno.test(`two years of rotations at ${at} in ${timeZone} come at the right instants (${why})`, async () => {
      const world = new VirtualWorld(start, 8 * HOUR);
      await world.runFor((Date.parse(end) - Date.parse(start)) / 1000, daily(at, timeZone));
      const expected = expectedRotations(timeZone, at, start, end);
      assert(expected.length >= 728 && expected.length <= 731, `it expects ${expected.length}`);
      assertEquals(world.rotations.map(({ instant }) => instant), expected);
    });
  }
}

Deno.test("clocks that go back over midnight just after it do not let it rotate again", async () => {
  // Until 2011 they went from 00:01 back to 23:01 there.
  const [timeZone, start] = ["America/Goose_Bay", "2010-10-01T12:00:00Z"];
  const world = new VirtualWorld(start, HOUR);
  await world.runFor(60 * DAY, daily("00:00", timeZone));
  const instants = world.rotations.map(({ instant }) => instant);
  assertEquals(instants, expectedRotations(timeZone, "00:00", start, world.now().toString()));
  assertEquals(instants.slice(35, 38), ["2010-11-06T03:00:00Z", "2010-11-07T03:00:00Z", "2010-11-08T04:00:00Z"]);
});

Deno.test("what is expected of zones with odd days is what their clocks showed", () => {
  const around = (timeZone: string, at: string, start: string, end: string) =>
    expectedRotations(timeZone, at, `${start}T12:00:00Z`, `${end}T12:00:00Z`);
  // Clocks went from 00:00 to 01:00 on the 15th.
  assertEquals(around("America/Sao_Paulo", "00:00", "2017-10-14", "2017-10-16"), [
    "2017-10-15T03:00:00Z",
    "2017-10-16T02:00:00Z",
  ]);
  assertEquals(around("America/Sao_Paulo", "00:30", "2017-10-14", "2017-10-15"), ["2017-10-15T03:00:00Z"]);
  // Clocks went from 24:00 on the 17th back to 23:00.
  assertEquals(around("America/Sao_Paulo", "23:30", "2018-02-17", "2018-02-19"), [
    "2018-02-18T01:30:00Z",
    "2018-02-19T02:30:00Z",
  ]);
  // Clocks went from 01:00 back to 00:00 on the 5th.
  assertEquals(around("America/Havana", "00:30", "2017-11-04", "2017-11-06"), [
    "2017-11-05T04:30:00Z",
    "2017-11-06T05:30:00Z",
  ]);
  // There was no 30 December.
  assertEquals(around("Pacific/Apia", "05:00", "2011-12-28", "2012-01-01"), [
    "2011-12-28T15:00:00Z",
    "2011-12-29T15:00:00Z",
    "2011-12-30T15:00:00Z",
    "2011-12-31T15:00:00Z",
  ]);
});

Deno.test("rotations are right in the weeks around a change of clocks", async () => {
  for (const [timeZone, start] of [["Europe/London", "2016-10-28"], ["America/Sao_Paulo", "2017-10-13"]]) {
    const world = new VirtualWorld(`${start}T12:00:00Z`);
    await world.runFor(4 * DAY, daily("01:30", timeZone));
    const end = world.now().toString();
    assertEquals(
      world.rotations.map(({ instant }) => instant),
      expectedRotations(timeZone, "01:30", `${start}T12:00:00Z`, end),
    );
  }
});

Deno.test("a clock that is put forward over the time of day lets it rotate within a minute, once", async () => {
  const world = new VirtualWorld("2018-03-05T20:00:00Z");
  await world.run([daily("00:00", "UTC")], function* () {
    yield* asyncio.sleep(30);
    world.jump(5 * HOUR);
    yield* asyncio.sleep(60);
    assertEquals(world.rotations.length, 1);
    yield* asyncio.sleep(22 * HOUR);
  });
  assertEquals(world.rotations.map(({ instant }) => instant), ["2018-03-06T01:01:00Z"]);
});

Deno.test("a clock that is put back over the time of day does not let it rotate for that date again", async () => {
  const world = new VirtualWorld("2018-03-05T23:00:00Z");
  await world.run([daily("00:00", "UTC")], function* () {
    yield* asyncio.sleep(1.5 * HOUR);
    world.jump(-HOUR);
    yield* asyncio.sleep(DAY);
    world.jump(-3 * DAY);
    yield* asyncio.sleep(4 * DAY);
  });
  assertEquals(world.rotations.map(({ instant }) => instant), ["2018-03-06T00:00:00Z", "2018-03-07T00:00:00Z"]);
});

Deno.test("a sleep of the machine over several dates is made up for by one rotation", async () => {
  const world = new VirtualWorld("2018-03-05T12:00:00Z");
  await world.run([daily("00:00", "UTC")], function* () {
    yield* asyncio.sleep(HOUR + 30);
    // The clock of the loop stands still meanwhile.
    world.jump(3.5 * DAY);
    yield* asyncio.sleep(DAY);
  });
  assertEquals(world.rotations.map(({ instant }) => instant), ["2018-03-09T01:01:00Z", "2018-03-10T00:00:00Z"]);
});

Deno.test("a clock that was years ahead for a while does not stop rotations for years", async () => {
  const world = new VirtualWorld("2018-03-05T12:00:00Z");
  await world.run([daily("00:00", "UTC")], function* () {
    yield* asyncio.sleep(HOUR);
    world.jump(3650 * DAY);
    yield* asyncio.sleep(HOUR);
    world.jump(-3650 * DAY);
    yield* asyncio.sleep(2 * DAY);
  });
  assertEquals(world.rotations.map(({ instant }) => instant.slice(0, 13)), [
    "2028-03-02T13",
    "2018-03-06T00",
    "2018-03-07T00",
  ]);
});

/** A small generator of numbers from 0 to 1, the same for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

for (const seed of [1, 2, 3, 4]) {
  Deno.test(`whatever the clock does, it rotates once for each date that comes (seed ${seed})`, async () => {
    const next = random(seed);
    const world = new VirtualWorld("2017-10-08T12:00:00Z");
    const [timeZone, at] = ["America/Sao_Paulo", "00:30"];
    const local = localTimes(timeZone);
    const shows = () => local(world.now().epochMilliseconds);
    // The date that clocks show, and those of which they have reached the time.
    const reached = () => shows().slice(11) >= at ? shows().slice(0, 10) : dayBefore(shows().slice(0, 10));
    const start = reached();
    let latest = start;
    await world.run([daily(at, timeZone)], function* () {
      for (let jumps = 0; jumps < 40; jumps++) {
        yield* asyncio.sleep(Math.floor(next() * 12 * HOUR));
        if (reached() > latest) latest = reached();
        world.jump(Math.floor((next() - 0.45) * 30 * HOUR));
        yield* asyncio.sleep(61);
        if (reached() > latest) latest = reached();
        const done = world.rotations.at(-1)?.dates[`${at} ${timeZone}`] ?? start;
        assertEquals(done, latest, `at ${shows()}`);
      }
    });
    const dates = world.rotations.map(({ dates }) => dates[`${at} ${timeZone}`]);
    assertEquals(dates, [...new Set(dates)].sort(), "a date was rotated for twice, or out of order");
    assert(dates.length > 10, `only ${dates.length} rotations`);
  });
}

function dayBefore(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) - DAY * 1000).toISOString().slice(0, 10);
}

Deno.test("a date is rotated for once across restarts, and made up for if the program did not run", async () => {
  const folder = await Deno.makeTempDir({ prefix: "asyncoro-" });
  const rotations: string[] = [];
  const run = async (start: string, seconds: number) => {
    using state = new State(`${folder}/state.json`);
    const world = new VirtualWorld(start, 60, state);
    await world.runFor(seconds, daily("00:00", "Europe/London"));
    rotations.push(...world.rotations.map(({ instant }) => instant));
  };
  // In summer time, midnight is 23:00 UTC.
  await run("2016-10-28T22:00:00Z", 2 * HOUR);
  await run("2016-10-29T00:10:00Z", HOUR);
  await run("2016-10-29T22:59:00Z", 61);
  await run("2016-10-29T23:01:00Z", DAY);
  await run("2016-11-02T09:00:00Z", HOUR);
  await run("2016-11-02T10:00:00Z", HOUR);
  await Deno.remove(folder, { recursive: true });
  assertEquals(rotations, [
    "2016-10-28T23:00:00Z",
    "2016-10-29T23:00:00Z",
    "2016-11-02T09:00:00Z",
  ]);
});
