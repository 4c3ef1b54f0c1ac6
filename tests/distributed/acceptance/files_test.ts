/** Files of peers. */
import { Coro, sleep } from "@asyncoro/asyncoro";
import { FileTransferError, PeerLostError, PermissionError } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { eventually, type Here, onMachines, type Program, thrownBy } from "./machines.ts";

/** Runs a program that sends files to `b`, with a folder for files to be sent and one for those that came. */
async function sending(
  program: (coro: Coro, here: Here & { from: string; to: string }) => Generator<unknown, unknown, unknown>,
  maxBytes?: number,
): Promise<void> {
  const from = await Deno.makeTempDir();
  const to = await Deno.makeTempDir();
  let done = false;
  try {
    await onMachines({
      *a(coro, here) {
        try {
          yield* here.network.peer("sim:b");
          yield* program(coro, { ...here, from, to });
        } finally {
          done = true;
        }
      },
      b: staying(() => done),
    }, (name) => name === "b" ? { files: { directory: `${to}/files`, maxBytes } } : {});
  } finally {
    await Deno.remove(from, { recursive: true });
    await Deno.remove(to, { recursive: true });
  }
}

function staying(done: () => boolean): Program {
  return function* () {
    yield* eventually(done);
  };
}

/** What is in a folder and below. */
function listing(directory: string, prefix = ""): string[] {
  return [...Deno.readDirSync(directory)].flatMap((entry) =>
    entry.isDirectory
      ? [`${prefix}${entry.name}/`, ...listing(`${directory}/${entry.name}`, `${prefix}${entry.name}/`)]
      : [prefix + entry.name]
  ).sort();
}

function bytes(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => (i * 31 + (i >> 8)) & 255);
}

for (const size of [0, 1, 300_000, 9 << 20]) {
  Deno.test(`a file of ${size} bytes arrives as it is, below \`dir\`, which is made`, async () => {
    await sending(function* (_coro, { network, from, to }) {
      const [b] = network.peers();
      Deno.writeFileSync(`${from}/data.bin`, bytes(size));
      assertEquals(yield* network.sendFile(b, `${from}/data.bin`, { dir: "x/y" }), {
        path: "x/y/data.bin",
        bytes: size,
        unchanged: false,
      });
      assertEquals(Deno.readFileSync(`${to}/files/x/y/data.bin`), bytes(size));
      assertEquals(listing(`${to}/files`), ["x/", "x/y/", "x/y/data.bin"]);
      assertEquals(network.stats().pending, 0);
    });
  });
}

Deno.test("the same again is `unchanged`, another one needs `overwrite`, and `name` is its name there", async () => {
  await sending(function* (_coro, { network, from, to }) {
    const [b] = network.peers();
    Deno.writeTextFileSync(`${from}/f`, "one");
    assertEquals(yield* network.sendFile(b, `${from}/f`, { name: "g" }), { path: "g", bytes: 3, unchanged: false });
    assertEquals(yield* network.sendFile(b, `${from}/f`, { name: "g" }), { path: "g", bytes: 3, unchanged: true });
    Deno.writeTextFileSync(`${from}/f`, "two");
    yield* thrownBy(FileTransferError, network.sendFile(b, `${from}/f`, { name: "g" }));
    assertEquals(Deno.readTextFileSync(`${to}/files/g`), "one");
    assertEquals(yield* network.sendFile(b, `${from}/f`, { name: "g", overwrite: true }), {
      path: "g",
      bytes: 3,
      unchanged: false,
    });
    assertEquals(Deno.readTextFileSync(`${to}/files/g`), "two");
    assertEquals(listing(`${to}/files`), ["g"]);
  });
});

Deno.test("delFile deletes once: `true`, then `false`", async () => {
  await sending(function* (_coro, { network, from, to }) {
    const [b] = network.peers();
    Deno.writeTextFileSync(`${from}/f`, "one");
    const { path } = yield* network.sendFile(b, `${from}/f`, { dir: "d" });
    assertEquals(yield* network.delFile(b, path), true);
    assertEquals(yield* network.delFile(b, path), false);
    assertEquals(listing(`${to}/files`), []);
  });
});

Deno.test("paths out of the directory are refused and counted there", async () => {
  await sending(function* (_coro, { network, from, to }) {
    const [b] = network.peers();
    Deno.writeTextFileSync(`${from}/f`, "one");
    Deno.writeTextFileSync(`${to}/secret`, "secret");
    Deno.mkdirSync(`${to}/files`, { recursive: true });
    Deno.symlinkSync(to, `${to}/files/out`);
    Deno.symlinkSync(`${to}/secret`, `${to}/files/link`);
    for (const dir of ["..", "a/../..", "/tmp", `${to}`, "out", "out/x", "..\\x", "C:\\x", "a\0b"]) {
      yield* thrownBy(PermissionError, {
        *[Symbol.iterator]() {
          yield* network.sendFile(b, `${from}/f`, { dir });
        },
      });
    }
    for (const name of ["..", "a/b", "../f", "/f"]) {
      yield* thrownBy(PermissionError, {
        *[Symbol.iterator]() {
          yield* network.sendFile(b, `${from}/f`, { name });
        },
      });
    }
    yield* thrownBy(PermissionError, network.sendFile(b, `${from}/f`, { name: "link", overwrite: true }));
    for (const path of ["../secret", "/etc/passwd", "out/secret", "link", `${to}/secret`]) {
      yield* thrownBy(PermissionError, network.delFile(b, path));
    }
    assertEquals(Deno.readTextFileSync(`${to}/secret`), "secret");
    assertEquals(listing(to), ["files/", "files/link", "files/out", "secret"]);
  });
});

Deno.test("files are refused if `files` is not set, which is counted", async () => {
  const file = await Deno.makeTempFile();
  let done = false;
  try {
    await onMachines({
      *a(_coro, { network }) {
        const b = yield* network.peer("sim:b");
        yield* thrownBy(PermissionError, network.sendFile(b, file));
        yield* thrownBy(PermissionError, network.delFile(b, "f"));
        done = true;
      },
      *b(_coro, { network }) {
        yield* eventually(() => done);
        assertEquals(network.stats().refused, 2);
      },
    });
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("a file that is too large is a FileTransferError, and leaves nothing", async () => {
  await sending(function* (_coro, { network, from, to }) {
    const [b] = network.peers();
    Deno.writeFileSync(`${from}/f`, bytes(1001));
    yield* thrownBy(FileTransferError, network.sendFile(b, `${from}/f`));
    Deno.writeFileSync(`${from}/f`, bytes(1000));
    yield* network.sendFile(b, `${from}/f`);
    assertEquals(listing(`${to}/files`), ["f"]);
  }, 1000);
});

Deno.test("a file that is not there, and a folder, cannot be sent", async () => {
  await sending(function* (_coro, { network, from }) {
    const [b] = network.peers();
    yield* thrownBy(FileTransferError, network.sendFile(b, `${from}/nothing`));
    yield* thrownBy(FileTransferError, network.sendFile(b, from));
    assertThrows(() => network.sendFile(b, 7 as unknown as string), TypeError);
    assertThrows(() => network.sendFile(b, "f", { nonsense: 1 } as never), TypeError);
    assertThrows(() => network.sendFile("b" as never, "f"), TypeError);
    assertEquals(network.stats().pending, 0);
  });
});

// The machine that crashes closes no file, as a process that is killed.
const crash = { name: "a peer that is lost ends a transfer with PeerLostError, and nothing partial is under its name" };
Deno.test({ ...crash, sanitizeResources: false }, async () => {
  await sending(function* (_coro, { network, simulation, from, to }) {
    const [b] = network.peers();
    Deno.writeFileSync(`${from}/f`, bytes(20 << 20));
    new Coro(function* () {
      yield* sleep(0.3);
      simulation.crash("b");
    });
    const error = yield* thrownBy(PeerLostError, network.sendFile(b, `${from}/f`));
    assert(error.location.equals(b));
    assertEquals(listing(`${to}/files`).includes("f"), false);
    assertEquals(network.stats().pending, 0);
  });
});

Deno.test("a link that is cut again and again does not harm a file", async () => {
  await sending(function* (_coro, { network, simulation, from, to }) {
    const [b] = network.peers();
    Deno.writeFileSync(`${from}/f`, bytes(3 << 20));
    const cutter = new Coro(function* () {
      for (let i = 0; i < 5; i++) {
        yield* sleep(0.05);
        simulation.cut("a", "b");
      }
    });
    yield* network.sendFile(b, `${from}/f`, { timeout: 3600 });
    yield* cutter.finish();
    assertEquals(Deno.readFileSync(`${to}/files/f`), bytes(3 << 20));
  });
});

Deno.test("virtual time stands still for the disk: a large file takes as long as its link, also to a machine that freezes", async () => {
  await sending(function* (coro, { network, simulation, from, to }) {
    const [b] = network.peers();
    Deno.writeFileSync(`${from}/f`, bytes(9 << 20));
    const start = coro.scheduler.now();
    yield* network.sendFile(b, `${from}/f`, { timeout: 10 });
    assert(coro.scheduler.now() - start < 5);
    new Coro(function* () {
      for (let i = 0; i < 5; i++) {
        yield* sleep(0.1);
        simulation.freeze("b", 0.5);
      }
    });
    yield* network.sendFile(b, `${from}/f`, { name: "g", timeout: 20 });
    assertEquals(Deno.readFileSync(`${to}/files/g`), bytes(9 << 20));
  });
});

Deno.test("messages go before the chunks of a file", async () => {
  const from = await Deno.makeTempDir();
  const to = await Deno.makeTempDir();
  let done = false;
  try {
    Deno.writeFileSync(`${from}/f`, bytes(16 << 20));
    await onMachines({
      *a(coro, { network }) {
        const b = yield* network.peer("sim:b");
        const echo = (yield* Coro.locate("echo", 10))!;
        const sender = new Coro(function* () {
          yield* network.sendFile(b, `${from}/f`);
        });
        yield* sleep(0.2);
        const start = coro.scheduler.now();
        for (let i = 0; i < 10; i++) assertEquals(yield* echo.deliver(i, 10), 1);
        assert(sender.isAlive());
        assert(coro.scheduler.now() - start < 5, `${coro.scheduler.now() - start}`);
        yield* sender.finish();
        done = true;
      },
      *b(coro) {
        coro.register("echo");
        yield* eventually(() => done);
      },
    }, (name) => name === "b" ? { files: { directory: to } } : {});
  } finally {
    await Deno.remove(from, { recursive: true });
    await Deno.remove(to, { recursive: true });
  }
});

Deno.test("`allow` decides about files, with their names", async () => {
  const to = await Deno.makeTempDir();
  const file = await Deno.makeTempFile();
  const asked: unknown[] = [];
  let done = false;
  try {
    await onMachines({
      *a(_coro, { network }) {
        const b = yield* network.peer("sim:b");
        yield* thrownBy(PermissionError, network.sendFile(b, file, { dir: "no", name: "f" }));
        yield* network.sendFile(b, file, { dir: "yes", name: "f" });
        done = true;
      },
      *b(_coro, { network }) {
        yield* eventually(() => done);
        assertEquals(network.stats().refused, 1);
      },
    }, (name) =>
      name !== "b" ? {} : {
        files: { directory: to },
        allow: ({ peer, action, name }) => {
          asked.push([peer.name, action, name]);
          return name?.startsWith("yes") === true;
        },
      });
    assertEquals(asked, [["a", "file", "no/f"], ["a", "file", "yes/f"]]);
  } finally {
    await Deno.remove(to, { recursive: true });
    await Deno.remove(file);
  }
});
