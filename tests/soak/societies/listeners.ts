/** A listener whose host fails sometimes, over TLS too: every client that was not cut off is served. */
import { AsyncSocket, ClosedError, type Coro, sleep, TimeoutError, type TlsClientOptions } from "@asyncoro/asyncoro";
import { AsyncListener } from "../../../core/io/net/listener.ts";
import { serverEngine } from "../../../core/io/net/tls_engine.ts";
import type { TestCertificate } from "../../io/helpers.ts";
import { populate } from "../population.ts";
import type { Resources } from "../resources.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import type { Body, World } from "../world.ts";

const HANDSHAKE_SECONDS = 0.3;

/** Deno's listener, with faults of the kinds that Linux has. */
class FaultyHost {
  readonly addr: Deno.Addr;
  /** Connections that were taken and dropped. */
  drops = 0;
  /** Times that descriptors ran out after a connection had been accepted. */
  shortages = 0;
  readonly #world: World;
  readonly #host: Deno.Listener;
  #short = false;

  constructor(world: World) {
    this.#world = world;
    this.#host = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.addr = this.#host.addr;
  }

  async accept(): Promise<Deno.Conn> {
    const { random } = this.#world;
    if (random.chance(0.03)) return this.#runShort();
    const conn = await this.#host.accept();
    if (!random.chance(0.1)) {
      this.#short = false;
      return conn;
    }
    // A connection that broke first is not accepted, so it does not end a shortage.
    conn.close();
    this.drops++;
    const [name, code] = random.pick([["NotConnected", "ENOTCONN"], ["ConnectionAborted", "ECONNABORTED"]]);
    throw Object.assign(new Error("injected"), { name, code });
  }

  #runShort(): never {
    if (!this.#short) this.shortages++;
    this.#short = true;
    throw Object.assign(new Error("injected"), { code: this.#world.random.pick(["EMFILE", "ENFILE", "ENOBUFS"]) });
  }

  close(): void {
    this.#host.close();
  }

  ref(): void {
    this.#host.ref();
  }

  unref(): void {
    this.#host.unref();
  }
}

/** The record of a listener. */
interface Station {
  readonly world: World;
  readonly host: FaultyHost;
  readonly listener: AsyncListener;
  readonly tls: TlsClientOptions | undefined;
  /** Clients that were cut off. */
  cut: number;
  /** Clients that sent nothing, and handshakes that timed out. */
  silent: number;
  late: number;
  reports: number;
}

function open(world: World, certificate: TestCertificate | null): Station {
  const host = new FaultyHost(world);
  const onHandshakeError = (error: unknown): void => {
    if (error instanceof TimeoutError) station.late++;
  };
  const tls = certificate === null ? null : {
    engine: serverEngine(certificate),
    seconds: HANDSHAKE_SECONDS,
    onHandshakeError,
    mostHandshakes: 1000,
    alive: true,
  };
  const wrap = (conn: unknown): AsyncSocket => AsyncSocket.ofConn(conn as Deno.Conn);
  const listener = new AsyncListener(host as unknown as Deno.Listener, { wrap, tls, path: null });
  listener.onShortage = () => station.reports++;
  const client = certificate === null ? undefined : { caCerts: [certificate.ca] };
  const station: Station = { world, host, listener, tls: client, cut: 0, silent: 0, late: 0, reports: 0 };
  return station;
}

/** Accepts with short timeouts, and sends each client its number back. */
function* acceptor({ world, listener }: Station): Body {
  for (;;) {
    try {
      using socket = yield* listener.accept(world.random.chance(0.2) ? world.random.next() * 0.01 : 5);
      yield* socket.sendMsg((yield* socket.recvMsg(20)) ?? "", 20);
      yield* socket.recv(1, 20);
    } catch (error) {
      if (error instanceof ClosedError) return;
      if (!(error instanceof TimeoutError) && !isGone(error)) throw error;
    }
  }
}

/** The errors of a connection whose other side disconnects. */
function isGone(error: unknown): boolean {
  const { ConnectionReset, BrokenPipe, ConnectionAborted, NotConnected, UnexpectedEof } = Deno.errors;
  return [ClosedError, ConnectionReset, BrokenPipe, ConnectionAborted, NotConnected, UnexpectedEof]
    .some((kind) => error instanceof kind);
}

function* client(station: Station): Body {
  const { world, listener } = station;
  const { port } = listener.addr as Deno.NetAddr;
  for (let number = 0; !world.over; number++) {
    try {
      using socket = yield* AsyncSocket.connect({ hostname: "127.0.0.1", port, tls: station.tls }, 20);
      yield* socket.sendMsg(`client ${number}`, 20);
      const answer = yield* socket.recvMsg(20);
      const text = answer === null ? null : new TextDecoder().decode(answer);
      if (text === null) station.cut++;
      else world.check(text === `client ${number}`, "A client is served as itself", () => `${text} for ${number}`);
      world.done(text === null ? "listener: cut off" : "listener: served");
    } catch (error) {
      if (error instanceof Thrown) throw error;
      if (!isGone(error)) return world.violate("No client fails but those that are cut off", String(error));
      station.cut++;
      world.done("listener: cut off");
    }
    yield* sleep(world.seconds(1));
  }
}

/** Connects and sends nothing, until it is disconnected. */
function* silence(station: Station): Body {
  const { world, listener } = station;
  const { hostname, port } = listener.addr as Deno.NetAddr;
  using socket = yield* AsyncSocket.connect({ hostname, port }, 20);
  station.silent++;
  try {
    while ((yield* socket.recv(100, 20)).length > 0);
  } catch (error) {
    if (error instanceof TimeoutError) world.violate("A handshake that is late is given up", "20 s have passed");
    else if (!isGone(error)) throw error;
  }
  world.done("listener: sent away");
}

/** See the head of this file. */
export const listeners: Society = {
  name: "listeners",
  host: true,
  *conduct(coro: Coro, world: World, { certificate }: Resources): Body {
    const station = open(world, world.random.chance(0.5) ? certificate : null);
    const acceptors = [1, 2, 3].map((i) => world.spawn(`acceptor ${i}`, () => acceptor(station)));
    const mute = station.tls === undefined
      ? []
      : [1, 2, 3].map((i) => world.spawn(`mute ${i}`, () => silence(station)));
    yield* populate(world, coro, {
      size: 4,
      // One that is interrupted leaves a connection that is not counted.
      mortal: false,
      newMember: () => world.spawn("client", () => client(station)),
    });
    for (const each of mute) yield* each.finish();
    station.listener.close();
    for (const each of acceptors) yield* each.finish();
    const { host, cut, reports, silent, late } = station;
    world.check(
      cut + silent - late <= host.drops,
      "No connection is lost",
      () => `${cut} cut off, ${host.drops} dropped`,
    );
    world.check(reports === host.shortages, "A shortage is reported once", () => `${reports} of ${host.shortages}`);
  },
};
