/** RCIs of simulated peers, among random faults. */
import { Coro, race, sleep } from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import { PeerLostError } from "../../../core/distributed/errors.ts";
import { RCI } from "../../../core/distributed/rci/rci.ts";
import { runs } from "../../helpers/runs.ts";
import { PEERS, simulate, type SimulatedPeer } from "../simulation.ts";

type Steps<T = void> = Generator<unknown, T, unknown>;

/** What has become of the coroutines that RCIs have created, by the token of each `run` and `call`. */
class Ledger {
  readonly started: Map<string, number> = new Map();
  /** Those that live. */
  readonly live: Set<string> = new Set();
  tokens = 0;

  /** A function that ends when it is told to or after some seconds. */
  get target() {
    const { started, live } = this;
    return function* work(coro: Coro, token: string, seconds: number): Generator<unknown, string, unknown> {
      started.set(token, (started.get(token) ?? 0) + 1);
      live.add(token);
      try {
        yield* coro.receive(seconds);
        return `done ${token}`;
      } finally {
        live.delete(token);
      }
    };
  }
}

type Work = Ledger["target"];

/** Runs a coroutine at a random peer. */
function* use(peer: SimulatedPeer, ledger: Ledger): Steps {
  const { choices } = peer;
  const rci = yield* RCI.locate<Work>(`work of ${choices.of(PEERS)}`, 1);
  if (rci === null) return;
  const token = `${peer.name} ${++ledger.tokens}`;
  const what = choices.below(4);
  if (what === 0) {
    assertEquals(yield* rci.call(token, choices.between(0, 2)), `done ${token}`);
  } else if (what === 1) {
    const wait = choices.chance(0.5) ? rci.call(token, 1e6) : rci.run(token, 1e6);
    const first = yield* race(wait, sleep(choices.between(0, 0.3)));
    if (first instanceof Coro) first.terminate();
    return;
  } else {
    const coro = yield* rci.run(token, 1e6);
    yield* sleep(choices.between(0, 1));
    if (what === 2) coro.send("end");
    else coro.terminate();
    const result = yield* coro.finish();
    if (what === 2) assertEquals(result, `done ${token}`);
  }
  assertEquals(ledger.live.has(token), false);
}

function* worker(peer: SimulatedPeer, ledger: Ledger): Steps {
  while (!peer.isCalm()) {
    try {
      yield* use(peer, ledger);
    } catch (error) {
      if (!(error instanceof PeerLostError)) throw error;
    }
    yield* sleep(peer.choices.between(0, 0.3));
  }
}

for (let seed = 1; seed <= runs(15); seed++) {
  Deno.test(`random RCIs, seed ${seed}: each run creates one coroutine at the most, and no orphan is left`, async () => {
    const ledger = new Ledger();
    await simulate(seed, function* (peer) {
      new RCI(ledger.target, `work of ${peer.name}`).register();
      const workers = Array.from({ length: 4 }, () =>
        new Coro(function* () {
          yield* worker(peer, ledger);
        }));
      for (const each of workers) yield* each.finish();
      yield* peer.meet();
      yield* sleep(20);
      assertEquals(peer.network.stats().pending, 0);
      for (const other of peer.network.peerTable) assert(other.requests.isEmpty);
      yield* peer.meet();
    });
    assertEquals([...ledger.live], []);
    assertEquals([...ledger.started].filter(([, count]) => count !== 1), []);
    assert(ledger.started.size > 50);
  });
}
