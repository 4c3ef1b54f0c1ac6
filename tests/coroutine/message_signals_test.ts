/** Signals that end a wait for room, an answer or a message: nothing is lost, and nothing stays with the signal. */
import { type Ask, Channel, Coro, type Operation } from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";

// deno-lint-ignore no-explicit-any -- bodies of coroutines that return anything
type Body = Generator<unknown, any, unknown>;

/** A signal that counts its listeners, and its controller. */
function counted(): { controller: AbortController; listeners: () => number } {
  const controller = new AbortController();
  const { signal } = controller;
  let count = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => (count++, add(...args));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => (count--, remove(...args));
  return { controller, listeners: () => count };
}

interface Case {
  readonly name: string;
  readonly wait: (to: Coro, self: Coro, channel: Channel<string>, signal: AbortSignal) => Operation<unknown>;
}

const CASES: readonly Case[] = [
  { name: "deliver()", wait: (to, _self, _channel, signal) => to.deliver("x", signal) },
  { name: "deliver() with a timeout", wait: (to, _self, _channel, signal) => to.deliver("x", { timeout: 9, signal }) },
  { name: "ask()", wait: (to, _self, _channel, signal) => to.ask("x", { signal }) },
  { name: "deliver() of a channel", wait: (_to, _self, channel, signal) => channel.deliver("x", signal) },
  { name: "receive({ where })", wait: (_to, self, _channel, signal) => self.receive({ where: () => false, signal }) },
  {
    name: "receive({ where, timeout })",
    wait: (_to, self, _channel, signal) => self.receive({ where: () => false, timeout: 9, signal }),
  },
];

for (const { name, wait } of CASES) {
  for (const plain of [false, true]) {
    Deno.test(`a signal ends ${name}${plain ? " after a plain yield" : ""}, and leaves nothing behind`, () =>
      runVirtual(function* (coro) {
        using channel = new Channel<string>("news");
        const to = coro.scheduler.spawnWith({ mailbox: { capacity: 1 } }, function* (to): Body {
          yield* to.sleep();
          return [yield* to.receive(), yield* to.receive(1, "nothing else")];
        });
        yield* channel.subscribe(to);
        to.send("full");
        const { controller, listeners } = counted();
        const waiting: Coro = new Coro(function* (self): Body {
          try {
            const operation = wait(to, self, channel, controller.signal);
            if (plain) yield operation;
            else yield* operation;
          } catch (error) {
            return [error, self.scheduler.now(), yield* self.receive(0)];
          }
        });
        waiting.send("kept");
        yield* coro.sleep(1);
        waiting.send("late");
        yield* coro.sleep(1);
        assertEquals(listeners(), 1);
        controller.abort("reason");
        assertEquals(yield* waiting.finish(), ["reason", 2, "kept"]);
        assertEquals([listeners(), channel.statistics().waiting], [0, 0]);
        to.resume();
        assertEquals(yield* to.finish(), ["full", "nothing else"]);
      }));
  }

  Deno.test(`a signal that has aborted already ends ${name} before anything happens`, () =>
    runVirtual(function* (coro) {
      using channel = new Channel<string>("news");
      const to = new Coro(function* (to) {
        return yield* to.receive(1, "nothing");
      });
      yield* channel.subscribe(to);
      let error: unknown;
      try {
        yield* wait(to, coro, channel, AbortSignal.abort("aborted"));
      } catch (reason) {
        error = reason;
      }
      assertEquals([error, yield* to.finish()], ["aborted", "nothing"]);
    }));
}

Deno.test("without an abort a signal changes nothing", () =>
  runVirtual(function* (coro) {
    const { controller: { signal }, listeners } = counted();
    const server = coro.scheduler.spawnWith({ mailbox: { capacity: 1 } }, function* (self): Body {
      for (let n = 0; n < 3; n++) {
        yield* self.sleep(1);
        const message = yield* self.receive<Ask<string, string> | string>();
        if (typeof message !== "string") message.reply(`reply to ${message.message}`);
      }
    });
    server.send("full");
    assertEquals(yield* server.ask("a", { signal }), "reply to a");
    assertEquals(yield server.deliver("b", signal), 1);
    new Coro(function* (self) {
      for (const n of [1, 2, 3]) {
        yield* self.sleep(1);
        coro.send(n);
      }
    });
    assertEquals(yield* coro.receive({ where: (n: number) => n === 2, signal }), 2);
    assertEquals(yield coro.receive({ where: (n: number) => n === 3, signal }), 3);
    assertEquals([yield* coro.receive(0), listeners()], [1, 0]);
  }));
