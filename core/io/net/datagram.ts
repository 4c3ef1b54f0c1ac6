import type { Socket } from "node:dgram";
import type { Coro } from "../../coroutine/coro.ts";
import { ClosedError } from "../../base/errors.ts";
import { describe } from "../../base/describe.ts";
import { Fifo } from "../../base/fifo.ts";
import { keepAlive } from "../../host/timers.ts";
import type { Operation } from "../../fiber/operation.ts";
import { isQueued, WaitQueue } from "../../fiber/wait_queue.ts";
import type { Bytes } from "../stream/byte_queue.ts";
import { type Data, toBytes } from "../stream/bytes.ts";
import { checkEndpoint, describeAddress, type NetEndpoint } from "./endpoint.ts";
import { HostCall } from "../wait/host_call.ts";
import { type ArrivalLabels, ArrivalWait } from "../wait/arrival_wait.ts";
import type { IoLimit } from "../wait/io_options.ts";
import { KeepAlive } from "../wait/keep_alive.ts";
import type { DatagramAddr, DatagramOptions } from "./datagram_options.ts";
import { datagramAddr, datagramBinder, plainBytes } from "./datagram_socket.ts";

const DATAGRAM: ArrivalLabels = { label: "recvfrom", action: "receive a datagram", item: "a datagram" };
const DEFAULT_CAPACITY = 1024;

/** A datagram: its data and its sender. */
type Received = [data: Bytes, from: DatagramAddr];

/**
 * A UDP socket, IPv4 or IPv6.
 *
 * Datagrams arrive whether or not a coroutine waits; up to `capacity` of them are kept. Several coroutines may wait;
 * they are served first come, first served. The socket keeps the process alive while a coroutine waits.
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
  /** The number of datagrams that were dropped because there were more than `capacity`. */
  dropped = 0;
  readonly #socket: Socket;
  readonly #capacity: number;
  readonly #waitQueue = new WaitQueue<ArrivalWait<Received>>();
  readonly #arrived = new Fifo<Received>();
  #failure: unknown = undefined;
  #closed = false;
  readonly #keepAlive = new KeepAlive((alive) => this.#setKeepAlive(alive), false);
  #release: (() => void) | null = null;

  private constructor(socket: Socket, capacity: number) {
    this.#socket = socket;
    this.#capacity = capacity;
    this.addr = datagramAddr(socket.address());
    socket.on("message", (data, from) => this.#receive([plainBytes(data), datagramAddr(from)]));
    socket.on("error", (error) => this.#fail(error));
  }

  /**
   * Binds a socket.
   *
   * @param options See {@linkcode DatagramOptions}.
   * @param limit How long it may take.
   * @throws {Error} At the yield, the host's error, such as an address in use.
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
    const bind = datagramBinder(options);
    return new HostCall<AsyncDatagram>({
      label: "bind",
      waitsFor: `port ${options.port}`,
      start: async () => new AsyncDatagram(await bind(), capacity),
      discard: (socket) => socket.close(),
    }, limit);
  }

  /**
   * Receives a datagram.
   *
   * @param limit How long to wait. A datagram that comes later is kept for the next `recvfrom`.
   * @returns Its data, which may be empty, and its sender.
   * @throws {TimeoutError} At the yield, if none came in time.
   * @throws {ClosedError} At the yield, if the socket is closed, or is closed meanwhile.
   */
  recvfrom(limit?: IoLimit): Operation<[Uint8Array<ArrayBuffer>, DatagramAddr]> {
    return new ArrivalWait(this, limit, DATAGRAM);
  }

  /**
   * Sends a datagram.
   *
   * @param data Bytes, or text that is sent as UTF-8.
   * @param addr The recipient: `{ hostname, port }`, or the address that a datagram came from.
   * @param limit How long it may take, including the lookup of a host name.
   * @returns How many bytes were sent.
   * @throws {ClosedError} At the yield, if the socket is closed.
   * @throws {Error} At the yield, the host's error: too long, unreachable, not permitted, unknown host.
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
    }, limit);
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
   * @param networkInterface The address of the interface to join on; by default the system chooses it.
   * @throws {Error} The host's error.
   */
  joinMulticast(group: string, networkInterface?: string): void {
    this.#socket.addMembership(group, networkInterface);
  }

  /**
   * Leaves a multicast group.
   *
   * @param group Its address.
   * @param networkInterface The address of the interface that it was joined on.
   * @throws {Error} The host's error.
   */
  leaveMulticast(group: string, networkInterface?: string): void {
    this.#socket.dropMembership(group, networkInterface);
  }

  /**
   * Sets whether multicast datagrams that it sends come back to this machine; at first they do.
   *
   * @param loopback Whether they come back.
   */
  setMulticastLoopback(loopback: boolean): void {
    this.#socket.setMulticastLoopback(loopback);
  }

  /**
   * Sets how many routers a multicast datagram may pass; at first it is 1.
   *
   * @param ttl A number from 0 to 255.
   */
  setMulticastTtl(ttl: number): void {
    this.#socket.setMulticastTTL(ttl);
  }

  /**
   * Sets whether datagrams may be sent to broadcast addresses.
   *
   * @param broadcast Whether they may be sent there.
   */
  setBroadcast(broadcast: boolean): void {
    this.#socket.setBroadcast(broadcast);
  }

  /**
   * Closes it; every operation that waits fails with a `ClosedError`. Datagrams that were not received are dropped.
   * Calling it again has no effect.
   */
  close(): void {
    if (this.#closed) return;
    this.#keepAlive.release();
    this.#closed = true;
    this.#socket.close();
    this.#failAll(() => this.#closedError("receive"));
  }

  /** The same as {@linkcode AsyncDatagram.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Its address: `127.0.0.1:3456`. */
  toString(): string {
    return describeAddress(this.addr);
  }

  /** @internal See `ArrivalSource.enqueue`. */
  enqueue(wait: ArrivalWait<Received>, coro: Coro): void {
    if (this.#closed) return wait.settleError(this.#closedError("receive"));
    if (this.#failure !== undefined) return wait.settleError(this.#failure);
    const first = this.#waitQueue.head === null ? this.#arrived.shift() : undefined;
    if (first !== undefined) return wait.settle(first);
    this.#waitQueue.push(wait);
    this.#keepAlive.register(coro);
  }

  /** @internal See `ArrivalSource.dequeue`. */
  dequeue(wait: ArrivalWait<Received>): void {
    if (isQueued(wait)) this.#waitQueue.remove(wait);
    if (this.#waitQueue.head === null) this.#keepAlive.release();
  }

  /** @internal See `ArrivalSource.updateKeepAlive`. */
  updateKeepAlive(coro: Coro): void {
    this.#keepAlive.register(coro);
  }

  /** @internal See `ArrivalSource.putBack`. */
  putBack(datagram: Received): void {
    const wait = this.#waitQueue.head;
    if (wait === null) this.#arrived.unshift(datagram);
    else this.#grant(wait, datagram);
  }

  #receive(datagram: Received): void {
    const wait = this.#waitQueue.head;
    if (wait !== null) this.#grant(wait, datagram);
    else if (this.#arrived.length < this.#capacity) this.#arrived.push(datagram);
    else this.dropped++;
  }

  #grant(wait: ArrivalWait<Received>, datagram: Received): void {
    this.dequeue(wait);
    wait.settle(datagram);
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#failAll(() => error);
  }

  #failAll(reason: () => unknown): void {
    const waitQueue = this.#waitQueue;
    for (let wait = waitQueue.shift(); wait !== null; wait = waitQueue.shift()) wait.settleError(reason());
  }

  #closedError(action: string): ClosedError {
    return new ClosedError(`Cannot ${action} as the datagram socket at ${this} is closed`);
  }

  #setKeepAlive(alive: boolean): void {
    this.#release?.();
    this.#release = alive ? keepAlive() : null;
  }
}
