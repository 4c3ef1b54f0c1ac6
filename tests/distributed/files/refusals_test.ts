/** What peers may not do with files: nothing is written, read or deleted outside of the directory. */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { FileTransferError, PermissionError } from "../../../core/distributed/errors.ts";
import type { PeerRequest } from "../../../core/distributed/permissions.ts";
import { type Fixture, noise, type TestPeer, withTwo } from "./fixture.ts";
import { WriteGate } from "./write_gate.ts";

const MIB = 2 ** 20;

/** Sends "text" as `dir`/`name`, and deletes it: both are refused, and counted at `b`. */
async function assertRefused(
  { a, b, fixture }: { a: TestPeer; b: TestPeer; fixture: Fixture },
  [dir, name]: [dir: string, name: string],
  message = "",
): Promise<void> {
  const source = fixture.source("source", "text");
  const path = dir === "" ? name : `${dir}/${name}`;
  const before = [...fixture.inboxEntries(), ...fixture.inboxEntries(`${fixture.home}/outside`)];
  const refused = b.network.stats().refused;
  for (const overwrite of [false, true]) {
    const error = await assertRejects(
      () => a.run((network) => network.sendFile(b.location, source, { dir, name, overwrite })),
      PermissionError,
      message,
      path,
    );
    assert(path.includes(fixture.home) || !error.message.includes(fixture.home), error.message);
  }
  // A name with a separator is a path here.
  if (!name.includes("/")) {
    await assertRejects(() => a.run((network) => network.delFile(b.location, path)), PermissionError, message, path);
    assertEquals(b.network.stats().refused - refused, 3);
  }
  assertEquals([...fixture.inboxEntries(), ...fixture.inboxEntries(`${fixture.home}/outside`)], before);
}

Deno.test(
  "files are refused unless 'files' is set, whatever 'allow' says",
  withTwo(async (peers) => {
    Deno.mkdirSync(peers.fixture.inbox);
    Deno.mkdirSync(`${peers.fixture.home}/outside`);
    await assertRefused(peers, ["", "file"], "it takes none: it has to join with 'files'");
    assertEquals(peers.b.errors, []);
  }, { b: () => ({ files: undefined, allow: () => true }), a: () => ({ files: undefined }) }),
);

Deno.test("'allow' decides about each file, by its path", async () => {
  const asked: PeerRequest[] = [];
  const allow = (request: PeerRequest) => {
    asked.push(request);
    if (request.name === "throws") throw new Error("no idea");
    return request.name === "open/file";
  };
  await withTwo(async (peers) => {
    const { a, b, fixture } = peers;
    Deno.mkdirSync(`${fixture.home}/outside`);
    const source = fixture.source("file", "text");
    await a.run((network) => network.sendFile(b.location, source, { dir: ".//open/" }));
    assertEquals(asked, [{ peer: a.location, action: "file", name: "open/file" }]);
    assertEquals(b.network.stats().refused, 0);
    await assertRefused(peers, ["open", "other"], '"open/other" of the peer as it does not allow that');
    await assertRefused(peers, ["", "throws"], "does not allow that");
    assertEquals(b.errors.map(String), Array(3).fill("Error: no idea"));
    assertEquals(await a.run((network) => network.delFile(b.location, "open/file")), true);
  }, { b: () => ({ allow }) })();
});

Deno.test(
  "paths that are absolute, lead up or have other separators are refused",
  withTwo(async (peers) => {
    const { home } = peers.fixture;
    Deno.mkdirSync(`${home}/outside`);
    Deno.writeTextFileSync(`${home}/outside/file`, "outside");
    const temporary = `.asyncoro-${"0".repeat(32)}-1.part`;
    const paths: [dir: string, name: string][] = [
      ["/", "file"],
      [`${home}/outside`, "file"],
      ["..", "file"],
      ["../outside", "file"],
      ["x/../../outside", "file"],
      ["x/..", "file"],
      ["", ".."],
      ["", "."],
      ["", ""],
      ["", "../outside/file"],
      ["", "x/file"],
      ["", `${home}/outside/file`],
      ["", "..\\outside\\file"],
      ["x\\y", "file"],
      ["", "C:file"],
      ["c:", "file"],
      ["", "nul\0"],
      ["nul\0/x", "file"],
      ["", temporary],
      ["", temporary.toUpperCase()],
      [temporary, "file"],
    ];
    for (const path of paths) await assertRefused(peers, path);
    assertEquals(Deno.readTextFileSync(`${home}/outside/file`), "outside");
    assertEquals(peers.b.errors, []);
  }),
);

Deno.test(
  "symbolic links out of the directory are refused",
  withTwo(async (peers) => {
    const { home, inbox } = peers.fixture;
    Deno.mkdirSync(`${home}/outside/sub`, { recursive: true });
    Deno.writeTextFileSync(`${home}/outside/file`, "text");
    // The name of the directory with something after it.
    Deno.mkdirSync(`${inbox}-2`);
    Deno.mkdirSync(`${inbox}/real`);
    const links: Record<string, string> = {
      directory: `${home}/outside`,
      up: "..",
      beside: `${inbox}-2`,
      "real/relative": "../../outside",
      file: `${home}/outside/file`,
      "real/dangling": "nowhere",
      outside: `${home}/outside/nowhere`,
    };
    for (const [link, target] of Object.entries(links)) Deno.symlinkSync(target, `${inbox}/${link}`);
    const paths: [dir: string, name: string][] = [
      ["directory", "file"],
      ["directory", "new"],
      ["directory/new", "file"],
      ["directory/sub", "file"],
      ["up", "file"],
      ["beside", "file"],
      ["real/relative", "file"],
      ["real/relative/sub", "file"],
      ["", "file"],
      ["", "outside"],
      ["real", "dangling"],
      ["real/dangling", "file"],
    ];
    for (const path of paths) await assertRefused(peers, path, "a symbolic link in it leads out");
    assertEquals(Deno.readTextFileSync(`${home}/outside/file`), "text");
    assertEquals(peers.fixture.inboxEntries(`${inbox}-2`), []);
    assertEquals(peers.b.errors, []);
  }),
);

Deno.test(
  "symbolic links within the directory are followed, and deleted themselves",
  withTwo(async ({ a, b, fixture }) => {
    Deno.mkdirSync(`${fixture.inbox}/real`);
    Deno.writeTextFileSync(`${fixture.inbox}/real/old`, "old");
    Deno.symlinkSync("real", `${fixture.inbox}/link`);
    Deno.symlinkSync("real/old", `${fixture.inbox}/current`);
    const source = fixture.source("file", "new text");
    await a.run((network) => network.sendFile(b.location, source, { dir: "link" }));
    assertEquals(Deno.readTextFileSync(`${fixture.inbox}/real/file`), "new text");
    const sent = await a.run((network) => network.sendFile(b.location, source, { name: "current", overwrite: true }));
    assertEquals(sent.path, "current");
    assertEquals(Deno.readTextFileSync(`${fixture.inbox}/real/old`), "new text");
    assert(Deno.lstatSync(`${fixture.inbox}/current`).isSymlink);
    assertEquals(await a.run((network) => network.delFile(b.location, "current")), true);
    assertEquals(fixture.inboxEntries(), ["link", "real/", "real/file", "real/old"]);
  }),
);

Deno.test(
  "a directory that becomes a symbolic link while a file is received: nothing is written outside",
  withTwo(async ({ a, b, fixture }) => {
    Deno.mkdirSync(`${fixture.home}/outside`);
    Deno.writeTextFileSync(`${fixture.home}/outside/file`, "outside");
    const source = fixture.source("file", 2 * MIB);
    using gate = new WriteGate(2);
    const sending = a.run((network) => network.sendFile(b.location, source, { dir: "sub", overwrite: true }));
    await gate.reached;
    Deno.renameSync(`${fixture.inbox}/sub`, `${fixture.inbox}/moved`);
    Deno.symlinkSync(`${fixture.home}/outside`, `${fixture.inbox}/sub`);
    gate.open();
    await assertRejects(() => sending, PermissionError, "leads out of the directory for files");
    assertEquals(b.network.stats().refused, 1);
    assertEquals(fixture.inboxEntries(`${fixture.home}/outside`), ["file"]);
    assertEquals(Deno.readTextFileSync(`${fixture.home}/outside/file`), "outside");
  }),
);

Deno.test(
  "a directory that becomes a symbolic link just before the file is created: it is removed again, still empty",
  withTwo(async ({ a, b, fixture }) => {
    Deno.mkdirSync(`${fixture.home}/outside`);
    Deno.mkdirSync(`${fixture.inbox}/sub`);
    const source = fixture.source("file", 2 * MIB);
    const { open } = Deno;
    let created = 0;
    Deno.open = async (path, options) => {
      if (options?.createNew && created++ === 0) {
        Deno.renameSync(`${fixture.inbox}/sub`, `${fixture.inbox}/moved`);
        Deno.symlinkSync(`${fixture.home}/outside`, `${fixture.inbox}/sub`);
      }
      return await open(path, options);
    };
    try {
      await assertRejects(
        () => a.run((network) => network.sendFile(b.location, source, { dir: "sub" })),
        PermissionError,
        "replaced by a symbolic link",
      );
    } finally {
      Deno.open = open;
    }
    assertEquals(created, 1);
    assertEquals(fixture.inboxEntries(`${fixture.home}/outside`), []);
    assertEquals(fixture.inboxEntries(), ["moved/", "sub"]);
  }),
);

Deno.test(
  "a name that becomes a symbolic link while its file is received is refused or replaced, never followed",
  withTwo(async ({ a, b, fixture }) => {
    Deno.mkdirSync(`${fixture.home}/outside`);
    Deno.writeTextFileSync(`${fixture.home}/outside/file`, "outside");
    const source = fixture.source("file", 2 * MIB);
    using gate = new WriteGate(2);
    const sending = a.run((network) => network.sendFile(b.location, source, { overwrite: true }));
    await gate.reached;
    Deno.symlinkSync(`${fixture.home}/outside/file`, `${fixture.inbox}/file`);
    gate.open();
    await assertRejects(() => sending, PermissionError, "leads out of the directory for files");
    assertEquals([b.network.stats().refused, fixture.inboxEntries()], [1, ["file"]]);
    assertEquals(Deno.readTextFileSync(`${fixture.home}/outside/file`), "outside");
  }),
);

Deno.test(
  "a name that becomes a symbolic link within the directory meanwhile is not that of the file any more",
  withTwo(async ({ a, b, fixture }) => {
    Deno.writeTextFileSync(`${fixture.inbox}/other`, "other");
    const source = fixture.source("file", 2 * MIB);
    using gate = new WriteGate(2);
    const sending = a.run((network) => network.sendFile(b.location, source, { overwrite: true }));
    await gate.reached;
    Deno.symlinkSync("other", `${fixture.inbox}/file`);
    gate.open();
    await assertRejects(() => sending, FileTransferError, "moved meanwhile");
    assertEquals([fixture.inboxEntries(), fixture.received("other").length], [["file", "other"], 5]);
  }),
);

Deno.test(
  "a directory that is moved or removed while a file is received fails, without a trace where it was",
  withTwo(async ({ a, b, fixture }) => {
    const source = fixture.source("file", 2 * MIB);
    for (
      const change of [
        () => Deno.removeSync(`${fixture.inbox}/sub`, { recursive: true }),
        () => Deno.renameSync(`${fixture.inbox}/sub`, `${fixture.home}/moved`),
      ]
    ) {
      using gate = new WriteGate(2);
      const sending = a.run((network) => network.sendFile(b.location, source, { dir: "sub", overwrite: true }));
      await gate.reached;
      change();
      gate.open();
      const error = await assertRejects(() => sending);
      assertInstanceOf(error, FileTransferError);
      assertEquals(fixture.inboxEntries(), []);
    }
    assertEquals(b.errors, []);
  }),
);

Deno.test(
  "another file that comes under the name meanwhile is not overwritten without 'overwrite'",
  withTwo(async ({ a, b, fixture }) => {
    const source = fixture.source("file", 2 * MIB);
    for (const contents of [noise(2 * MIB), noise(2 * MIB, 2)]) {
      using gate = new WriteGate(2);
      const sending = a.run((network) => network.sendFile(b.location, source));
      await gate.reached;
      Deno.writeFileSync(`${fixture.inbox}/file`, contents);
      gate.open();
      if (contents[0] === noise(4)[0]) assertEquals((await sending).unchanged, true);
      else await assertRejects(() => sending, FileTransferError, "set 'overwrite'");
      assertEquals(fixture.received("file"), contents);
      assertEquals(fixture.inboxEntries(), ["file"]);
      Deno.removeSync(`${fixture.inbox}/file`);
    }
  }),
);

Deno.test(
  "a directory that becomes a symbolic link just after it was looked at: nothing is deleted outside",
  withTwo(async ({ a, b, fixture }) => {
    Deno.mkdirSync(`${fixture.home}/outside`);
    Deno.writeTextFileSync(`${fixture.home}/outside/file`, "outside");
    Deno.mkdirSync(`${fixture.inbox}/sub`);
    const { lstat } = Deno;
    Deno.lstat = async (path) => {
      const info = await lstat(path);
      if (path === `${fixture.inbox}/sub` && info.isDirectory) {
        Deno.removeSync(path);
        Deno.symlinkSync(`${fixture.home}/outside`, path);
      }
      return info;
    };
    try {
      await assertRejects(
        () => a.run((network) => network.delFile(b.location, "sub/file")),
        PermissionError,
        "leads out",
      );
    } finally {
      Deno.lstat = lstat;
    }
    assertEquals(fixture.inboxEntries(`${fixture.home}/outside`), ["file"]);
  }),
);

Deno.test(
  "a file that becomes a symbolic link just before it is compared is not read where that leads",
  withTwo(async ({ a, b, fixture }) => {
    const source = fixture.source("file", "the same");
    Deno.writeTextFileSync(`${fixture.inbox}/file`, "another.");
    const { open } = Deno;
    Deno.open = async (path, options) => {
      if (path === `${fixture.inbox}/file`) {
        Deno.removeSync(path);
        Deno.symlinkSync(source, path);
      }
      return await open(path, options);
    };
    try {
      await assertRejects(() => a.run((network) => network.sendFile(b.location, source)), FileTransferError, "another");
    } finally {
      Deno.open = open;
    }
  }),
);

Deno.test("a directory for files that cannot be made fails the joining", async () => {
  await withTwo(async ({ fixture }) => {
    Deno.writeTextFileSync(`${fixture.home}/taken`, "");
    await assertRejects(() => fixture.join("c", { files: { directory: `${fixture.home}/taken/inbox` } }));
    assertEquals([...fixture.hub.engines.keys()].sort(), ["memory:a", "memory:b"]);
    const made = await fixture.join("d", { files: { directory: `${fixture.home}/new/inbox` } });
    assert(Deno.statSync(`${fixture.home}/new/inbox`).isDirectory);
    assertEquals(made.errors, []);
  })();
});
