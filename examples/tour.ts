/**
 * A tour of the library in a few seconds and eight chapters; `deno task demo` runs it. It needs the network permission for
 * a connection to itself on loopback, and no other permission.
 *
 *     deno run --allow-net=127.0.0.1 examples/tour.ts
 */
import { all, AsyncSocket, Channel, Coro, Lock, main, supervise, until, WorkerPool } from "@asyncoro/asyncoro";
import { gather, run, sleep, TimeoutError, waitFor } from "@asyncoro/asyncoro/asyncio";
import { runVirtual } from "@asyncoro/asyncoro/testing";

type Chapter = Generator<unknown, void, unknown>;

function tell(line: string): void {
  console.log(`   ${line}`);
}

/** 1. */
function* coroutines(): Chapter {
  const count = 100_000;
  const start = performance.now();
  const sleepers = Array.from({ length: count }, (_, i) =>
    new Coro(function* (coro) {
      yield* coro.sleep((i % 100) / 200);
      return 1;
    }));
  let awake = 0;
  for (const sleeper of sleepers) awake += yield* sleeper.finish();
  const seconds = (performance.now() - start) / 1000;
  tell(`${awake.toLocaleString("en")} coroutines slept up to half a second each, in ${seconds.toFixed(1)} s together.`);
}

/** 2. */
function* messages(coro: Coro): Chapter {
  const echo = new Coro(function* echo(coro) {
    for (;;) {
      const { from, text } = yield* coro.receive<{ from: Coro; text: string }>();
      from.send(`${text}, ${text.toLowerCase()}`);
    }
  });
  echo.setDaemon();
  echo.send({ from: coro, text: "Hello" });
  tell(`A message came back: ${yield* coro.receive<string>(1)}.`);
  tell(`Nothing else came within 10 ms: ${yield* coro.receive<string>(0.01, "so the wait timed out")}.`);

  const prices = new Channel<number>("prices", (_name, price) => price > 0 ? price : null);
  const watchers = ["Ada", "Alan", "Grace"].map((name) =>
    new Coro(function* (coro) {
      yield* prices.subscribe(coro);
      return `${name} saw ${yield* coro.receive<number>()}`;
    })
  );
  yield* prices.deliver(-1, 1, watchers.length);
  prices.send(42);
  for (const watcher of watchers) {
    tell(`A channel reached every subscriber, and its transform dropped -1: ${yield* watcher.finish()}.`);
  }
  prices.close();
}

/** 3. */
function* timeLimits(coro: Coro): Chapter {
  const lock = new Lock("the only key");
  const holder = new Coro(function* holder(coro) {
    using _ = yield* lock.hold();
    yield* coro.sleep(0.05);
  });
  yield* coro.sleep(0);
  yield;
  tell(`Another coroutine has the key; acquire() with a limit of 10 ms returned ${yield* lock.acquire(true, 0.01)}.`);
  tell(`Without a limit it returned ${yield* lock.acquire()}.`);
  lock.release();
  yield* holder.finish();
}

/** 4. */
function* supervision(): Chapter {
  let attempts = 0;
  const supervisor = supervise([{
    name: "flaky",
    target: function* (coro: Coro) {
      yield* coro.sleep(0.01);
      attempts++;
      tell(`The worker starts, for the ${["first", "second", "third"][attempts - 1]} time.`);
      if (attempts < 3) throw new Error("it failed");
      return "done";
    },
  }], { maxRestarts: 5, within: 10, onRestart: () => {} });
  yield* supervisor.finish();
  tell("It failed twice and was restarted in place; the third time it returned.");
}

/** 5. */
function* sockets(): Chapter {
  using listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: 0 });
  const server = new Coro(function* (): Generator<unknown, void, unknown> {
    using socket = yield* listener.accept(5);
    yield* socket.lines(5).forEach(function* (line) {
      yield* socket.sendall(`${[...line].reverse().join("")}\n`);
    });
  });
  using socket = yield* AsyncSocket.connect(listener.addr as Deno.NetAddr, 5);
  for (const word of ["stressed", "drawer"]) {
    yield* socket.sendall(`${word}\n`);
    tell(`Over a real TCP connection "${word}" came back as "${yield* socket.readline(5)}".`);
  }
  yield* socket.shutdownWrite();
  yield* server.finish();
}

/** 6. */
function* workers(): Chapter {
  const ranges = Array.from({ length: 40 }, (_, i) => [i * 25_000, (i + 1) * 25_000] as [number, number]);
  const countPrimes = ([from, to]: [number, number]): number => {
    let count = 0;
    next: for (let n = Math.max(2, from); n < to; n++) {
      for (let d = 2; d * d <= n; d++) if (n % d === 0) continue next;
      count++;
    }
    return count;
  };
  using pool = new WorkerPool();
  let primes = 0;
  let done = 0;
  yield* all(ranges.map(function* (range) {
    // Not `primes += yield* ...`: that would add to what `primes` was before the wait.
    const found = yield* pool.asyncTask(countPrimes, range);
    primes += found;
    showProgress(++done, ranges.length);
  }));
  tell(`On ${pool.size} cores, workers counted ${primes.toLocaleString("en")} primes below a million.`);
}

/** Shows a progress bar, in a terminal. */
function showProgress(done: number, total: number): void {
  if (!Deno.stdout.isTerminal()) return;
  const bar = "#".repeat(Math.round((done / total) * 40)).padEnd(40, ".");
  const line = done === total ? `\r${" ".repeat(60)}\r` : `\r   [${bar}] ${done} of ${total}`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

/** 7. */
function* asyncio(): Chapter {
  yield* until(run(function* () {
    const names = yield* gather(sleep(0.02, "gather()"), sleep(0.01, "tasks"), sleep(0, "queues"));
    tell(`Python's asyncio, with ${names.join(", ")} and more.`);
    try {
      yield* waitFor(sleep(3600), 0.01);
    } catch (error) {
      if (error instanceof TimeoutError) tell("A sleep of an hour was cancelled after its limit of 10 ms.");
    }
  }));
}

/** 8. */
function* virtualTime(): Chapter {
  const days = yield* until(runVirtual(function* (coro) {
    let days = 0;
    for (; days < 365; days++) yield* coro.sleep({ days: 1 });
    return days;
  }));
  tell(`In a test, ${days} days of sleeping take no real time.`);
}

const CHAPTERS: readonly [title: string, chapter: (coro: Coro) => Chapter][] = [
  ["Coroutines are cheap", coroutines],
  ["They communicate by messages and channels", messages],
  ["Every wait may have a limit, and loses nothing", timeLimits],
  ["A worker that fails is restarted", supervision],
  ["Sockets read like files", sockets],
  ["Computations run on other cores", workers],
  ["The API of asyncio is here, too", asyncio],
  ["Tests run in virtual time", virtualTime],
];

main(function* (coro) {
  let number = 0;
  for (const [title, chapter] of CHAPTERS) {
    console.log(`${number++ === 0 ? "" : "\n"}${number}. ${title}`);
    yield* chapter(coro);
  }
  console.log("\nThe examples beside this one show each of these in detail.");
});
