import { all, Coro, race, Scheduler, withTimeout } from "@asyncoro/asyncoro";
import { runVirtual, VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { CategorizeMessages } from "../../core/messages/categorize.ts";
import { inLab } from "../helpers/lab.ts";

const parity = (message: unknown): string | null =>
  typeof message === "number" ? (message % 2 === 0 ? "even" : "odd") : null;

/** Runs `test` in virtual time with messages categorized by parity. */
async function sorting(
  test: (coro: Coro, messages: CategorizeMessages) => Generator<unknown, void, unknown>,
): Promise<void> {
  await runVirtual(function* (coro) {
    const messages = new CategorizeMessages(coro);
    messages.add(parity);
    yield* test(coro, messages);
  });
}

Deno.test("receive(category) takes the earliest of that category and keeps the others in order", async () => {
  await sorting(function* (coro, messages) {
    for (const message of [1, "a", 2, 3, 4, "b"]) coro.send(message);
    assertEquals(yield* messages.receive("even"), 2);
    assertEquals(yield* messages.receive(null), "a");
    assertEquals(yield* messages.recv("even"), 4);
    assertEquals(yield* messages.receive("odd"), 1);
    assertEquals(yield* messages.receive("odd"), 3);
    assertEquals(yield* messages.receive(), "b");
    assertEquals(yield* messages.receive("even", 0, "none"), "none");
  });
});

Deno.test("add() takes a function that names the type of the messages", async () => {
  await runVirtual(function* (coro) {
    const messages = new CategorizeMessages(coro);
    messages.add(({ urgent }: { urgent: boolean }) => urgent ? "urgent" : null);
    for (const urgent of [false, true]) coro.send({ urgent });
    assertEquals(yield* messages.receive("urgent"), { urgent: true });
  });
});

Deno.test("receive() without a category takes messages of no category, older ones included", async () => {
  await sorting(function* (coro, messages) {
    messages.add((message) => message === "mine" ? "mine" : null);
    for (const message of [1, "a", 2, "mine", "b"]) coro.send(message);
    assertEquals([yield* messages.receive(), yield* messages.receive()], ["a", "b"]);
    assertEquals(yield* messages.receive(undefined, 0, "none"), "none");
    assertEquals([yield* messages.receive("odd"), yield* messages.receive("even")], [1, 2]);
    assertEquals(yield* messages.receive("mine"), "mine");
  });
});

Deno.test("receive() waits, categorizes messages that arrive, and its timeout is the total", async () => {
  await sorting(function* (coro, messages) {
    new Coro(function* (sender) {
      for (let i = 1; i <= 5; i += 2) {
        yield* sender.sleep(1);
        coro.send(i);
      }
      coro.send(6);
    });
    assertEquals(yield* messages.receive("even", 2.5, "late"), "late");
    assertEquals(coro.scheduler.now(), 2.5);
    assertEquals(yield* messages.receive("even", 2.5, "late"), 6);
    assertEquals(coro.scheduler.now(), 3);
    assertEquals([yield* messages.receive("odd"), yield* messages.receive("odd"), yield* messages.receive("odd")], [
      1,
      3,
      5,
    ]);
  });
});

Deno.test("receive() under plain yield does the same", async () => {
  await sorting(function* (coro, messages) {
    new Coro(function* (sender) {
      for (const message of [1, 2, 3, 4]) {
        yield sender.sleep(1);
        coro.send(message);
      }
    });
    const got = [
      yield messages.receive("even"),
      yield messages.receive("even", 9),
      yield messages.receive("even", 1, "late"),
    ];
    assertEquals(got, [2, 4, "late"]);
    assertEquals([yield messages.receive("odd"), yield messages.receive("odd")], [1, 3]);
  });
});

Deno.test("the newest function is called first, and null or undefined leaves it to the next", async () => {
  await sorting(function* (coro, messages) {
    const asked: string[] = [];
    messages.add((message) => {
      asked.push(`older ${message}`);
      return undefined;
    });
    const newest = (message: unknown): string | null => {
      asked.push(`newest ${message}`);
      return message === 2 ? "mine" : null;
    };
    messages.add(newest);
    coro.send(2);
    coro.send(4);
    assertEquals([yield* messages.receive("mine"), yield* messages.receive("even")], [2, 4]);
    assertEquals(asked, ["newest 2", "newest 4", "older 4"]);
    assertEquals([messages.remove(newest), messages.remove(newest)], [true, false]);
    coro.send(2);
    assertEquals(yield* messages.receive("even"), 2);
  });
});

Deno.test("falsy categories and messages are like any other", async () => {
  await runVirtual(function* (coro) {
    const messages = new CategorizeMessages(coro);
    messages.add((message) => message === 0 ? 0 : message === "" ? "" : message === false ? NaN : null);
    for (const message of [null, undefined, false, "", 0]) coro.send(message);
    assertEquals(yield* messages.receive(0), 0);
    assertEquals(yield* messages.receive(""), "");
    assertEquals(yield* messages.receive(NaN, 0, "none"), false);
    assertEquals(yield* messages.receive(null, 0, "none"), null);
    assertEquals(yield* messages.receive(null, 0, "none"), undefined);
    assertEquals(yield* messages.receive(null, 0, "none"), "none");
  });
});

Deno.test("a function that throws is reported, and the next one is called", async () => {
  await inLab(async (lab) => {
    await lab.scheduler.spawn(function* (coro) {
      const messages = new CategorizeMessages(coro);
      messages.add(parity);
      messages.add((message) => {
        throw new Error(`cannot sort ${message}`);
      });
      coro.send(1);
      coro.send(2);
      assertEquals([yield* messages.receive("even"), yield* messages.receive("odd")], [2, 1]);
    }).value();
    assertEquals(lab.takeReported(), ["cannot sort 1", "cannot sort 2"]);
  });
});

Deno.test("functions run in the receiving coroutine, not in the sender", async () => {
  await runVirtual(function* (coro) {
    const messages = new CategorizeMessages(coro);
    messages.add(() => Scheduler.curCoro() === coro ? "here" : "elsewhere");
    new Coro(function* (sender) {
      yield* sender.sleep(1);
      coro.send("message");
    });
    assertEquals(yield* messages.receive("here", 5, "none"), "message");
  });
});

Deno.test("receives of categories in a race lose nothing and miss nothing", async () => {
  await sorting(function* (coro, messages) {
    new Coro(function* () {
      for (const message of [2, 1, 4, 3]) coro.send(message);
    });
    const both = yield* all(messages.receive("odd"), messages.receive("even"));
    assertEquals(both, [1, 2]);
    assertEquals(yield* race(messages.receive("even"), messages.receive("odd")), 4);
    assertEquals(yield* messages.receive("odd"), 3);
    new Coro(function* () {
      coro.send(5);
      coro.send(6);
    });
    assertEquals(yield* race([messages.receive("odd"), messages.receive("even"), messages.receive()]), 5);
    assertEquals(yield* withTimeout(1, messages.receive("even")), 6);
  });
});

Deno.test("receives of several categories that wait together each get their messages, whichever is woken", async () => {
  await sorting(function* (coro, messages) {
    const send = (...sent: unknown[]) =>
      new Coro(function* (sender) {
        yield* sender.sleep(1);
        for (const message of sent) coro.send(message);
      });
    send(2, "a", 1);
    assertEquals(
      yield* all({ odd: messages.receive("odd"), even: messages.receive("even"), none: messages.receive(null) }),
      { odd: 1, even: 2, none: "a" },
    );
    send(2);
    assertEquals(yield* race(messages.receive("odd"), messages.receive("even")), 2);
    send(4, 6);
    assertEquals(yield* all(messages.receive("even"), messages.receive("even")), [4, 6]);
    send(3);
    assertEquals(yield* race(messages.receive("even"), coro.sleep(2, "late")), "late");
    assertEquals(yield* messages.receive("odd", 0), 3);
    assertEquals(coro.mailbox!.length, 0);
  });
});

Deno.test("a message returns to the front when an error ends its receive", async () => {
  await runVirtual(function* () {
    const receiver = new Coro(function* (coro) {
      const messages = new CategorizeMessages(coro);
      messages.add(parity);
      try {
        yield* messages.receive("odd");
      } catch {
        return [yield* messages.receive("odd"), yield* coro.receive()];
      }
    });
    yield;
    receiver.send(1);
    receiver.send(3);
    receiver.throw(new Error("stop"));
    assertEquals(yield* receiver.finish(), [1, 3]);
  });
});

Deno.test("categorized messages return to the mailbox, in order, when the generator is replaced", async () => {
  await runVirtual(function* (coro) {
    const receiver = new Coro(function* receiver(self: Coro): Generator<unknown, unknown, unknown> {
      const messages = new CategorizeMessages(self);
      messages.add(parity);
      self.hotSwappable(true);
      return yield* messages.receive("none of them");
    });
    for (const message of [1, 2, 3]) receiver.send(message);
    yield* coro.sleep(1);
    receiver.send(4);
    yield* coro.sleep(1);
    assertEquals(coro.scheduler.dump().find(({ id }) => id === receiver.id)!.messages, 4);
    assert(receiver.hotSwap(function* (self) {
      return [yield* self.receive(0), yield* self.receive(0), yield* self.receive(0), yield* self.receive(0)];
    }));
    assertEquals(yield* receiver.finish(), [1, 2, 3, 4]);
  });
});

Deno.test("CategorizeMessages takes coroutines and functions only, and only its coroutine receives", async () => {
  await runVirtual(function* (coro) {
    assertThrows(() => new CategorizeMessages({} as Coro), TypeError, "as 'coro' must be a coroutine");
    const messages = new CategorizeMessages(coro);
    assertThrows(() => messages.add(null as never), TypeError, "as 'fn' must be a function: current value is null");
    assertThrows(() => messages.receive("a", NaN), TypeError, "Cannot receive as 'timeout'");
    const other = new Coro(function* () {
      messages.receive("a");
    });
    try {
      yield* other.finish();
    } catch (error) {
      assert((error as Error).message.startsWith("Cannot receive for another coroutine"));
    }
  });
});

Deno.test("every message is received once in its category, under cancellations of every kind (1,000 seeds)", async () => {
  for (let seed = 1; seed <= 1000; seed++) await checkMessages(seed);
});

async function checkMessages(seed: number): Promise<void> {
  let state = seed;
  const random = (n: number): number => (state = Math.imul(state, 1103515245) + 12345 >>> 0) % 65_536 % n;
  const scheduler = new Scheduler({ clock: new VirtualClock(), shuffle: seed });
  const got: number[] = [];
  const total = 24;
  const receiver = scheduler.spawn(function* (coro) {
    const messages = new CategorizeMessages(coro);
    messages.add((message) => message as number % 3 || null);
    const wanted = [undefined, null, 1, 2] as const;
    while (got.length < total) {
      try {
        const category = wanted[random(4)];
        const way = random(5);
        let message: unknown;
        if (way === 0) message = yield* messages.receive(category, random(3), "alarm");
        else if (way === 1) message = yield messages.receive(category, random(3), "alarm");
        else if (way === 2) message = yield* race(messages.receive(category), coro.sleep(random(3), "alarm"));
        else if (way === 3) message = yield* withTimeout(random(3), messages.receive(category));
        else {message = yield* race([
            messages.receive(category, random(2), "alarm"),
            messages.receive(wanted[random(4)], 2, "alarm"),
          ]);}
        if (message === "alarm") continue;
        if (way < 4 && category !== undefined) assertEquals(message as number % 3 || null, category, `seed ${seed}`);
        got.push(message as number);
      } catch (error) {
        if (!/torment|Time is up/.test((error as Error).message)) throw error;
      }
    }
  });
  for (let first = 0; first < 3; first++) {
    scheduler.spawn(function* (coro) {
      for (let i = first; i < total; i += 3) {
        receiver.send(i);
        if (random(2)) yield* coro.sleep(random(3));
      }
    });
  }
  scheduler.spawn(function* (coro) {
    for (let i = 0; i < 10; i++) {
      yield* coro.sleep(random(3));
      receiver.throw(new Error("torment"));
    }
  });
  await scheduler.join();
  assertEquals(got.toSorted((a, b) => a - b), Array.from({ length: total }, (_, i) => i), `seed ${seed}`);
  assertEquals(receiver.isAlive(), false);
  await scheduler.terminate();
}

Deno.test("many categories of one message each cost no more than one category of many, and leave nothing", async () => {
  await runVirtual(function* (coro) {
    const messages = new CategorizeMessages(coro);
    messages.add((message) => message);
    const count = 50_000;
    for (let i = 0; i < count; i++) coro.send(i);
    assertEquals(yield* messages.receive("none", 0, "none"), "none");
    for (let i = count - 1; i >= count / 2; i--) assertEquals(yield* messages.receive(i), i);
    for (let i = 0; i < count / 2; i++) assertEquals(yield* messages.receive(i), i);
    assertEquals(coro.mailbox!.length, 0);
  });
});
