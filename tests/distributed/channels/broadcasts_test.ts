/** What is kept of broadcasts that are under way. */
import { Scheduler } from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Broadcasts } from "../../../core/distributed/channels/broadcasts.ts";
import { Location } from "../../../core/distributed/location.ts";
import type { Peer } from "../../../core/distributed/peers/peer.ts";
import { PeerId } from "../../../core/distributed/session/peer_id.ts";

function idOf(number: number): PeerId {
  return new PeerId(new Uint8Array(16).fill(number));
}

function peerOf(number: number): Peer {
  return { location: new Location(idOf(number), `peer ${number}`, []) } as unknown as Peer;
}

/** The broadcasts of peer 1, and what it has told its peers. */
async function inLab(
  test: (broadcasts: Broadcasts, told: string[], wait: (seconds: number) => Promise<void>, online: Peer[]) => unknown,
): Promise<void> {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const told: string[] = [];
  const online: Peer[] = [];
  const broadcasts = new Broadcasts({
    loop: scheduler.loop,
    id: idOf(1),
    online: () => online,
    tellSettled: (peer, origin, number) => told.push(`${peer.location.name}: ${origin[0]} up to ${number}`),
  });
  const wait = (seconds: number): Promise<void> =>
    scheduler.spawn(function* (coro) {
      yield* coro.sleep(seconds);
    }).value();
  await test(broadcasts, told, wait, online);
  broadcasts.stop();
  await scheduler.terminate();
}

Deno.test("a broadcast that returns to its origin finds what it has reached there, until it has come to its end", () =>
  inLab((broadcasts) => {
    const [first, second] = [new Set<object>(), new Set<object>()];
    const one = broadcasts.begin(first);
    const two = broadcasts.begin(second);
    assertEquals([one.number, one.settled, two.number, two.settled], [1, 0, 2, 0]);
    assertStrictEquals(broadcasts.arrived(one, peerOf(2)), first);
    assertStrictEquals(broadcasts.arrived(two, peerOf(2)), second);
    broadcasts.complete(2);
    assertEquals([broadcasts.arrived(two, peerOf(2)), broadcasts.begin(new Set()).settled], [null, 0]);
    broadcasts.complete(1);
    assertEquals([broadcasts.begin(new Set()).settled, broadcasts.size], [2, 2]);
  }));

Deno.test("those of others are kept until their origin has settled them, and then dropped", () =>
  inLab((broadcasts) => {
    const origin = idOf(2).bytes;
    const arrive = (number: number, settled: number) => broadcasts.arrived({ origin, number, settled }, peerOf(2));
    const reached = arrive(1, 0);
    assert(reached !== null);
    assertStrictEquals(arrive(1, 0), reached);
    assert(arrive(3, 0) !== reached);
    assert(arrive(4, 1) !== null);
    assertEquals([arrive(1, 0), broadcasts.size], [null, 2]);
    // What a hostile peer may say.
    assertEquals([arrive(9, Number.MAX_SAFE_INTEGER), arrive(10, 0), broadcasts.size], [null, null, 0]);
  }));

Deno.test("peers are told with the next broadcast, or some time after the last one, and tell those behind them", () =>
  inLab(async (broadcasts, told, wait) => {
    const mine = broadcasts.begin(new Set());
    broadcasts.passed(mine, peerOf(2));
    const other = { origin: idOf(3).bytes, number: 7, settled: 5 };
    broadcasts.arrived(other, peerOf(3));
    broadcasts.passed(other, peerOf(4));
    await wait(10);
    assertEquals(told, []);
    broadcasts.complete(mine.number);
    await wait(2);
    assertEquals(told.splice(0), ["peer 2: 1 up to 1"]);
    broadcasts.settled(other.origin, 6);
    assertEquals(told, []);
    broadcasts.settled(other.origin, 7);
    assertEquals(told.splice(0), ["peer 4: 3 up to 7"]);
    broadcasts.settled(other.origin, 8);
    broadcasts.settled(idOf(9).bytes, 8);
    await wait(10);
    assertEquals([told, broadcasts.size], [[], 0]);
  }));

Deno.test("when a peer is lost all others are told in its place; what it had passed on is dropped in the end", () =>
  inLab(async (broadcasts, told, wait, online) => {
    online.push(peerOf(4), peerOf(5));
    const [origin, between, behind] = [peerOf(3), peerOf(2), peerOf(4)];
    const identity = { origin: idOf(3).bytes, number: 1, settled: 0 };
    broadcasts.arrived(identity, between);
    broadcasts.passed(identity, behind);
    broadcasts.parted(behind);
    assertEquals([told, broadcasts.size], [[], 1]);
    broadcasts.parted(between);
    await wait(59);
    assertEquals([told, broadcasts.size], [[], 1]);
    await wait(2);
    assertEquals([told.splice(0), broadcasts.size], [["peer 4: 3 up to 1", "peer 5: 3 up to 1"], 0]);
    broadcasts.arrived({ ...identity, number: 3 }, between);
    broadcasts.parted(origin);
    assertEquals([broadcasts.size, broadcasts.arrived({ ...identity, number: 2 }, between)], [0, null]);
    const mine = broadcasts.begin(new Set());
    const lost = peerOf(6);
    broadcasts.passed(mine, lost);
    broadcasts.parted(lost);
    broadcasts.complete(mine.number);
    await wait(2);
    assertEquals(told, ["peer 4: 1 up to 1", "peer 5: 1 up to 1"]);
  }));
