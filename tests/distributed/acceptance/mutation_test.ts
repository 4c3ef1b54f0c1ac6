/** Operations that are almost right: those of a busy peer, with a few bytes changed on links that nothing protects. */
import { Channel, Coro, Scheduler, sleep, withTimeout } from "@asyncoro/asyncoro";
import { Network, RCI } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals } from "@std/assert";
import { seededRandom } from "../../../core/fiber/shuffle.ts";
import type { Steps } from "./machines.ts";
import { engine, type Manner, type Switchboard } from "./pipe_engine.ts";

const DATA = 5;
/** Where the first operation of DATA begins: after length, kind, two numbers and its length. */
const OPERATION = 4 + 1 + 8 + 8 + 4;

/** Everything that a peer may do, again and again. What fails is of no interest. */
function* busy(coro: Coro, name: string, isOver: () => boolean): Steps<void> {
  const attempt = function* (steps: () => Steps): Steps<void> {
    try {
      yield* withTimeout(0.3, steps());
    } catch {
      // The other side may have understood anything.
    }
  };
  while (!isOver()) {
    yield* attempt(function* () {
      const other = yield* Coro.locate(`${name} server`, 0.2);
      if (other === null) return;
      other.send({ from: coro, list: [1, -0, 2n ** 70n, new Date(0), new Map([[1, new Set("ab")]])] });
      yield* other.deliver([coro, new Uint16Array([1, 2])], 0.2);
      yield* coro.monitor(other);
      other.resume(1);
      yield* other.ask("question", 0.1);
    });
    yield* attempt(function* () {
      const channel = yield* Channel.locate(`${name} news`, 0.2);
      if (channel === null) return;
      yield* channel.subscribe(coro, 0.2);
      channel.send({ text: "news" });
      yield* channel.deliver("more", 0.1, 1);
      yield* channel.unsubscribe(coro, 0.2);
    });
    yield* attempt(function* () {
      const rci = yield* RCI.locate<(coro: Coro, n: unknown) => Steps>(`${name} rci`, 0.2);
      if (rci === null) return;
      yield* rci.call({ n: 1, text: "x" });
      const running = yield* rci.run(coro);
      running.terminate();
      yield* running.finish(0.2);
    });
    while ((yield* coro.receive(0)) !== undefined);
  }
}

for (const seed of [1, 2]) {
  Deno.test(`operations with bytes that were changed end no scheduler (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    const below = (count: number) => Math.floor(random() * count);
    let mutating = false;
    let mutated = 0;
    const manner: Manner = {
      trusted: true,
      later: (deliver) => queueMicrotask(deliver),
      pieces(frame) {
        if (!mutating || frame[4] !== DATA || frame.length <= OPERATION + 1 || random() < 0.8) return [frame];
        mutated++;
        for (let i = 0; i <= below(3); i++) {
          frame[OPERATION + below(frame.length - OPERATION)] = random() < 0.5 ? below(256) : below(24);
        }
        return [frame];
      },
    };
    const board: Switchboard = new Map();
    const schedulers = ["a", "b"].map((name) => new Scheduler({ name }));
    const reported: unknown[] = [];
    let over = false;
    const leftovers: unknown[] = [];
    const program = (own: string, other: string, scheduler: Scheduler) =>
      scheduler.spawn(function* () {
        const network = yield* Network.join({
          name: own,
          engines: [engine(board, own, manner)],
          heartbeat: 0.05,
          peerTimeout: 0.5,
          allow: () => true,
        });
        const serve = function* (self: Coro): Steps<void> {
          self.register(`${own} server`);
          for (;;) {
            const message = yield* self.receive<{ reply?: (value: unknown) => void }>(0.1);
            if (typeof message?.reply === "function") message.reply("answer");
          }
        };
        new Channel<unknown>(`${own} news`);
        new RCI(function* (self: Coro, n: unknown): Steps {
          yield* self.sleep(0.01);
          return n;
        }, `${own} rci`).register();
        const server = new Coro(serve);
        server.setDaemon();
        if (own === "a") yield* network.peer("mem:b", 5);
        mutating = true;
        if (own === "a") {
          new Coro(function* () {
            yield* sleep(1.5);
            over = true;
          });
        }
        const others = Array.from({ length: 8 }, () => new Coro(busy, other, () => over));
        for (const each of others) yield* each.finish();
        mutating = false;
        // The other side may be lost: it can be met again, and all is well.
        yield* sleep(0.7);
        leftovers.push((yield* network.peer(`mem:${other}`, 5)).name);
        assert((yield* Coro.locate(`${own} news`, 0)) === null);
        assert((yield* Channel.locate(`${other} news`, 5)) !== null);
        yield* sleep(0.5);
      });
    try {
      for (const scheduler of schedulers) scheduler.onError = (error) => reported.push(error);
      await Promise.all([program("a", "b", schedulers[0]).value(20), program("b", "a", schedulers[1]).value(20)]);
      for (const scheduler of schedulers) {
        // deno-lint-ignore require-yield
        assertEquals(
          await scheduler.spawn(function* () {
            return "alive";
          }).value(1),
          "alive",
        );
      }
    } finally {
      for (const scheduler of schedulers) await scheduler.terminate();
    }
    assertEquals(leftovers.toSorted(), ["a", "b"]);
    assert(mutated > 50, `${mutated}`);
    // What a peer is told of may quote "undefined".
    const internal = reported.map(String).filter((text) => {
      return !text.startsWith("ProtocolError:") && /Cannot read prop|is not a function|undefined/.test(text);
    });
    assertEquals(internal, []);
  });
}
