import { all, Coro, race, Scheduler, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { runVirtual, VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Channel } from "../../core/messages/channel.ts";
import { inLab } from "../helpers/lab.ts";
import { runs } from "../helpers/runs.ts";

Deno.test("messages sent before the recipient has started are kept, in order", async () => {
  await runVirtual(function* () {
    const receiver = new Coro(function* (coro) {
      return [yield* coro.receive(), yield* coro.recv(), yield* coro.receive()];
    });
    assertEquals([receiver.send(1), receiver.send(undefined), receiver.send(null)], [true, true, true]);
    assertEquals(yield* receiver.finish(), [1, undefined, null]);
  });
});

Deno.test("send() to a coroutine that sleeps or waits for something else queues and does not wake it", async () => {
  await runVirtual(function* (coro) {
    const sleeper = new Coro(function* (self) {
      assertEquals(yield* self.sleep(5, "slept"), "slept");
      return [coro.scheduler.now(), yield* self.receive()];
    });
    yield* coro.sleep(1);
    assert(sleeper.send("message"));
    assertEquals(yield* sleeper.finish(), [5, "message"]);
  });
});

Deno.test("send() and deliver() to a coroutine that has ended return false and -1", async () => {
  await inLab(async (lab) => {
    const { scheduler } = lab;
    const returned = scheduler.spawn(function* () {});
    const failed = scheduler.spawn(function* () {
      throw new Error("boom");
    });
    const terminated = scheduler.spawn(function* (coro) {
      yield* coro.sleep();
    });
    await scheduler.spawn(function* (coro) {
      yield* coro.sleep(1);
      terminated.terminate();
      yield* coro.sleep(1);
      for (const coro of [returned, failed, terminated]) {
        assertEquals([coro.send(1), yield* coro.deliver(1), coro.mailbox], [false, -1, null]);
      }
    }).value();
    assertEquals(lab.takeReported(), ["boom"]);
  });
});

Deno.test("deliver() returns 1, whatever its timeout, and does nothing before it is yielded", async () => {
  await runVirtual(function* (coro) {
    const dropped = coro.deliver("dropped");
    void dropped;
    assertEquals(yield* coro.deliver("a", 0), 1);
    assertEquals(yield* coro.deliver("b", { seconds: -1 }), 1);
    assertEquals([yield* coro.receive(0), yield* coro.receive(0), yield* coro.receive(0, "none")], ["a", "b", "none"]);
    assertThrows(() => coro.deliver("c", "1s" as unknown as number), TypeError, "Cannot deliver as 'timeout'");
  });
});

Deno.test("receive() with zero or less takes what is there and does not wait", async () => {
  await runVirtual(function* (coro) {
    assertEquals(yield* coro.receive(0, "none"), "none");
    assertEquals(yield* coro.receive(-1), undefined);
    coro.send("here");
    assertEquals(yield* coro.receive(0, "none"), "here");
    assertEquals(coro.scheduler.now(), 0);
  });
});

Deno.test("receive() returns the alarm value after a timeout, and a late message stays for the next receive", async () => {
  await runVirtual(function* (coro) {
    new Coro(function* (sender) {
      yield* sender.sleep(2);
      coro.send("late");
    });
    assertEquals(yield* coro.receive(1, "alarm"), "alarm");
    assertEquals(coro.scheduler.now(), 1);
    assertEquals(yield* coro.receive(), "late");
    assertEquals(coro.scheduler.now(), 2);
  });
});

Deno.test("receive() of another coroutine is an error, at the call and at the yield", async () => {
  await runVirtual(function* (coro) {
    const other = new Coro(function* (other) {
      yield* other.sleep(1);
    });
    assertThrows(() => other.receive(), Error, "Cannot receive for another coroutine");
    assertThrows(() => coro.receive(NaN), TypeError, "Cannot receive as 'timeout'");
  });
});

Deno.test("messages from one sender arrive in the order sent, by send, deliver and channels alike", async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const scheduler = new Scheduler({ clock: new VirtualClock(), shuffle: seed });
    using channel = new Channel<string>("order");
    using above = new Channel<string>("order above");
    await scheduler.spawn(function* (coro) {
      yield* channel.subscribe(coro);
      yield* above.subscribe(channel);
      const senders = ["a", "b", "c"].map((name) =>
        new Coro(function* () {
          for (let i = 0; i < 20; i++) {
            const message = `${name}${i}`;
            const way = (seed + i * 7) % 4;
            if (way === 0) coro.send(message);
            else if (way === 1) yield* coro.deliver(message);
            else if (way === 2) channel.send(message);
            else yield* above.deliver(message, 1, 1);
            if (i % 3 === 0) yield;
          }
        })
      );
      const seen: Record<string, number> = { a: 0, b: 0, c: 0 };
      for (let i = 0; i < 60; i++) {
        const message = (yield* coro.receive<string>(i % 5 === 0 ? 10 : undefined))!;
        assertEquals(Number(message.slice(1)), seen[message[0]]++, `seed ${seed}: ${message}`);
      }
      yield* all(senders);
    }).value();
    await scheduler.terminate();
  }
});

Deno.test("a message granted in the step in which an error is thrown instead returns to the front", async () => {
  await runVirtual(function* () {
    const receiver = new Coro(function* (self) {
      try {
        yield* self.receive();
      } catch (error) {
        return [
          (error as Error).message,
          yield* self.receive(0),
          yield* self.receive(0),
          yield* self.receive(0, "end"),
        ];
      }
    });
    yield;
    receiver.send("first");
    receiver.send("second");
    receiver.throw(new Error("stop"));
    assertEquals(yield* receiver.finish(), ["stop", "first", "second", "end"]);
  });
});

Deno.test("an alarm value that loses a race is not put back as a message", async () => {
  await runVirtual(function* (coro) {
    assertEquals(yield* race(coro.sleep(1, "slept"), coro.receive(1, "alarm")), "slept");
    assertEquals(yield* coro.receive(0, "nothing"), "nothing");
  });
});

Deno.test("messages granted to branches that lose a race return in their order", async () => {
  await runVirtual(function* (coro) {
    new Coro(function* () {
      for (const message of ["a", "b", "c"]) coro.send(message);
    });
    assertEquals(yield* race(coro.receive(), coro.receive(), coro.receive()), "a");
    assertEquals([yield* coro.receive(0), yield* coro.receive(0), yield* coro.receive(0, "end")], ["b", "c", "end"]);
  });
});

Deno.test("withTimeout() cancels a receive, and no message is lost to it", async () => {
  await runVirtual(function* (coro) {
    let late: unknown;
    try {
      yield* withTimeout(1, coro.receive());
    } catch (error) {
      late = error;
    }
    assert(late instanceof TimeoutError);
    coro.send("kept");
    assertEquals(yield* coro.receive(0), "kept");
    assertEquals(yield* withTimeout(1, coro.receive(0, "none")), "none");
  });
});

Deno.test("dump() counts the messages kept and shows what a receiver waits for", async () => {
  await inLab(async ({ scheduler }) => {
    const sleeper = scheduler.spawn(function* sleeper(coro) {
      yield* coro.sleep(5);
    });
    scheduler.spawn(function* receiver(coro) {
      yield* coro.receive(9);
    });
    await scheduler.spawn(function* (coro) {
      for (let i = 0; i < 3; i++) sleeper.send(i);
      yield* coro.sleep(1);
      const rows = scheduler.dump().map((
        { name, messages, waitsFor, deadline },
      ) => [name, messages, waitsFor, deadline]);
      assertEquals(rows.slice(0, 2), [["sleeper", 3, "sleep", 4], ["receiver", 0, "a message", 8]]);
    }).value();
  });
});

Deno.test("every message is received exactly once under cancellations of every kind, in seeded orders", async () => {
  for (let seed = 1; seed <= runs(2000); seed++) await checkMessages(seed);
});

/** Senders send numbered messages; a receiver uses timeouts, races and yields, and errors are thrown in it. */
async function checkMessages(seed: number): Promise<void> {
  let state = seed;
  const random = (n: number): number => (state = Math.imul(state, 1103515245) + 12345 >>> 0) % 65_536 % n;
  const scheduler = new Scheduler({ clock: new VirtualClock(), shuffle: seed });
  const got: string[] = [];
  const total = 30;
  const receiver = scheduler.spawn(function* (coro) {
    while (got.length < total) {
      try {
        const way = random(5);
        let message: unknown;
        if (way === 0) message = yield* coro.receive(random(3));
        else if (way === 1) message = yield coro.receive();
        else if (way === 2) message = yield* race(coro.receive(), coro.sleep(random(3)));
        else if (way === 3) message = yield* withTimeout(random(3), coro.receive());
        else message = yield* race([coro.receive(random(2)), coro.receive(random(2))]);
        if (typeof message === "string") got.push(message);
      } catch {
        // A timeout, or an error thrown by the other coroutine.
      }
    }
  });
  const names = ["a", "b", "c"];
  for (const name of names) {
    scheduler.spawn(function* (coro) {
      for (let i = 0; i < total / names.length; i++) {
        if (random(2)) receiver.send(`${name}${i}`);
        else yield* receiver.deliver(`${name}${i}`);
        const pause = random(4);
        if (pause > 1) yield* coro.sleep(random(3));
        else if (pause > 0) yield;
      }
    });
  }
  scheduler.spawn(function* (coro) {
    for (let i = 0; i < 15; i++) {
      yield* coro.sleep(random(3));
      receiver.throw(new Error("torment"));
      if (random(2)) yield;
    }
  });
  await scheduler.join();
  for (const name of names) {
    const mine = got.filter((message) => message[0] === name).map((message) => Number(message.slice(1))).sort((x, y) =>
      x - y
    );
    assertEquals(mine, Array.from({ length: total / names.length }, (_, i) => i), `seed ${seed}`);
  }
  await scheduler.terminate();
}

function* pause(coro: Coro): Generator<unknown, unknown, unknown> {
  return yield* coro.sleep(9);
}

Deno.test("a message that a receive took goes back when it is not used, whatever the timeout was", async () => {
  await runVirtual(function* (coro) {
    for (const timeout of [0, -1, -2, -Infinity, 1]) {
      const receiver = new Coro(function* (self): Generator<unknown, unknown, unknown> {
        try {
          // With a generator it has its outcome a step later.
          return yield* race(self.receive(timeout), pause(self));
        } catch {
          return yield* self.receive(0);
        }
      });
      receiver.send("message");
      while (receiver.wait === null || receiver.wait.state < 4) yield;
      receiver.throw(new Error("It has won and not run yet"));
      assertEquals(yield* receiver.finish(), "message", `timeout ${timeout}`);
    }
    assertEquals(coro.scheduler.now(), 0);
  });
});

Deno.test("a million messages, queued and received, leave memory flat", async () => {
  await runVirtual(function* (coro) {
    const round = function* (): Generator<unknown, void, unknown> {
      for (let i = 0; i < 100_000; i++) coro.send(i);
      for (let i = 0; i < 100_000; i++) yield* coro.receive();
    };
    const partner = new Coro(function* (self) {
      for (;;) (yield* self.receive<Coro>()).send(self);
    });
    partner.setDaemon();
    for (let i = 0; i < 2; i++) yield* round();
    const before = Deno.memoryUsage().heapUsed;
    for (let i = 0; i < 8; i++) yield* round();
    for (let i = 0; i < 200_000; i++) {
      partner.send(coro);
      yield* coro.receive(30);
    }
    assertEquals(coro.mailbox!.length, 0);
    // Includes garbage that is not collected yet: a leak of a hundred bytes a message would be 100 MB.
    assert(Deno.memoryUsage().heapUsed - before < 60e6);
  });
});
