/** Files between processes, over TCP. */
import { Coro, sleep, until } from "@asyncoro/asyncoro";
import { PeerLostError } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { noise } from "../files/fixture.ts";
import { withPeers } from "./peer_processes.ts";

const MIB = 2 ** 20;
/** More than is sent before a process can be killed. */
const MUCH = 256 * MIB;

/** A directory of the test, with an empty one, `inbox`. */
function makeHome(): { home: string; inbox: string } & Disposable {
  const home = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "asyncoro-files-" }));
  Deno.mkdirSync(`${home}/inbox`);
  return { home, inbox: `${home}/inbox`, [Symbol.dispose]: () => Deno.removeSync(home, { recursive: true }) };
}

function entries(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
}

/** Waits until a file is being received. */
function* untilReceiving(directory: string): Generator<unknown, void, unknown> {
  const isReceiving = (name: string) => name.endsWith(".part") && Deno.statSync(`${directory}/${name}`).size > MIB;
  while (!entries(directory).some(isReceiving)) yield* sleep(0.001);
}

/** A file with holes, which is quickly made. */
function makeMuch(path: string): string {
  using file = Deno.openSync(path, { write: true, create: true });
  file.truncateSync(MUCH);
  return path;
}

Deno.test("a file is sent to another process, and messages pass it", async () => {
  using dirs = makeHome();
  await withPeers(function* (coro, { network, start, reported }) {
    const process = yield* until(start("receiver", 0, { files: { directory: dirs.inbox } }));
    const peer = yield* network.peer(process.address);
    const receiver = (yield* Coro.locate("receiver", 10))!;
    const source = `${dirs.home}/file`;
    Deno.writeFileSync(source, noise(40 * MIB));
    let isSent = false;
    const sender = new Coro(function* () {
      const sent = yield* network.sendFile(peer, source, { dir: "d" });
      isSent = true;
      return sent;
    });
    let pongs = 0;
    while (!isSent) {
      receiver.send({ ask: pongs, to: coro });
      assertEquals(yield* coro.receive(10), ["pong", pongs++]);
    }
    assert(pongs > 3, `${pongs}`);
    assertEquals(yield* sender.finish(), { path: "d/file", bytes: 40 * MIB, unchanged: false });
    assertEquals(Deno.readFileSync(`${dirs.inbox}/d/file`).every((byte, i) => byte === EXPECTED[i]), true);
    assertEquals((yield* network.sendFile(peer, source, { dir: "d" })).unchanged, true);
    assertEquals(yield* network.delFile(peer, "d/file"), true);
    assertEquals([entries(dirs.inbox), reported], [[], []]);
  });
});

const EXPECTED = noise(40 * MIB);

Deno.test("kill -9 of the receiver: the old file is there, and the rest is removed later", async () => {
  using dirs = makeHome();
  const options = { files: { directory: dirs.inbox, maxBytes: MUCH } };
  Deno.writeTextFileSync(`${dirs.inbox}/file`, "old");
  const source = makeMuch(`${dirs.home}/file`);
  await withPeers(function* (_coro, { network, start }) {
    const process = yield* until(start("receiver", 0, options));
    const peer = yield* network.peer(process.address);
    const sender = new Coro(function* () {
      try {
        return yield* network.sendFile(peer, source, { overwrite: true });
      } catch (error) {
        return error;
      }
    });
    yield* untilReceiving(dirs.inbox);
    process.kill("SIGKILL");
    assertInstanceOf(yield* sender.finish(), PeerLostError);
    assertEquals(Deno.readTextFileSync(`${dirs.inbox}/file`), "old");
    const [temporary] = entries(dirs.inbox).filter((name) => name.endsWith(".part"));
    const longAgo = new Date(Date.now() - 2 * 3600_000);
    Deno.utimeSync(`${dirs.inbox}/${temporary}`, longAgo, longAgo);
    yield* until(start("receiver", process.port, options));
    while (entries(dirs.inbox).length > 1) yield* sleep(0.01);
    assertEquals(entries(dirs.inbox), ["file"]);
  });
});

Deno.test("kill -9 of the sender: the old file is there, and nothing else", async () => {
  using dirs = makeHome();
  Deno.writeTextFileSync(`${dirs.inbox}/file`, "old");
  const source = makeMuch(`${dirs.home}/file`);
  await withPeers(function* (coro, { network, start, reported }) {
    const process = yield* until(start("sender"));
    yield* network.peer(process.address);
    (yield* Coro.locate("sender", 10))!.send({ sendFile: source, to: coro });
    yield* untilReceiving(dirs.inbox);
    process.kill("SIGKILL");
    while (network.stats().peers > 0 || entries(dirs.inbox).length > 1) yield* sleep(0.01);
    assertEquals([entries(dirs.inbox), Deno.readTextFileSync(`${dirs.inbox}/file`)], [["file"], "old"]);
    assertEquals(reported, []);
  }, { files: { directory: dirs.inbox, maxBytes: MUCH } });
});
