/** Sending files, and deleting them. */
import { all } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { FileTransferError, PeerLostError } from "../../../core/distributed/errors.ts";
import { CHUNK_BYTES, WINDOW } from "../../../core/distributed/files/file_request.ts";
import type { Network } from "../../../core/distributed/network.ts";
import { noise, type TestPeer, withTwo } from "./fixture.ts";
import { WriteGate } from "./write_gate.ts";

const MIB = 2 ** 20;

Deno.test(
  "a file arrives under its name, with its mode and its time",
  withTwo(async ({ a, b, fixture }) => {
    const source = fixture.source("tool", 3 * MIB + 17);
    Deno.chmodSync(source, 0o6751);
    Deno.utimeSync(source, 1_000_000_000, 1_234_567_890);
    const sent = await a.run((network) => network.sendFile(b.location, source));
    assertEquals(sent, { path: "tool", bytes: 3 * MIB + 17, unchanged: false });
    assertEquals(fixture.inboxEntries(), ["tool"]);
    assertEquals(fixture.received("tool"), noise(3 * MIB + 17));
    const { mode, mtime } = Deno.statSync(`${fixture.inbox}/tool`);
    // No rights of another user.
    assertEquals([mode! & 0o7777, mtime!.getTime()], [0o751, 1_234_567_890_000]);
    assertEquals([a.network.stats().pending, b.network.stats().refused, b.errors, a.errors], [0, 0, [], []]);
  }),
);

Deno.test(
  "files of all sizes arrive whole",
  withTwo(async ({ a, b, fixture }) => {
    const edges = [CHUNK_BYTES, 4 * CHUNK_BYTES, WINDOW / 4, WINDOW];
    for (const size of [0, 1, ...edges.flatMap((edge) => [edge - 1, edge, edge + 1])]) {
      const source = fixture.source(`size-${size}`, size);
      const { bytes } = await a.run((network) => network.sendFile(b.location, source));
      assertEquals(bytes, size);
      assertEquals(fixture.received(`size-${size}`), noise(size));
    }
  }),
);

Deno.test(
  "dir is made, name replaces that of the source, and a source may be a URL",
  withTwo(async ({ a, b, fixture }) => {
    const source = fixture.source("with space", "text");
    const send = (path: string | URL, options: Parameters<Network["sendFile"]>[2]) =>
      a.run((network) => network.sendFile(b.location, path, options));
    assertEquals((await send(source, { dir: "x/y" })).path, "x/y/with space");
    assertEquals((await send(new URL(`file://${encodeURI(source)}`), { dir: "./x//z/" })).path, "x/z/with space");
    assertEquals((await send(source, { dir: "x", name: "ü.txt" })).path, "x/ü.txt");
    assertEquals((await send(source, { dir: "", name: "..." })).path, "...");
    assertEquals(fixture.inboxEntries(), [
      "...",
      "x/",
      "x/y/",
      "x/y/with space",
      "x/z/",
      "x/z/with space",
      "x/ü.txt",
    ]);
  }),
);

Deno.test(
  "the same file is not sent again",
  withTwo(async ({ a, b, fixture }) => {
    const source = fixture.source("file", 2 * MIB);
    await a.run((network) => network.sendFile(b.location, source));
    const before = a.network.stats().sent;
    for (const overwrite of [false, true]) {
      const sent = await a.run((network) => network.sendFile(b.location, source, { overwrite }));
      assertEquals(sent, { path: "file", bytes: 2 * MIB, unchanged: true });
    }
    assertEquals(a.network.stats().sent - before, 2);
    assertEquals(fixture.inboxEntries(), ["file"]);
  }),
);

Deno.test(
  "a different file is replaced with overwrite only",
  withTwo(async ({ a, b, fixture }) => {
    Deno.writeTextFileSync(`${fixture.inbox}/file`, "older");
    for (const contents of ["newer", "longer"]) {
      const source = fixture.source("file", contents);
      const error = await assertRejects(() => a.run((network) => network.sendFile(b.location, source)));
      assertInstanceOf(error, FileTransferError);
      assertEquals(
        error.message,
        "Cannot send the file as another one of its name is there: set 'overwrite' to replace it",
      );
      assertEquals(Deno.readTextFileSync(`${fixture.inbox}/file`), "older");
      assertEquals(fixture.inboxEntries(), ["file"]);
    }
    const source = fixture.source("file", "newer");
    const sent = await a.run((network) => network.sendFile(b.location, source, { overwrite: true }));
    assertEquals([sent.unchanged, Deno.readTextFileSync(`${fixture.inbox}/file`)], [false, "newer"]);
    assertEquals([a.network.stats().pending, b.network.stats().refused], [0, 0]);
  }),
);

Deno.test(
  "the old file is there until the new one is complete",
  withTwo(async ({ a, b, fixture }) => {
    const target = `${fixture.inbox}/sub/file`;
    Deno.mkdirSync(`${fixture.inbox}/sub`);
    Deno.writeTextFileSync(target, "old");
    const source = fixture.source("file", 4 * MIB);
    using gate = new WriteGate(8);
    const sending = a.run((network) => network.sendFile(b.location, source, { dir: "sub", overwrite: true }));
    await gate.reached;
    assertEquals(Deno.readTextFileSync(target), "old");
    const [temporary] = fixture.inboxEntries().filter((entry) => entry.endsWith(".part"));
    assert(/^sub\/\.asyncoro-[0-9a-f]{32}-1\.part$/.test(temporary), temporary);
    assertEquals(Deno.statSync(`${fixture.inbox}/${temporary}`).mode! & 0o777, 0o600);
    gate.open();
    await sending;
    assertEquals(Deno.readFileSync(target), noise(4 * MIB));
    assertEquals(fixture.inboxEntries(), ["sub/", "sub/file"]);
  }),
);

Deno.test(
  "a file larger than maxBytes is not sent",
  withTwo(async ({ a, b, fixture }) => {
    await a.run((network) => network.sendFile(b.location, fixture.source("fits", 1000)));
    const before = a.network.stats().sent;
    const error = await assertRejects(
      () => a.run((network) => network.sendFile(b.location, fixture.source("large", 1001))),
      FileTransferError,
    );
    assertEquals(
      error.message,
      "Cannot send a file of 1001 bytes as the peer takes 1000: raise 'files.maxBytes' there",
    );
    assertEquals([a.network.stats().sent - before, fixture.inboxEntries()], [1, ["fits"]]);
  }, { b: (inbox) => ({ files: { directory: inbox, maxBytes: 1000 } }) }),
);

Deno.test(
  "delFile deletes a file and the directories that are empty then; what is not there is false",
  withTwo(async ({ a, b, fixture }) => {
    const source = fixture.source("file", "text");
    for (const dir of ["x", "x/y/z"]) await a.run((network) => network.sendFile(b.location, source, { dir }));
    const del = (path: string) => a.run((network) => network.delFile(b.location, path));
    for (const path of ["nothing", "no/thing", "x/nothing", "x/file/nothing"]) {
      assertEquals(await del(path), false, path);
    }
    assertEquals(await del("x/y/z/file"), true);
    assertEquals(fixture.inboxEntries(), ["x/", "x/file"]);
    assertEquals(await del("x/y/z/file"), false);
    assertEquals(await del("./x//file"), true);
    assertEquals(fixture.inboxEntries(), []);
    Deno.mkdirSync(`${fixture.inbox}/directory`);
    await assertRejects(() => del("directory"), FileTransferError, "something else than a file");
    assertEquals(fixture.inboxEntries(), ["directory/"]);
    assertEquals([a.network.stats().pending, b.network.stats().refused], [0, 0]);
  }),
);

Deno.test(
  "a peer sends files to itself, too",
  withTwo(async ({ a, b, fixture }) => {
    const source = fixture.source("file", 2 * MIB);
    const result = await b.run(function* (network) {
      const first = yield* network.sendFile(b.location, source, { dir: "own" });
      const second = yield* network.sendFile(b.location, source, { dir: "own" });
      return [first, second];
    });
    assertEquals(result.map(({ path, unchanged }) => [path, unchanged]), [["own/file", false], ["own/file", true]]);
    assertEquals(fixture.received("own/file"), noise(2 * MIB));
    assertEquals(await b.run((network) => network.delFile(b.location, "own/file")), true);
    assertEquals([fixture.inboxEntries(), a.network.stats().received], [[], b.network.stats().sent]);
  }),
);

Deno.test(
  "any number of files is sent at once, and each in its turn",
  withTwo(async ({ a, b, fixture }) => {
    const sources = Array.from({ length: 40 }, (_, i) => fixture.source(`file-${i}`, 100_000 + i));
    const sent = await a.run((network) =>
      all(...sources.map((source, i) => network.sendFile(b.location, source, { dir: `d${i % 3}` })))
    );
    assertEquals(sent.map(({ bytes }) => bytes), sources.map((_, i) => 100_000 + i));
    for (const [i, { path }] of sent.entries()) assertEquals(fixture.received(path), noise(100_000 + i));
    assertEquals(await a.run((network) => all(...sent.map(({ path }) => network.delFile(b.location, path)))), [
      ...sent.map(() => true),
    ]);
    assertEquals([fixture.inboxEntries(), b.errors, a.network.stats().pending], [[], [], 0]);
  }),
);

for (const overwrite of [true, false]) {
  Deno.test(
    `two different files of one name at once: one is there, whole (overwrite: ${overwrite})`,
    withTwo(async ({ a, b, fixture }) => {
      const c = await fixture.join("c");
      const sources = [fixture.source("1", 2 * MIB), fixture.source("2", 3 * MIB)];
      const send = (peer: TestPeer, i: number) =>
        peer.run((network) => network.sendFile(b.location, sources[i], { dir: "d", name: "same", overwrite }));
      const results = await Promise.allSettled([send(a, 0), send(c, 1)]);
      const failed = results.filter(({ status }) => status === "rejected").map((result) =>
        result as PromiseRejectedResult
      );
      assertEquals(failed.length, overwrite ? 0 : 1);
      for (const { reason } of failed) assertInstanceOf(reason, FileTransferError);
      const size = fixture.received("d/same").length;
      assertEquals(fixture.received("d/same"), noise(size));
      if (!overwrite) assertEquals(size, results[0].status === "fulfilled" ? 2 * MIB : 3 * MIB);
      assertEquals(fixture.inboxEntries(), ["d/", "d/same"]);
    }),
  );
}

Deno.test(
  "the same file at once from two: both succeed",
  withTwo(async ({ a, b, fixture }) => {
    const source = fixture.source("same", 2 * MIB);
    const sent = await a.run((network) =>
      all(network.sendFile(b.location, source), network.sendFile(b.location, source))
    );
    assertEquals(sent.map(({ unchanged }) => unchanged).sort(), [false, true]);
    assertEquals(fixture.inboxEntries(), ["same"]);
  }),
);

for (const [what, change] of changesOfSource()) {
  Deno.test(
    `a source that changes while it is sent fails, and the old file stays: it is ${what}`,
    withTwo(async ({ a, b, fixture }) => {
      Deno.writeTextFileSync(`${fixture.inbox}/file`, "old");
      const source = fixture.source("file", 4 * MIB);
      using gate = new WriteGate(2);
      const sending = a.run((network) => network.sendFile(b.location, source, { overwrite: true }));
      await gate.reached;
      change(source);
      gate.open();
      const error = await assertRejects(() => sending, FileTransferError);
      assertEquals(error.message, "Cannot send the file as it has changed meanwhile: send it again");
      await fixture.until(() => !b.isReceiving);
      assertEquals([fixture.inboxEntries(), Deno.readTextFileSync(`${fixture.inbox}/file`)], [["file"], "old"]);
    }),
  );
}

function changesOfSource(): [string, (source: string) => void][] {
  const write = (source: string, at: number) => {
    using file = Deno.openSync(source, { write: true });
    const { mtime } = file.statSync();
    file.seekSync(at, Deno.SeekMode.Start);
    file.writeSync(new Uint8Array(10));
    // As if it had been written in the very moment in which it was looked at.
    file.utimeSync(mtime!, mtime!);
  };
  return [
    ["written to", (source) => write(source, 3 * MIB)],
    ["longer", (source) => write(source, 4 * MIB)],
    ["shorter", (source) => Deno.truncateSync(source, 2 * MIB)],
    ["another size later", (source) => Deno.truncateSync(source, 4 * MIB - 1)],
  ];
}

Deno.test(
  "what the disk refuses is a FileTransferError with its message, and nothing is left",
  withTwo(async ({ a, b, fixture }) => {
    const missing = await assertRejects(
      () => a.run((network) => network.sendFile(b.location, `${fixture.home}/missing`)),
      FileTransferError,
      "No such file",
    );
    assertInstanceOf(missing.cause, Deno.errors.NotFound);
    await assertRejects(
      () => a.run((network) => network.sendFile(b.location, fixture.home)),
      FileTransferError,
      "it is not a file",
    );
    const source = fixture.source("file", 2 * MIB);
    Deno.writeTextFileSync(`${fixture.inbox}/taken`, "old");
    for (const dir of ["taken", "taken/sub", "made/then"]) {
      const name = dir === "made/then" ? "x".repeat(300) : "file";
      await assertRejects(
        () => a.run((network) => network.sendFile(b.location, source, { dir, name })),
        FileTransferError,
        dir === "made/then" ? "File name too long" : "something else is there",
      );
    }
    for (const write of [1, 3]) {
      using _ = new WriteGate(write, () => {
        throw new Error(`No space left on device (os error 28): write '${fixture.inbox}/x'`);
      });
      const error = await assertRejects(
        () => a.run((network) => network.sendFile(b.location, source, { dir: "full" })),
        FileTransferError,
      );
      assertEquals(error.message, "No space left on device (os error 28): write 'x'");
    }
    await fixture.until(() => !b.isReceiving);
    assertEquals([fixture.inboxEntries(), b.errors, b.network.stats().refused], [["taken"], [], 0]);
    assertEquals(a.network.stats().pending, 0);
    await a.run((network) => network.sendFile(b.location, source, { dir: "full" }));
  }),
);

Deno.test(
  "every operation of the disk may fail at the receiver: the old file stays, and nothing is left",
  withTwo(async ({ a, b, fixture }) => {
    Deno.mkdirSync(`${fixture.inbox}/d`);
    Deno.writeTextFileSync(`${fixture.inbox}/d/file`, "old");
    const source = fixture.source("file", MIB);
    for (const name of ["lstat", "realPath", "open", "rename", "chmod"] as const) {
      const host = Deno[name];
      for (let at = 1; at <= 3; at++) {
        let count = 0;
        Object.assign(Deno, {
          [name](path: string, ...rest: unknown[]) {
            if (!String(path).startsWith(fixture.inbox) || ++count !== at) {
              return (host as (...args: unknown[]) => unknown)(path, ...rest);
            }
            throw new Deno.errors.PermissionDenied(`Permission denied (os error 13): ${name} '${path}'`);
          },
        });
        try {
          await a.run((network) => network.sendFile(b.location, source, { dir: "d", overwrite: true })).then(
            () => assert(count < at, `${name} ${at}`),
            (error) => {
              assertInstanceOf(error, FileTransferError);
              assertEquals(error.message.slice(0, 31), "Permission denied (os error 13)");
            },
          );
        } finally {
          Object.assign(Deno, { [name]: host });
        }
        const replaced = count < at;
        assertEquals(fixture.inboxEntries(), ["d/", "d/file"], `${name} ${at}`);
        assertEquals(fixture.received("d/file").length, replaced ? MIB : 3, `${name} ${at}`);
        Deno.writeTextFileSync(`${fixture.inbox}/d/file`, "old");
      }
    }
    assertEquals(b.errors, []);
  }),
);

Deno.test(
  "arguments are checked at the call",
  withTwo(async ({ a, b, fixture }) => {
    const { network } = a;
    const { location } = b;
    const source = fixture.source("file", "text");
    // deno-lint-ignore no-explicit-any
    const send = (...args: any[]) => () => (network.sendFile as any)(...args);
    assertThrows(send("b", source), TypeError, `'location' must be a Location: current value is "b"`);
    assertThrows(send(location, 5), TypeError, "'path' must be a path or a file URL: current value is 5");
    assertThrows(send(location, ""), TypeError, "'path'");
    assertThrows(send(location, new URL("http://x/y")), TypeError, "'path'");
    assertThrows(send(location, source, { directory: "x" }), TypeError, "no option 'directory'");
    assertThrows(send(location, source, { dir: 1 }), TypeError, "'dir' must be a string: current value is 1");
    assertThrows(send(location, source, { name: null }), TypeError, "'name' must be a string");
    assertThrows(send(location, source, { overwrite: 1 }), TypeError, "'overwrite' must be a boolean");
    assertThrows(send(location, source, { timeout: "1s" }), TypeError, "timeout");
    assertThrows(send(location, source, { dir: "x/".repeat(3000) }), RangeError, "4096 characters: it has 6004");
    // deno-lint-ignore no-explicit-any
    assertThrows(() => network.delFile(location, 5 as any), TypeError, "'path' must be a string: current value is 5");
    assertThrows(() => network.delFile(location, "x".repeat(5000)), RangeError, "4096");
    assertEquals(a.network.stats().pending, 0);
    await a.run((network) => network.leave());
    assertThrows(send(location, source), Error, "the network has been left");
    assertThrows(() => network.delFile(location, "x"), Error, "the network has been left");
  }),
);

Deno.test(
  "a peer that is known to have left is not waited for",
  withTwo(async ({ a, b, fixture }) => {
    const { location } = b;
    const source = fixture.source("file", "text");
    a.network.peerTable.addService({ received: () => {}, needs: () => true });
    await b.run((network) => network.leave());
    await fixture.until(() => a.network.stats().peers === 0);
    for (
      const act of [
        (network: Network) => network.sendFile(location, source),
        (network: Network) => network.delFile(location, "file"),
      ]
    ) {
      const error = await assertRejects(() => a.run<unknown>(act), PeerLostError);
      assertEquals([error.location, error.reason], [location, "left"]);
    }
  }),
);
