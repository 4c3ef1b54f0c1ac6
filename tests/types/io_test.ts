/** The types of sockets, files and processes. */
import {
  AsyncDatagram,
  AsyncFile,
  type AsyncListener,
  AsyncPipe,
  AsyncSocket,
  Coro,
  type DatagramAddr,
  type Items,
  type PipeOutput,
  run,
  sleep,
  stdin,
} from "@asyncoro/asyncoro";
import { assertEquals } from "@std/assert";
import { expectType } from "./expect_type.ts";

type Bytes = Uint8Array<ArrayBuffer>;

Deno.test("a socket reads bytes, or text that may be null at the end", () =>
  run(function* () {
    using listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: 0 });
    expectType<AsyncListener>()(listener);
    const client = new Coro(function* () {
      using socket = yield* AsyncSocket.connect(listener.addr as Deno.NetAddr);
      expectType<AsyncSocket>()(socket);
      expectType<void>()(yield* socket.sendall("line\nfour"));
      expectType<void>()(yield* socket.sendMsg(new Uint8Array(1)));
      expectType<number>()(yield* socket.send("one\ntwo\n", { timeout: 5, signal: AbortSignal.timeout(60_000) }));
      yield* socket.shutdownWrite();
    });
    using socket = yield* listener.accept(30);
    expectType<AsyncSocket>()(socket);
    expectType<string | null>()(yield* socket.readline());
    expectType<Bytes>()(yield* socket.recvall(4));
    expectType<Bytes | null>()(yield* socket.recvMsg(30));
    const seen: string[] = [];
    expectType<Items<string>>()(socket.lines());
    // The type that an action returns does not matter, unless it can be waited for.
    expectType<number>()(yield* socket.lines().forEach((line) => seen.push(line)));
    assertEquals(seen, ["one", "two"]);
    expectType<Bytes>()(yield* socket.recv());
    expectType<Items<Bytes>>()(socket.messages());
    yield* client.finish();
  }));

Deno.test("forEach() waits for what its action returns", () =>
  run(function* () {
    using file = yield* AsyncFile.open(new URL(import.meta.url).pathname);
    const log: string[] = [];
    yield* file.lines().forEach((_line) => sleep(0));
    yield* file.seek(0);
    yield* file.lines().forEach(async (line) => {
      log.push(`begin ${line}`);
      await new Promise((resolve) => setTimeout(resolve));
      log.push(`end ${line}`);
    });
    assertEquals(
      log.filter((_entry, index) => index % 2 === 1),
      log.filter((_entry, index) => index % 2 === 0).map(
        (entry) => entry.replace("begin", "end"),
      ),
    );
  }));

/** Not called: only checked. */
export function* files(pipe: AsyncPipe, datagram: AsyncDatagram): Generator<unknown, void, unknown> {
  using file = yield* AsyncFile.open("file", "r+");
  expectType<AsyncFile>()(file);
  expectType<Bytes>()(yield* file.read());
  expectType<string | null>()(yield* file.readline());
  expectType<number>()(yield* file.seek(0, "end"));
  expectType<Deno.FileInfo>()(yield* file.stat());
  expectType<PipeOutput>()(yield* pipe.communicate("input", 5));
  expectType<Deno.CommandStatus>()(yield* pipe.wait());
  expectType<string | null>()(yield* pipe.readline());
  expectType<Bytes>()(yield* pipe.readStderr());
  expectType<[Bytes, DatagramAddr]>()(yield* datagram.recvfrom());
  expectType<number>()(yield* datagram.sendto("ping", { hostname: "127.0.0.1", port: 1 }));
  expectType<AsyncDatagram>()(yield* AsyncDatagram.bind({ port: 0 }));
  expectType<string | null>()(yield* stdin.readline(5));
  for (const next of file.lines()) expectType<string | null>()(yield* next);
}

/** For async code. */
export async function items(lines: Items<string>): Promise<void> {
  for await (const line of lines) expectType<string>()(line);
}

/** Not called: each use must not compile. */
export function refused(socket: AsyncSocket, pipe: AsyncPipe): void {
  // @ts-expect-error -- a socket has an address
  AsyncSocket.connect({});
  // @ts-expect-error -- a port is a number
  AsyncSocket.listen({ port: "80" });
  // @ts-expect-error -- data are bytes or text
  socket.sendall(1);
  // @ts-expect-error -- a size is a number
  socket.recvall();
  // @ts-expect-error -- a string is not a duration
  socket.recv(1, "1s");
  // @ts-expect-error -- there is no such mode
  AsyncFile.open("file", "q");
  // @ts-expect-error -- a program has a name
  new AsyncPipe();
  // @ts-expect-error -- there is no such signal
  pipe.kill("SIGSTOPPED");
  // @ts-expect-error -- a pipeline is made of lists
  AsyncPipe.pipeline("grep x", "wc");
}
