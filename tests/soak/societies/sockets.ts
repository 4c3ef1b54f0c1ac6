/** Connections to an echo server: every byte comes back once and in order, despite timeouts, ends and interruptions. */
import {
  type AsyncListener,
  AsyncSocket,
  ClosedError,
  type Coro,
  TimeoutError,
  type TlsClientOptions,
} from "@asyncoro/asyncoro";
import { populate } from "../population.ts";
import type { Resources } from "../resources.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import type { Body, World } from "../world.ts";

/** Bytes of a stream; each value follows from its position. */
function stream(from: number, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => byteAt(from + i));
}

function byteAt(place: number): number {
  return place * 31 + (place >>> 8) * 7 & 0xff;
}

/** The errors of a connection whose other side may disconnect at any moment. */
function isGone(error: unknown): boolean {
  return error instanceof ClosedError || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.UnexpectedEof;
}

function* echo(world: World, socket: AsyncSocket): Body {
  using _ = socket;
  try {
    for (;;) {
      const data = yield* socket.recv(world.random.from(1, 8192));
      if (data.length === 0) return yield* socket.shutdownWrite();
      yield* socket.sendall(data);
    }
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

function* accept(world: World, listener: AsyncListener): Body {
  const open = new Map<Coro<void>, AsyncSocket>();
  try {
    for (;;) {
      const socket = yield* listener.accept();
      open.set(world.spawn("echo", () => echo(world, socket)), socket);
      for (const each of open.keys()) if (!each.isAlive()) open.delete(each);
    }
  } catch (error) {
    if (!(error instanceof ClosedError)) throw error;
    for (const coro of open.keys()) yield* coro.finish();
  } finally {
    // A coroutine that was terminated before its first step has not closed its socket.
    for (const socket of open.values()) socket.close();
  }
}

class Client {
  readonly #world: World;
  readonly #socket: AsyncSocket;
  #sent = 0;
  #got = 0;

  constructor(world: World, socket: AsyncSocket) {
    this.#world = world;
    this.#socket = socket;
  }

  *run(): Body {
    for (let rounds = this.#world.random.from(1, 10); rounds > 0; rounds--) yield* this.#round();
    if (this.#world.random.chance(0.2)) return this.#world.done("socket: broken off");
    yield* this.#socket.shutdownWrite();
    while (this.#got < this.#sent) yield* this.#receive();
    const rest = yield* this.#socket.recv(1, 20);
    this.#world.check(rest.length === 0, "A stream ends after its last byte", () => `${rest} came`);
    this.#world.done("socket: ended");
  }

  *#round(): Body {
    const length = this.#world.random.chance(0.05) ? 100_000 : this.#world.random.from(0, 3000);
    const data = stream(this.#sent, length);
    this.#sent += length;
    // What exceeds the host's buffers is read while it is sent; here it is well below.
    yield* this.#socket.sendall(data, 20);
    while (this.#got < this.#sent && this.#world.random.chance(0.9)) yield* this.#receive();
  }

  *#receive(): Body {
    const { random } = this.#world;
    const limit = random.chance(0.3) ? random.next() * 0.0005 : 20;
    try {
      const most = random.from(1, 4000);
      const left = this.#sent - this.#got;
      const exact = random.chance(0.3);
      this.#take(yield* exact ? this.#socket.recvall(Math.min(most, left), limit) : this.#socket.recv(most, limit));
    } catch (error) {
      if (!(error instanceof TimeoutError) || limit === 20) throw error;
      this.#world.done("socket: receive timed out");
    }
  }

  #take(data: Uint8Array): void {
    const from = this.#got;
    this.#got += data.length;
    this.#world.check(data.length > 0, "A stream does not end early", () => `${from} of ${this.#sent}`);
    this.#world.check(this.#got <= this.#sent, "No byte is made", () => `${this.#got} of ${this.#sent}`);
    const wrong = data.findIndex((byte, i) => byte !== byteAt(from + i));
    this.#world.check(wrong < 0, "No byte is lost or out of order", () => `at ${from + wrong} of ${this.#sent}`);
    this.#world.done("socket: received", data.length);
  }
}

/** Messages with their length in front, there and back. */
function* talk(world: World, socket: AsyncSocket): Body {
  for (let rounds = world.random.from(1, 10); rounds > 0; rounds--) {
    const message = stream(rounds, world.random.from(0, 2000));
    yield* socket.sendMsg(message, 20);
    const answer = yield* socket.recvMsg(20);
    const same = answer?.length === message.length && answer.every((byte, i) => byte === message[i]);
    world.check(same, "A message comes back as it was", () => `${answer?.length} bytes for ${message.length}`);
    world.done("socket: message");
  }
}

function* client(world: World, listener: AsyncListener, tls: TlsClientOptions | undefined): Body {
  const { port } = listener.addr as Deno.NetAddr;
  while (!world.over) {
    using socket = yield* AsyncSocket.connect({ hostname: "localhost", port, tls }, 20);
    world.done(tls === undefined ? "socket: connected" : "socket: connected with TLS");
    try {
      yield* world.random.chance(0.2) ? talk(world, socket) : new Client(world, socket).run();
    } catch (error) {
      if (!(error instanceof Thrown) || world.random.chance(0.5)) throw error;
    }
  }
}

/** See the head of this file. */
export const sockets: Society = {
  name: "sockets",
  host: true,
  *conduct(coro: Coro, world: World, { certificate }: Resources): Body {
    const secure = certificate !== null && world.random.chance(0.5);
    const tls = secure
      ? {
        caCerts: [certificate.ca],
      }
      : undefined;
    const server = secure
      ? {
        cert: certificate.cert,
        key: certificate.key,
        onHandshakeError: () => {},
      }
      : undefined;
    using listener = AsyncSocket.listen({ hostname: "localhost", port: 0, tls: server });
    const acceptor = world.spawn("acceptor", () => accept(world, listener));
    yield* populate(world, coro, {
      size: 8,
      mortal: true,
      newMember: () => world.spawn("client", () => client(world, listener, tls)),
    });
    listener.close();
    yield* acceptor.finish();
  },
};
