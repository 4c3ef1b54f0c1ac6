/**
 * Datagrams over `node:dgram`, which Deno has without a flag.
 */
import type { Socket } from "node:dgram";
import type { Coro } from "../../coroutine/coro.ts";
import { coroOf } from "../../coroutine/coro_of.ts";
import { ClosedError } from "../../base/errors.ts";
import { describe } from "../../base/describe.ts";
import { Fifo } from "../../base/fifo.ts";
import { keepAlive } from "../../host/timers.ts";
import type { Operation } from "../../fiber/operation.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { builtin } from "../../host/capability.ts";
import { type Data, toBytes } from "../stream/bytes.ts";
import { checkEndpoint, describeAddress, type NetEndpoint } from "./endpoint.ts";
import { HostCall } from "../wait/host_call.ts";
import { IoWait } from "../wait/io_wait.ts";
import type { IoLimit } from "../wait/io_options.ts";
import { KeepAlive } from "../wait/keep_alive.ts";
import { WaitLine } from "../wait/wait_line.ts";

/** Where and how to bind a datagram socket. */
export interface DatagramOptions {
  /** The local address; all of IPv4 by default. An IPv6 address makes it an IPv6 socket. */
  readonly hostname?: string;
  /** The local port; 0 takes any free one. */
  readonly port: number;
  /** Lets others bind the same address, for multicast. */
  readonly reuseAddress?: boolean;
  /** Whether datagrams may be sent to broadcast addresses. */
  readonly broadcast?: boolean;
  /** Datagrams that are kept until they are received; when there are more, the newest are dropped. 1,024 by default. */
  readonly capacity?: number;
}

/** The address of a datagram's sender or recipient. */
export interface DatagramAddr {
  /** Always `"udp"`. */
  readonly transport: "udp";
  /** The address. */
  readonly hostname: string;
  /** The port. */
  readonly port: number;
}

type Dgram = typeof import("node:dgram");

const DEFAULT_CAPACITY = 1024;

/**
 * A UDP socket, IPv4 or IPv6.
 *
 * Datagrams arrive whether or not somebody waits; up to `capacity` of them are kept. Several coroutines may wait; they
 * are served first come, first served. It keeps the process alive while somebody waits.
 *
 * @example
 * ```ts
 * import { AsyncDatagram, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   using one = yield* AsyncDatagram.bind({ hostname: "127.0.0.1", port: 0 });
 *   using other = yield* AsyncDatagram.bind({ hostname: "127.0.0.1", port: 0 });
 *   yield* one.sendto("ping", other.addr);
 *   const [data, from] = yield* other.recvfrom(5);
 *   assertEquals(new TextDecoder().decode(data), "ping");
 *   assertEquals(from.port, one.addr.port);
 * });
 * ```
 */
export class AsyncDatagram implements Disposable {
  /** The address it is bound to. */
  readonly addr: DatagramAddr;
  /** Datagrams that were dropped because too many were waiting to be received. */
  dropped = 0;
  readonly #socket: Socket;
  readonly #capacity: number;
  readonly #line = new WaitLine();
  readonly #arrived = new Fifo<[Uint8Array<ArrayBuffer>, DatagramAddr]>();
  #failure: unknown = undefined;
  #closed = false;
  readonly #keepAlive = new KeepAlive((alive) => this.#hold(alive), false);
  #release: (() => void) | null = null;

  private constructor(socket: Socket, capacity: number) {
    this.#socket = socket;
    this.#capacity = capacity;
    this.addr = addrOf(socket.address());
    socket.on("message", (data, from) => this.#receive(toPlain(data), addrOf(from)));
    socket.on("error", (error) => this.#fail(error));
  }

  /**
   * Binds a socket.
   *
   * @param options See {@linkcode DatagramOptions}.
   * @param limit How long it may take.
   * @throws {Error} At the yield, what the host says, such as an address in use.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {RangeError} If the port is out of range.
   * @throws {UnsupportedError} If the runtime has no node:dgram.
   */
  static bind(options: DatagramOptions, limit?: IoLimit): Operation<AsyncDatagram> {
    checkEndpoint(options, 0, "bind");
    const { capacity = DEFAULT_CAPACITY } = options;
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(
        `Cannot bind as 'capacity' must be a positive integer: current value is ${describe(capacity)}`,
      );
    }
    const dgram = builtin("node:dgram", "bind a datagram socket") as Dgram;
    return new HostCall<AsyncDatagram>({
      label: "bind",
      waitsFor: `port ${options.port}`,
      start: async () => new AsyncDatagram(await bound(dgram, options), capacity),
      discard: (socket) => socket.close(),
    }, limit) as Operation<unknown> as Operation<AsyncDatagram>;
  }

  /**
   * Receives a datagram.
   *
   * @param limit How long to wait. One that comes later is kept for the next `recvfrom`.
   * @returns Its data, which may be empty, and who sent it.
   * @throws {TimeoutError} At the yield, if none came in time.
   * @throws {ClosedError} At the yield, if the socket is closed, or gets closed meanwhile.
   */
  recvfrom(limit?: IoLimit): Operation<[Uint8Array<ArrayBuffer>, DatagramAddr]> {
    return new RecvFrom(this, limit) as Operation<unknown> as Operation<[Uint8Array<ArrayBuffer>, DatagramAddr]>;
  }

  /**
   * Sends a datagram.
   *
   * @param data Bytes, or text that is sent as UTF-8.
   * @param addr To whom: `{ hostname, port }`, or the address that a datagram came from.
   * @param limit How long it may take; a host name has to be looked up.
   * @returns How many bytes were sent.
   * @throws {ClosedError} At the yield, if the socket is closed.
   * @throws {Error} At the yield, what the host says: too long, unreachable, not permitted, unknown host.
   * @throws {TypeError} If `data` or `addr` is of the wrong type.
   */
  sendto(data: Data, addr: NetEndpoint, limit?: IoLimit): Operation<number> {
    const bytes = toBytes(data, "send a datagram");
    checkEndpoint(addr, 1, "send a datagram");
    const hostname = addr.hostname ?? "127.0.0.1";
    return new HostCall<number>({
      label: "sendto",
      waitsFor: `the host to send to ${describeAddress({ transport: "udp", hostname, port: addr.port })}`,
      start: () => this.#send(bytes, hostname, addr.port),
    }, limit) as Operation<unknown> as Operation<number>;
  }

  #send(data: Uint8Array, hostname: string, port: number): Promise<number> {
    if (this.#closed) return Promise.reject(this.#closedError("send"));
    return new Promise((resolve, reject) => {
      this.#socket.send(data, port, hostname, (error, count) => error ? reject(error) : resolve(count));
    });
  }

  /**
   * Joins a multicast group.
   *
   * @param group Its address.
   * @param networkInterface The address of the interface to join on; the system chooses by default.
   * @throws {Error} What the host says.
   */
  joinMulticast(group: string, networkInterface?: string): void {
    this.#socket.addMembership(group, networkInterface);
  }

  /**
   * Leaves a multicast group.
   *
   * @param group Its address.
   * @param networkInterface The address of the interface that it was joined on.
   * @throws {Error} What the host says.
   */
  leaveMulticast(group: string, networkInterface?: string): void {
    this.#socket.dropMembership(group, networkInterface);
  }

  /**
   * Whether multicast datagrams that it sends come back to this machine, as they do at first.
   *
   * @param loopback Whether they do.
   */
  setMulticastLoopback(loopback: boolean): void {
    this.#socket.setMulticastLoopback(loopback);
  }

  /**
   * How many routers a multicast datagram may pass; 1 at first.
   *
   * @param ttl A number from 0 to 255.
   */
  setMulticastTtl(ttl: number): void {
    this.#socket.setMulticastTTL(ttl);
  }

  /**
   * Whether datagrams may be sent to broadcast addresses.
   *
   * @param broadcast Whether they may.
   */
  setBroadcast(broadcast: boolean): void {
    this.#socket.setBroadcast(broadcast);
  }

  /** Closes it and wakes everyone who waits. What was not received is dropped. Doing it twice is doing it once. */
  close(): void {
    if (this.#closed) return;
    this.#keepAlive.leave();
    this.#closed = true;
    this.#socket.close();
    this.#stop(() => this.#closedError("receive"));
  }

  /** The same as {@linkcode AsyncDatagram.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Its address: `127.0.0.1:3456`. */
  toString(): string {
    return describeAddress(this.addr);
  }

  /** @internal */
  enter(wait: IoWait, coro: Coro): void {
    if (this.#closed) return wait.settleError(this.#closedError("receive"));
    if (this.#failure !== undefined) return wait.settleError(this.#failure);
    const first = this.#line.first === null ? this.#arrived.shift() : undefined;
    if (first !== undefined) return wait.settle(first);
    this.#line.push(wait);
    this.#keepAlive.enter(coro);
  }

  /** @internal */
  refer(coro: Coro): void {
    this.#keepAlive.enter(coro);
  }

  /** @internal */
  leave(wait: IoWait): void {
    this.#line.remove(wait);
    if (this.#line.first === null) this.#keepAlive.leave();
  }

  /** @internal A datagram was granted in vain. */
  putBack(datagram: [Uint8Array<ArrayBuffer>, DatagramAddr]): void {
    const wait = this.#line.first;
    if (wait === null) this.#arrived.unshift(datagram);
    else this.#grant(wait, datagram);
  }

  #receive(data: Uint8Array<ArrayBuffer>, from: DatagramAddr): void {
    const wait = this.#line.first;
    if (wait !== null) this.#grant(wait, [data, from]);
    else if (this.#arrived.length < this.#capacity) this.#arrived.push([data, from]);
    else this.dropped++;
  }

  #grant(wait: IoWait, datagram: [Uint8Array<ArrayBuffer>, DatagramAddr]): void {
    this.leave(wait);
    wait.settle(datagram);
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#stop(() => error);
  }

  #stop(reason: () => unknown): void {
    for (const wait of this.#line) {
      this.#line.remove(wait);
      wait.settleError(reason());
    }
  }

  #closedError(action: string): ClosedError {
    return new ClosedError(`Cannot ${action} as the datagram socket at ${this} is closed`);
  }

  #hold(alive: boolean): void {
    this.#release?.();
    this.#release = alive ? keepAlive() : null;
  }
}

class RecvFrom extends IoWait {
  readonly label = "recvfrom";
  readonly #socket: AsyncDatagram;

  constructor(socket: AsyncDatagram, limit: IoLimit) {
    super(limit, Infinity, "receive a datagram");
    this.#socket = socket;
  }

  override get waitsFor(): string {
    return `a datagram to ${describeAddress(this.#socket.addr)}`;
  }

  protected override enter(fiber: Fiber): void {
    this.#socket.enter(this, coroOf(fiber));
  }

  protected override leave(): void {
    this.#socket.leave(this);
  }

  protected override refer(coro: Coro): void {
    this.#socket.refer(coro);
  }

  override reclaim(): void {
    this.#socket.putBack(this.outcome as [Uint8Array<ArrayBuffer>, DatagramAddr]);
  }
}

/** A bound socket, or the error that prevented it. */
function bound(dgram: Dgram, options: DatagramOptions): Promise<Socket> {
  const { hostname = "0.0.0.0", port, reuseAddress, broadcast } = options;
  const socket = dgram.createSocket({ type: hostname.includes(":") ? "udp6" : "udp4", reuseAddr: reuseAddress });
  // Deno heeds this, and its opposite, only when it begins to wait for the next datagram: so it is done once, before
  // there is one to wait for, and something else keeps the process alive.
  socket.unref();
  const release = keepAlive();
  return new Promise<Socket>((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once("error", fail);
    socket.bind(port, hostname, () => {
      socket.off("error", fail);
      if (broadcast) socket.setBroadcast(true);
      resolve(socket);
    });
  }).finally(release);
}

function addrOf({ address, port }: { address: string; port: number }): DatagramAddr {
  return { transport: "udp", hostname: address, port };
}

/** The bytes as a plain Uint8Array and not as Node's subclass, which behaves otherwise in places. */
function toPlain(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}
