/**
 * What runs in which iteration. The expected logs are those of CPython 3.13, where an iteration runs what was ready when
 * it began, and what is due.
 */
import { Coro } from "@asyncoro/asyncoro";
import { CancelledError, createTask, Event, type EventLoop, Lock, Queue, sleep } from "@asyncoro/asyncoro/asyncio";
import { assertEquals } from "@std/assert";
import { inLoop, type LoopLab } from "./loop_lab.ts";

/** The events of each iteration, until there are none. */
async function iterations(lab: LoopLab): Promise<unknown[][]> {
  const all: unknown[][] = [];
  do {
    await lab.iterate();
    all.push(lab.takeLog());
  } while (all.at(-1)!.length > 0);
  return all.slice(0, -1);
}

/** Declares a test: a program, and what it does in each of its iterations. */
function iterationTest(name: string, program: (lab: LoopLab) => void, expected: unknown[][]): void {
  Deno.test(name, () =>
    inLoop(async (lab) => {
      program(lab);
      assertEquals(await iterations(lab), expected);
    }));
}

function chain(loop: EventLoop, note: (event: string) => void, name: string, length: number): void {
  if (length === 0) return;
  loop.callSoon(() => {
    note(`${name}${length}`);
    chain(loop, note, name, length - 1);
  });
}

iterationTest("chains of callbacks run one link each in an iteration", (lab) => {
  chain(lab.loop, (event) => lab.note(event), "a", 3);
  chain(lab.loop, (event) => lab.note(event), "b", 2);
}, [["a3", "b2"], ["a2", "b1"], ["a1"]]);

iterationTest("a task makes its first step in the next iteration, and one step for each turn that it gives", (lab) => {
  lab.loop.callSoon(lab.noting("before"));
  lab.loop.createTask(function* () {
    lab.note("step 1");
    yield;
    lab.note("step 2");
    yield* sleep(0);
    lab.note("step 3");
  });
  lab.loop.callSoon(lab.noting("after"));
}, [["before", "step 1", "after"], ["step 2"], ["step 3"]]);

iterationTest("the waiter for a task goes on in the iteration after its last", (lab) => {
  const { loop } = lab;
  const inner = loop.createTask(function* () {
    lab.note("inner 1");
    yield;
    lab.note("inner 2");
  });
  loop.createTask(function* () {
    lab.note("outer waits");
    yield* inner;
    lab.note("outer goes on");
  });
}, [["inner 1", "outer waits"], ["inner 2"], ["outer goes on"]]);

iterationTest("awaiting what is done costs no iteration", (lab) => {
  const { loop } = lab;
  const future = loop.createFuture<string>();
  future.setResult("there");
  loop.createTask(function* () {
    lab.note("asks");
    lab.note(yield* future);
    lab.note(yield* future);
  });
  loop.callSoon(lab.noting("callback"));
}, [["asks", "there", "there", "callback"]]);

iterationTest("a task created by a task begins in the next iteration, behind what was ready before it", (lab) => {
  const { loop } = lab;
  loop.createTask(function* () {
    loop.callSoon(lab.noting("soon"));
    createTask(function* () {
      lab.note("child");
    });
    loop.callSoon(lab.noting("soon too"));
    lab.note("parent");
    yield;
    lab.note("parent again");
  });
}, [["parent"], ["soon", "child", "soon too", "parent again"]]);

iterationTest("what is settled in one iteration goes on in the next, waiter by waiter, future by future", (lab) => {
  const { loop } = lab;
  const [a, b] = [loop.createFuture(), loop.createFuture()];
  function* waiter(name: string, future: typeof a) {
    yield* future;
    lab.note(name);
  }
  for (const i of [1, 2]) {
    loop.createTask(waiter(`a${i}`, a));
    loop.createTask(waiter(`b${i}`, b));
  }
  loop.callSoon(() => {
    lab.note("settles");
    b.setResult(null);
    a.setResult(null);
  });
}, [["settles"], ["b1", "b2", "a1", "a2"]]);

iterationTest("a cancelled task that waits runs in the next iteration, in the order of the cancellations", (lab) => {
  const { loop } = lab;
  function* sleeper(name: string) {
    try {
      yield* sleep(100);
    } catch (error) {
      lab.note(`${name} ${error instanceof CancelledError}`);
    }
  }
  const tasks = ["a", "b"].map((name) => loop.createTask(sleeper(name)));
  loop.callSoon(() => {
    loop.callSoon(lab.noting("before"));
    lab.note("cancels");
    tasks[1].cancel();
    tasks[0].cancel();
    loop.callSoon(lab.noting("after"));
  });
}, [["cancels"], ["before", "b true", "a true", "after"]]);

iterationTest("a task that is cancelled before its first step ends in its first iteration", (lab) => {
  const task = lab.loop.createTask(function* () {
    lab.note("never");
  });
  task.addDoneCallback((done) => lab.note(done.cancelled()));
  lab.loop.callSoon(lab.noting("callback"));
  task.cancel();
}, [["callback"], [true]]);

iterationTest("a cancellation that comes when the wait is over already pre-empts its outcome", (lab) => {
  const { loop } = lab;
  const future = loop.createFuture();
  const task = loop.createTask(function* () {
    try {
      yield* future;
      lab.note("result");
    } catch {
      lab.note("cancelled");
    }
  });
  loop.callSoon(() => {
    lab.note("both");
    future.setResult(null);
    task.cancel();
  });
}, [["both"], ["cancelled"]]);

iterationTest(
  "a task that has cancelled itself receives what is available, and is cancelled where it has to wait",
  (lab) => {
    const { loop } = lab;
    const [done, pending] = [loop.createFuture<string>(), loop.createFuture<string>()];
    done.setResult("there");
    const task = loop.createTask(function* () {
      task.cancel();
      lab.note(yield* done);
      try {
        yield* pending;
      } catch (error) {
        lab.note(error instanceof CancelledError);
      }
      lab.note(pending.cancelled());
    });
  },
  [["there"], [true, true]],
);

iterationTest("a lock is handed over in the iteration after its release", (lab) => {
  const { loop } = lab;
  const lock = new Lock();
  function* user(name: string) {
    yield* lock.acquire();
    lab.note(`${name} has it`);
    yield;
    lock.release();
    lab.note(`${name} released it`);
  }
  loop.createTask(user("a"));
  loop.createTask(user("b"));
}, [["a has it"], ["a released it"], ["b has it"], ["b released it"]]);

iterationTest("an event wakes all its waiters in the next iteration", (lab) => {
  const { loop } = lab;
  const event = new Event();
  for (const name of ["a", "b"]) {
    loop.createTask(function* () {
      yield* event.wait();
      lab.note(name);
    });
  }
  loop.callSoon(() => {
    lab.note("set");
    event.set();
    loop.callSoon(lab.noting("after"));
  });
}, [["set"], ["a", "b", "after"]]);

iterationTest("an item put in a queue wakes the getter in the next iteration", (lab) => {
  const { loop } = lab;
  const queue = new Queue<string>();
  loop.createTask(function* () {
    lab.note("waits");
    lab.note(yield* queue.get());
    lab.note(yield* queue.get());
  });
  loop.callSoon(() => {
    lab.note("puts");
    queue.putNowait("first");
    queue.putNowait("second");
  });
}, [["waits", "puts"], ["first", "second"]]);

Deno.test("more callbacks than a batch holds keep their order with the tasks among them", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const names = Array.from({ length: 300 }, (_, i) => `${i % 67 === 5 ? "task" : "callback"} ${i}`);
    function* worker(name: string) {
      lab.note(name);
      yield;
      lab.note(`${name} again`);
    }
    for (const name of names) {
      if (name.startsWith("task")) loop.createTask(worker(name));
      else loop.callSoon(lab.noting(name));
    }
    const again = names.filter((name) => name.startsWith("task")).map((name) => `${name} again`);
    assertEquals(await iterations(lab), [names, again]);
  }));

iterationTest(
  "callbacks asked for while a batch runs come after all that is ready, and before what tasks ask for later",
  (lab) => {
    const { loop } = lab;
    for (const i of [1, 2]) {
      loop.callSoon(() => {
        lab.note(`callback ${i}`);
        loop.callSoon(lab.noting(`asked for by ${i}`));
      });
    }
    loop.createTask(function* () {
      lab.note("task");
      loop.callSoon(lab.noting("asked for by the task"));
      yield;
      lab.note("task again");
      loop.callSoon(lab.noting("asked for by the task again"));
    });
    loop.callSoon(() => {
      lab.note("callback 3");
      loop.callSoon(lab.noting("asked for by 3"));
    });
  },
  [
    ["callback 1", "callback 2", "task", "callback 3"],
    ["asked for by 1", "asked for by 2", "asked for by the task", "task again", "asked for by 3"],
    ["asked for by the task again"],
  ],
);

Deno.test("a callback that settles a future among a batch wakes its waiter between those asked for before and after", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    const future = loop.createFuture();
    const task = loop.createTask(function* () {
      yield* future;
      lab.note("waiter");
    });
    await lab.iterate();
    loop.callSoon(() => {
      for (let i = 0; i < 3; i++) loop.callSoon(lab.noting(`before ${i}`));
      future.setResult(null);
      for (let i = 0; i < 3; i++) loop.callSoon(lab.noting(`after ${i}`));
    });
    await lab.iterate(2);
    assertEquals(lab.log, ["before 0", "before 1", "before 2", "waiter", "after 0", "after 1", "after 2"]);
    await lab.run(task.getCoro().finish());
  }));

iterationTest("coroutines that are no tasks, and messages and wake-ups to them, are in the same queue", (lab) => {
  const { loop } = lab;
  loop.callSoon(() => {
    lab.note("callback");
    const coro = new Coro(function* (coro) {
      lab.note("coroutine");
      lab.note(yield* coro.receive());
      lab.note(yield* coro.sleep());
    });
    loop.callSoon(() => {
      lab.note("sends");
      coro.send("message");
      loop.callSoon(() => {
        lab.note("resumes");
        loop.callSoon(lab.noting("before"));
        coro.resume("resumed");
        loop.callSoon(lab.noting("after"));
      });
    });
  });
}, [["callback"], ["coroutine", "sends"], ["message", "resumes"], ["before", "resumed", "after"]]);

Deno.test("timers that are due together fire in one iteration, and the tasks that they wake run in the next", () =>
  inLoop(async (lab) => {
    const { loop } = lab;
    for (let i = 0; i < 3; i++) {
      loop.callLater(5, () => {
        lab.note(`timer ${i}`);
        loop.callSoon(lab.noting(`asked for by timer ${i}`));
        if (i === 0) loop.stop();
      });
    }
    await loop.runForever();
    assertEquals(lab.takeLog(), ["timer 0", "timer 1", "timer 2"]);
    await lab.iterate();
    assertEquals(lab.takeLog(), [0, 1, 2].map((i) => `asked for by timer ${i}`));
  }));
