/** Operations that no peer of this package would send: they harm the one that sends them, and nobody else. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { FileTransferError, PermissionError } from "../../../core/distributed/errors.ts";
import {
  CHUNK_BYTES,
  type FileRequest,
  MAX_REQUESTS,
  readAnswer,
  WINDOW,
  writeRequest,
} from "../../../core/distributed/files/file_request.ts";
import { sha256 } from "../../../core/distributed/files/sha256.ts";
import { Kind } from "../../../core/distributed/peers/operation_kind.ts";
import type { OperationWriter } from "../../../core/distributed/peers/operation_writer.ts";
import { type Fixture, noise, type TestPeer, withTwo } from "./fixture.ts";

/** Writes operations by hand. */
class Forger {
  /** What `b` has answered, by the number of the request. */
  readonly answers: Map<number, ReturnType<typeof readAnswer>> = new Map();
  /** What `b` says that it has written, by the number of the request. */
  readonly written: Map<number, number[]> = new Map();

  constructor(readonly a: TestPeer, readonly b: TestPeer, readonly fixture: Fixture) {
    const { received } = a.network.files;
    a.network.files.received = (peer, kind, reader) => {
      if (kind !== Kind.WRITTEN) return received.call(a.network.files, peer, kind, reader);
      const number = reader.integer();
      this.written.set(number, [...this.written.get(number) ?? [], reader.integer()]);
    };
  }

  get writer(): OperationWriter {
    return this.a.network.peerTable.writer;
  }

  post(write: (writer: OperationWriter) => void): void {
    write(this.writer);
    this.a.peer(this.b).post(this.writer);
  }

  /** Asks to send a file of these contents. Returns the number of the request. */
  ask(contents: Uint8Array, options: Partial<FileRequest> = {}): number {
    const number = this.a.peer(this.b).requests.add({
      answered: (reader) => this.answers.set(number, readAnswer(reader)),
      parted: () => {},
    });
    this.askAs(number, contents, options);
    return number;
  }

  askAs(number: number, contents: Uint8Array, options: Partial<FileRequest> = {}): void {
    const hash = sha256();
    hash.update(contents);
    const request = {
      dir: "",
      name: `file-${number}`,
      size: contents.length,
      hash: hash.digest(),
      overwrite: false,
      mode: null,
      modified: null,
      ...options,
    };
    this.post((writer) => writeRequest(writer.begin(Kind.FILE).integer(number), request));
  }

  chunk(number: number, offset: number, bytes: Uint8Array): void {
    this.post((writer) => writer.begin(Kind.CHUNK).integer(number).integer(offset).bytes(bytes));
  }

  /** Waits until the contents of a request are asked for. */
  async wanted(number: number): Promise<void> {
    await this.fixture.until(() => this.written.has(number));
  }

  /** Waits for the answer to a request, and for the end of all work. */
  async answer(number: number): Promise<boolean | Error> {
    await this.fixture.until(() => this.answers.has(number) && !this.b.isReceiving);
    return this.answers.get(number)!;
  }

  async assertFailed(number: number, message: string): Promise<void> {
    const answer = await this.answer(number);
    assertInstanceOf(answer, FileTransferError);
    assertEquals((answer as Error).message, message);
    assertEquals(this.fixture.inboxEntries(), []);
  }
}

function hostile(name: string, test: (forger: Forger) => Promise<void>): void {
  Deno.test(
    name,
    withTwo(async ({ a, b, fixture }) => {
      const forger = new Forger(a, b, fixture);
      await test(forger);
      // All still works.
      const source = fixture.source("good", 3 * WINDOW);
      a.network.files.received = Object.getPrototypeOf(a.network.files).received;
      await a.run((network) => network.sendFile(b.location, source));
      await a.run((network) => network.delFile(b.location, "good"));
      assertEquals(fixture.inboxEntries(), []);
    }),
  );
}

const NOT_ASKED = "Cannot receive the file as the peer has sent what was not asked for";
const CHANGED = "Cannot send the file as it has changed meanwhile: send it again";

hostile("chunks that nobody asked for are dropped", async (forger) => {
  forger.chunk(1, 0, noise(1000));
  forger.chunk(999, 0, noise(1000));
  const number = forger.ask(noise(1000));
  await forger.wanted(number);
  forger.post((writer) => writer.begin(Kind.CANCEL).integer(number));
  forger.chunk(number, 0, noise(1000));
  await forger.fixture.until(() => !forger.b.isReceiving);
  assertEquals([forger.fixture.inboxEntries(), forger.b.errors], [[], []]);
});

hostile("a chunk before the file is asked for ends the transfer", async (forger) => {
  const number = forger.ask(noise(1000));
  forger.chunk(number, 0, noise(1000));
  await forger.assertFailed(number, NOT_ASKED);
});

hostile("offsets and lengths that do not fit end the transfer", async (forger) => {
  const contents = noise(10_000);
  const wrong: [offset: number, length: number][][] = [
    [[1, 10]],
    [[0, 10], [0, 10]],
    [[0, 10], [11, 10]],
    [[0, 10], [5, 10]],
    [[0, 10_001]],
    [[0, 9_999], [9_999, 2]],
    [[0, 10], [Number.MAX_SAFE_INTEGER, 10]],
  ];
  for (const chunks of wrong) {
    const number = forger.ask(contents);
    await forger.wanted(number);
    for (const [offset, length] of chunks) forger.chunk(number, offset, noise(length));
    forger.chunk(number, 10, noise(9990));
    await forger.assertFailed(number, NOT_ASKED);
  }
  assertEquals(forger.b.errors, []);
});

hostile("empty chunks have no effect, however many there are", async (forger) => {
  const contents = noise(100);
  const number = forger.ask(contents);
  await forger.wanted(number);
  for (let i = 0; i < 10_000; i++) forger.chunk(number, 0, new Uint8Array(0));
  for (let i = 0; i < 100; i++) forger.chunk(number, i, contents.subarray(i, i + 1));
  assertEquals(await forger.answer(number), false);
  assertEquals(forger.fixture.received(`file-${number}`), contents);
  Deno.removeSync(`${forger.fixture.inbox}/file-${number}`);
});

hostile("another hash than announced ends the transfer", async (forger) => {
  const number = forger.ask(noise(1000, 2));
  await forger.wanted(number);
  forger.chunk(number, 0, noise(1000, 3));
  await forger.assertFailed(number, CHANGED);
  const empty = forger.ask(new Uint8Array(0), { hash: new Uint8Array(32) });
  await forger.assertFailed(empty, CHANGED);
});

hostile("more chunks than the window has end the transfer", async (forger) => {
  const contents = noise(3 * WINDOW);
  const number = forger.ask(contents);
  await forger.wanted(number);
  const part = 50_000;
  for (let offset = 0; offset + part <= WINDOW + part; offset += part) {
    forger.chunk(number, offset, contents.subarray(offset, offset + part));
  }
  await forger.assertFailed(number, NOT_ASKED);
});

hostile("the numbers of another peer's transfers are that peer's", async (forger) => {
  const { b, fixture } = forger;
  const c = await fixture.join("c");
  const other = new Forger(c, b, fixture);
  const contents = noise(1000);
  const number = other.ask(contents, { name: "theirs" });
  await other.wanted(number);
  forger.chunk(number, 0, noise(1000, 5));
  forger.post((writer) => writer.begin(Kind.CANCEL).integer(number));
  forger.post((writer) => writer.begin(Kind.WRITTEN).integer(number).integer(1000));
  forger.post((writer) => writer.begin(Kind.ANSWER).integer(number).integer(0).integer(1));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals([other.answers.size, other.written.get(number)], [0, [0]]);
  other.chunk(number, 0, contents);
  assertEquals(await other.answer(number), false);
  assertEquals(fixture.received("theirs"), contents);
  Deno.removeSync(`${fixture.inbox}/theirs`);
});

hostile("more requests than a peer may have are refused and counted, as one whose number is in use", async (forger) => {
  const { a, b, fixture } = forger;
  const numbers = Array.from({ length: 100 }, () => forger.ask(noise(1000)));
  forger.askAs(numbers[0], noise(1000), { name: "twice" });
  await fixture.until(() => forger.written.size === MAX_REQUESTS);
  assertEquals([...forger.written.keys()], numbers.slice(0, MAX_REQUESTS));
  assertEquals(b.network.stats().refused, 100 - MAX_REQUESTS + 1);
  assertEquals(fixture.inboxEntries().length, MAX_REQUESTS);
  for (const number of numbers) {
    forger.post((writer) => writer.begin(Kind.CANCEL).integer(number));
    a.peer(b).requests.remove(number);
  }
  await fixture.until(() => !b.isReceiving);
  assertEquals([fixture.inboxEntries(), forger.answers.size, b.errors], [[], 0, []]);
});

hostile("a flood of requests that are cancelled at once leaves nothing", async (forger) => {
  const { b, fixture } = forger;
  const { peerTable } = b.network;
  const { spawn } = peerTable;
  let [running, most] = [0, 0];
  peerTable.spawn = (name, body, ended = () => {}) => {
    most = Math.max(most, ++running);
    return spawn.call(peerTable, name, body, () => {
      running--;
      ended();
    });
  };
  for (let number = 1000; number < 3000; number++) {
    forger.askAs(number, noise(10), { dir: `d${number}` });
    forger.post((writer) => writer.begin(Kind.CANCEL).integer(number));
  }
  await fixture.until(() => b.network.stats().received >= 4000 && !b.isReceiving);
  assert(most > 0 && most <= MAX_REQUESTS, `${most}`);
  assertEquals([fixture.inboxEntries(), forger.answers.size, b.errors], [[], 0, []]);
});

hostile("a path of any length is looked at once", async (forger) => {
  const number = forger.ask(noise(10), { dir: "x/".repeat(1_000_000) });
  const answer = await forger.answer(number);
  assertInstanceOf(answer, PermissionError);
  assertEquals([forger.fixture.inboxEntries(), forger.b.network.stats().refused], [[], 1]);
});

hostile("malformed requests are dropped and reported", async (forger) => {
  const { b } = forger;
  const start = (writer: OperationWriter) => writer.begin(Kind.FILE).integer(1);
  forger.post((writer) => writer.begin(Kind.FILE));
  forger.post((writer) => start(writer).integer(7).value("").value("x"));
  forger.post((writer) => start(writer).integer(1).value(5).value("x"));
  forger.post((writer) =>
    start(writer).integer(0).value("").value("x").integer(10).bytes(new Uint8Array(31)).integer(0)
  );
  forger.post((writer) => writer.begin(Kind.WRITTEN).value("x"));
  await forger.fixture.until(() => b.errors.length === 5);
  assertEquals(b.errors.every((error) => error instanceof Error), true);
  assertEquals([forger.fixture.inboxEntries(), b.isReceiving], [[], false]);
});

hostile("a mode and a time out of range harm nobody", async (forger) => {
  const contents = noise(10);
  const number = forger.ask(contents, {
    mode: Number.MAX_SAFE_INTEGER - 1,
    modified: { getTime: () => Number.MAX_SAFE_INTEGER - 1 } as Date,
  });
  await forger.wanted(number);
  forger.chunk(number, 0, contents);
  const answer = await forger.answer(number);
  if (answer instanceof Error) assertInstanceOf(answer, FileTransferError);
  else Deno.removeSync(`${forger.fixture.inbox}/file-${number}`);
  assertEquals(forger.fixture.inboxEntries(), []);
});

Deno.test(
  "a receiver that confirms what was not sent gets no more than the window, and may only fail itself",
  withTwo(async ({ a, b, fixture }) => {
    const source = fixture.source("file", 8 * WINDOW);
    let chunks = 0;
    const { network } = b;
    network.files.received = (peer, kind, reader) => {
      const number = reader.integer();
      if (kind === Kind.CHUNK) chunks += 1;
      else {
        const { writer } = network.peerTable;
        peer.post(writer.begin(Kind.WRITTEN).integer(number).integer(Number.MAX_SAFE_INTEGER));
        peer.post(writer.begin(Kind.WRITTEN).integer(number + 1).integer(5));
        setTimeout(() => peer.post(writer.begin(Kind.ANSWER).integer(number).integer(9).value("no idea")), 50);
      }
    };
    const error = await a.run(function* (network) {
      try {
        return yield* network.sendFile(b.location, source);
      } catch (error) {
        return error;
      }
    });
    assertInstanceOf(error, FileTransferError);
    assertEquals((error as Error).message, "no idea");
    assertEquals(chunks, Math.floor(WINDOW / CHUNK_BYTES));
    assertEquals([a.network.stats().pending, a.errors], [0, []]);
  }),
);
