/**
 * Sockets of Linux without Deno's event loop: the C library, called directly. A client of a benchmark that used the event
 * loop would need as much CPU as the server, and then the client would be measured.
 */
const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  // Their sizes and results have 64 bits, but here never more than 31 of them are used.
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
});

// Constants of Linux.
const AF_INET = 2;
const SOCK_STREAM = 1;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 1;
// `struct epoll_event` is packed on x86-64 only.
const EVENT_BYTES = Deno.build.arch === "x86_64" ? 12 : 16;
const DATA_OFFSET = EVENT_BYTES - 8;
const MOST_EVENTS = 1024;

type Buffer = Uint8Array<ArrayBuffer>;

/** Opens a connection to a port of this machine. Returns its descriptor. */
export function open(port: number): number {
  const descriptor = libc.symbols.socket(AF_INET, SOCK_STREAM, 0);
  const address = new Uint8Array(16);
  new DataView(address.buffer).setUint16(0, AF_INET, true);
  address.set([port >> 8, port & 255, 127, 0, 0, 1], 2);
  if (descriptor < 0 || libc.symbols.connect(descriptor, address, address.length) !== 0) {
    throw new Error(`Cannot connect to port ${port}`);
  }
  libc.symbols.setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, new Uint8Array([1, 0, 0, 0]), 4);
  return descriptor;
}

/** Closes a connection. */
export function close(descriptor: number): void {
  libc.symbols.close(descriptor);
}

/** Sends all bytes. It blocks this thread while there is no room. */
export function send(descriptor: number, data: Buffer): void {
  if (libc.symbols.send(descriptor, data, data.length, MSG_NOSIGNAL) !== data.length) {
    throw new Error("The server has left");
  }
}

/** Receives what has come; returns how many bytes. */
export function receive(descriptor: number, buffer: Buffer): number {
  const count = libc.symbols.recv(descriptor, buffer, buffer.length, MSG_DONTWAIT);
  if (count <= 0) throw new Error("The server has left");
  return count;
}

/** Connections whose data is waited for. */
export class Poll {
  readonly #epoll = libc.symbols.epoll_create1(0);
  readonly #events = new Uint8Array(MOST_EVENTS * EVENT_BYTES);
  readonly #view = new DataView(this.#events.buffer);

  /** Waits for data of a connection too. */
  add(descriptor: number): void {
    const event = new Uint8Array(EVENT_BYTES);
    const view = new DataView(event.buffer);
    view.setUint32(0, EPOLLIN, true);
    view.setUint32(DATA_OFFSET, descriptor, true);
    libc.symbols.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, descriptor, event);
  }

  /** No longer waits for data of a connection. */
  remove(descriptor: number): void {
    libc.symbols.epoll_ctl(this.#epoll, EPOLL_CTL_DEL, descriptor, null);
  }

  /** Blocks this thread until data has come; returns for how many connections. */
  wait(): number {
    const count = libc.symbols.epoll_wait(this.#epoll, this.#events, MOST_EVENTS, 10_000);
    if (count <= 0) throw new Error("The server does not answer");
    return count;
  }

  /** The descriptor of one of them. */
  ready(index: number): number {
    return this.#view.getUint32(index * EVENT_BYTES + DATA_OFFSET, true);
  }
}
