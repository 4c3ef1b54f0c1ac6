/**
 * Daemons alone never keep the process alive, whatever they wait for. Other coroutines do, and so do daemons that they
 * depend on. Each program here is a process of its own, whose standard input stays open.
 */
import { assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

/** Runs a program to its end. A program that does not end is killed; its code is then not 0. */
async function outcome(body: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(
    file,
    `import {
       AsyncDatagram, AsyncFile, AsyncPipe, AsyncSocket, Coro, Lock, main, race, run, Scheduler, sleep, stdin, WorkerPool,
     } from "${ROOT}mod.ts";
     import { getRunningLoop, newEventLoop } from "${ROOT}core/asyncio/mod.ts";
     const LOCAL = { hostname: "127.0.0.1", port: 0 };
     // Connected to a peer that sends nothing.
     function* silent() {
       const listener = AsyncSocket.listen(LOCAL);
       const socket = yield* AsyncSocket.connect(listener.addr);
       globalThis.kept = [...globalThis.kept ?? [], yield* listener.accept(), listener];
       return socket;
     }
     ${body}`,
  );
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--no-check", "--no-config", file],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const kill = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const [stdout, stderr, { code }] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.status,
  ]);
  clearTimeout(kill);
  await child.stdin.close().catch(() => {});
  await Deno.remove(file);
  return { code, stdout, stderr };
}

/** Waits without an end: an expression (in a generator) that makes the resource, and the wait of a daemon for it. */
const WAITS: Record<string, [make: string, wait: string]> = {
  "a receive": ["yield* silent()", "it.recv()"],
  "a line": ["yield* silent()", "it.readline()"],
  "a message": ["yield* silent()", "it.recvMsg()"],
  "accept()": ["AsyncSocket.listen(LOCAL)", "it.accept()"],
  "accept() on a path": ["AsyncSocket.listen({ path: Deno.makeTempDirSync() + '/socket' })", "it.accept()"],
  "recvfrom()": ["yield* AsyncDatagram.bind(LOCAL)", "it.recvfrom()"],
  "the output of a child of its own": ["null", "new AsyncPipe('cat').readline()"],
  "the end of a child of its own": ["null", "new AsyncPipe('cat').wait()"],
  "the output of a pipeline of its own": ["null", "AsyncPipe.pipeline(['cat'], ['cat']).readline()"],
  "standard input": ["stdin", "it.readline()"],
  "a worker": ["new WorkerPool(1)", "it.asyncTask(() => new Promise(() => setInterval(() => {}, 1000)))"],
  "a map of workers": ["new WorkerPool(1)", "it.map([1], () => new Promise(() => setInterval(() => {}, 1000)))"],
  "lines that are followed": [
    "yield* AsyncFile.open(Deno.makeTempFileSync(), 'r')",
    "it.lines({ follow: true, interval: 0.01 }).next()",
  ],
  "a sleep": ["null", "sleep(30)"],
  "a message from others": ["null", "me.receive()"],
};

for (const [name, [make, wait]] of Object.entries(WAITS)) {
  Deno.test(`a daemon that waits for ${name} lets a program of run() end, however it became one`, async () => {
    const { code, stdout, stderr } = await outcome(`
      await run(function* (coro) {
        const waiting = function* (me, it, becomes) {
          if (becomes) me.setDaemon(true);
          yield* ${wait};
        };
        coro.scheduler.spawnWith({ daemon: true }, waiting, ${make}, false);
        new Coro(waiting, ${make}, true);
        const later = new Coro(waiting, ${make}, false);
        // A coroutine that waits in a branch, while another waits for the same resource.
        const shared = ${make};
        const branch = new Coro(function* (me) { const it = shared; yield* race(${wait}, sleep(40)); });
        coro.scheduler.spawnWith({ daemon: true }, waiting, shared, false);
        yield* sleep(0.05);
        later.setDaemon(true);
        branch.setDaemon(true);
        yield* sleep(0.05);
        console.log("end");
      });`);
    assertEquals([code, stdout, stderr], [0, "end\n", ""]);
  });
}

const SERVED = `
  // Only the coroutine that waits keeps the process alive until then.
  Deno.unrefTimer(setTimeout(async () => (await Deno.connect(listener.addr)).close(), 300));`;

Deno.test("a coroutine that ceases to be a daemon while it waits keeps the process alive", async () => {
  const { code, stdout, stderr } = await outcome(`
    let listener;
    await run(function* (coro) {
      listener = AsyncSocket.listen(LOCAL);
      const server = coro.scheduler.spawnWith({ daemon: true }, function* () {
        yield* listener.accept();
        console.log("served");
      });
      yield* sleep(0.02);
      server.setDaemon(false);
    });
    ${SERVED}`);
  assertEquals([code, stdout, stderr], [0, "served\n", ""]);
});

Deno.test("a receive that a daemon begins when only daemons are left does not keep the process alive either", async () => {
  const { code, stdout, stderr } = await outcome(`
    const listener = Deno.listen(LOCAL);
    const [conn, peer] = await Promise.all([Deno.connect(listener.addr), listener.accept()]);
    listener.close();
    await run(function* (coro) {
      coro.scheduler.spawnWith({ daemon: true }, function* () {
        const socket = AsyncSocket.from(conn);
        for (;;) console.log((yield* socket.recv()).length);
      });
      yield* sleep(0.02);
    });
    // The host's own timer keeps the process alive until the daemon receives again.
    setTimeout(() => peer.write(new Uint8Array(3)), 20);
    setTimeout(() => console.log("end"), 100);`);
  assertEquals([code, stdout, stderr], [0, "3\nend\n", ""]);
});

for (const order of [["daemon", "other"], ["other", "daemon"]]) {
  Deno.test(`${order.join(" and ")} wait for the same listener: the process lives as long as the other waits`, async () => {
    const { code, stdout, stderr } = await outcome(`
      let listener;
      const ended = [];
      await run(function* (coro) {
        listener = AsyncSocket.listen(LOCAL);
        const spawn = (daemon) => coro.scheduler.spawnWith({ daemon }, function* () {
          if (daemon) for (;;) yield* listener.accept();
          yield* race(listener.accept(), sleep(0.3));
          console.log("the other has ended");
        });
        for (const who of ${JSON.stringify(order)}) { spawn(who === "daemon"); yield; }
      });`);
    assertEquals([code, stdout, stderr], [0, "the other has ended\n", ""]);
  });
}

for (
  const [name, bring] of Object.entries({
    "a worker": `yield* new WorkerPool(1).asyncTask(() => new Promise((resolve) => setTimeout(resolve, 300)))`,
    "a datagram": `yield* (yield* AsyncDatagram.bind({ ...LOCAL, port: 0 })).recvfrom(0.3)`,
    "a child": `yield* new AsyncPipe("sleep", { args: ["0.3"] }).wait()`,
  })
) {
  Deno.test(`others depend on a daemon that waits for ${name}: the process lives until the wait ends`, async () => {
    const { code, stdout, stderr } = await outcome(`
      await run(function* (coro) {
        coro.scheduler.spawnWith({ daemon: true }, function* () {
          try { ${bring}; } catch (error) { if (error.name !== "TimeoutError") throw error; }
          coro.send("there");
          yield* sleep(60);
        });
        console.log(yield* coro.receive());
      });`);
    assertEquals([code, stdout, stderr], [0, "there\n", ""]);
  });
}

Deno.test("async code that waits for a daemon keeps the process alive", async () => {
  const { code, stdout, stderr } = await outcome(`
    let listener;
    const daemon = Scheduler.instance().spawnWith({ daemon: true }, function* () {
      listener = AsyncSocket.listen(LOCAL);
      yield* listener.accept();
      return "served";
    });
    await run(function* () { yield* sleep(0.02); });
    daemon.value().then(console.log);
    ${SERVED}`);
  assertEquals([code, stdout, stderr], [0, "served\n", ""]);
});

Deno.test("an event loop that is stopped does not keep the process alive, and one that runs again does", async () => {
  const { code, stdout, stderr } = await outcome(`
    const loop = newEventLoop();
    const listener = AsyncSocket.listen(LOCAL);
    const server = loop.createTask(function* () { yield* listener.accept(); console.log("served"); });
    const other = loop.createTask(function* () { yield* new AsyncPipe("cat").wait(); });
    loop.callLater(0.05, () => loop.stop());
    await loop.runForever();
    console.log("stopped");
    ${SERVED}
    await loop.runUntilComplete(server);
    console.log("stopped again");`);
  assertEquals([code, stdout, stderr], [0, "stopped\nserved\nstopped again\n", ""]);
});

const SUFFERING: Record<string, string> = {
  "receive": "yield* (it = yield* silent()).recv()",
  "receive loop": "for (it = yield* silent();;) yield* it.recvMsg()",
  "accept()": "yield* (it = AsyncSocket.listen(LOCAL)).accept()",
  "recvfrom()": "yield* (it = yield* AsyncDatagram.bind(LOCAL)).recvfrom()",
  "child": "it = new AsyncPipe('cat'); if (!(yield* it.readline())) throw new Error('no line')",
  "file": "it = yield* AsyncFile.open(Deno.makeTempFileSync(), 'r'); for (;;) yield* it.read(1)",
};

for (const [name, suffer] of Object.entries(SUFFERING)) {
  Deno.test(`a daemon whose ${name} is closed when the program ends causes no uncaught error`, async () => {
    for (
      const also of [
        "",
        `coro.scheduler.spawnWith({ daemon: true }, function* (me) { for (;;) yield* me.receive(); }).send("mail");`,
      ]
    ) {
      const { code, stdout, stderr } = await outcome(`
        main(function* (coro) {
          let it;
          // A lock that it holds to the end causes none either.
          const lock = new Lock();
          coro.scheduler.spawnWith({ daemon: true }, function* () { yield* lock.acquire(); yield* sleep(60); });
          const daemon = coro.scheduler.spawnWith({ daemon: true }, function* () {
            try { ${suffer}; } finally { if (it.sendMsg) yield* it.sendMsg("bye"); }
          });
          ${also}
          while (it === undefined) yield* sleep(0.01);
          yield* sleep(0.05);
          it.close();
          console.log("end");
        });`);
      assertEquals([code, stdout, stderr], [0, "end\n", ""]);
    }
  });
}

Deno.test("a daemon that fails while the program runs is reported, and so is an error in its cleanup at the end", async () => {
  const { code, stderr } = await outcome(`
    main(function* (coro) {
      coro.scheduler.spawnWith({ daemon: true }, function* early() { throw new Error("early"); });
      coro.scheduler.spawnWith({ daemon: true }, function* late() {
        try { yield* sleep(60); } finally { throw new Error("late"); }
      });
      yield;
    });`);
  assertEquals(code, 1);
  assertEquals(stderr.match(/Uncaught error in coroutine \w+\/\d+: Error: \w+/g), [
    "Uncaught error in coroutine early/2: Error: early",
    "Uncaught error in coroutine late/3: Error: late",
  ]);
});
