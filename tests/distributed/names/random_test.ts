/** Names of simulated peers, among random faults. */
import { Coro, race, sleep } from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import { runs } from "../../helpers/runs.ts";
import { PEERS, simulate, type SimulatedPeer } from "../simulation.ts";

type Steps = Generator<unknown, void, unknown>;

const NAMES = ["one", "two", "three"];

/** When a coroutine had a name. Coroutines are told apart by their own names. */
interface Holding {
  readonly name: string;
  readonly from: number;
  to: number;
}

function* holder(coro: Coro): Steps {
  yield* coro.receive();
}

/** Has a coroutine registered under a random name for a while. */
function* hold(peer: SimulatedPeer, holdings: Map<string, Holding>): Steps {
  const { choices } = peer;
  const coro = new Coro(holder);
  coro.name = `${peer.name} ${holdings.size}`;
  const name = choices.of(NAMES);
  if (coro.register(name)) {
    const holding = { name, from: peer.now(), to: Infinity };
    holdings.set(coro.name, holding);
    yield* sleep(choices.between(0, 3));
    if (choices.chance(0.5)) coro.unregister(name);
    holding.to = peer.now();
  }
  coro.terminate();
}

/** Looks for a random name. */
function* look(peer: SimulatedPeer, holdings: Map<string, Holding>): Steps {
  const { choices, network } = peer;
  const name = choices.of(NAMES);
  const limit = choices.of([0, 0.01, 1, 10]);
  const location = choices.chance(0.3) ? choices.of([network.location, ...network.peers()]) : null;
  const start = peer.now();
  const locate = Coro.locate(name, limit, location);
  if (choices.chance(0.2)) {
    yield* race(locate, sleep(choices.between(0, 1)));
    return;
  }
  const found = yield* locate;
  const what = `${peer.name} looks for ${name} from ${start} to ${peer.now()}, at most ${limit}, ${location}`;
  if (found === null) {
    assert(peer.now() >= start + limit, `${what}: too early`);
    return;
  }
  const { name: held, from, to } = holdings.get(found.name)!;
  assertEquals(held, name);
  assert(from <= peer.now() && to >= start, `${what}: was registered from ${from} to ${to}`);
  if (location !== null) assert(location.equals(found.location ?? network.location), what);
}

function* worker(peer: SimulatedPeer, holdings: Map<string, Holding>): Steps {
  while (!peer.isCalm()) {
    if (peer.choices.chance(0.3)) yield* hold(peer, holdings);
    else yield* look(peer, holdings);
    yield* sleep(peer.choices.between(0, 0.5));
  }
}

for (let seed = 1; seed <= runs(15); seed++) {
  Deno.test(`random names, seed ${seed}: what is found was registered, and nothing is left behind`, async () => {
    const holdings = new Map<string, Holding>();
    await simulate(seed, function* (peer, coro) {
      const workers = Array.from({ length: 4 }, () =>
        new Coro(function* () {
          yield* worker(peer, holdings);
        }));
      for (const each of workers) yield* each.finish();
      coro.register(`the last of ${peer.name}`);
      for (const name of PEERS) {
        const found = yield* Coro.locate(`the last of ${name}`, 120);
        assertEquals((found?.location ?? peer.network.location).name, name);
      }
      yield* peer.meet();
      // Cancelled questions are on their way.
      yield* sleep(20);
      assertEquals(peer.network.stats().pending, 0);
      for (const other of peer.network.peerTable) assert(other.requests.isEmpty);
      assertEquals(peer.network.names.statistics(), { searches: 0, waiting: 0 });
      yield* peer.meet();
    });
    assert(holdings.size > 20);
  });
}
