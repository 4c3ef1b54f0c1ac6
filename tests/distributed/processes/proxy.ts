/** A TCP proxy between two peers that cuts, delays, replays, reflects or changes what it passes on. */

/** What the proxy does to bytes of one direction. Returns what is passed on. */
export type Filter = (bytes: Uint8Array<ArrayBuffer>, direction: "out" | "back") => Uint8Array[];

/** See the head of this file. */
export class Proxy implements AsyncDisposable {
  /** Changes what is passed on; by default nothing. */
  filter: Filter = (bytes) => [bytes];
  /** Milliseconds by which everything is late. */
  delay = 0;
  /** Connections that were accepted. */
  accepted = 0;
  /** Everything that came from the dialer, by connection. */
  readonly recorded: Uint8Array[][] = [];
  readonly #listener: Deno.TcpListener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #target: number;
  readonly #conns: Set<Deno.Conn> = new Set();
  readonly #running: Promise<void>[] = [];

  constructor(target: number) {
    this.#target = target;
    this.#running.push(this.#accept());
  }

  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const conn of this.#conns) close(conn);
    this.#conns.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await Promise.all(this.#running);
  }

  async #accept(): Promise<void> {
    for await (const near of this.#listener) {
      this.accepted++;
      try {
        const far = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
        this.#conns.add(near).add(far);
        const record: Uint8Array[] = [];
        this.recorded.push(record);
        this.#running.push(this.#pass(near, far, "out", record), this.#pass(far, near, "back", []));
      } catch {
        close(near);
      }
    }
  }

  async #pass(from: Deno.Conn, to: Deno.Conn, direction: "out" | "back", record: Uint8Array[]): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (count === null) break;
        const bytes = buffer.slice(0, count);
        record.push(bytes.slice());
        if (this.delay > 0) await new Promise((resolve) => setTimeout(resolve, this.delay));
        for (const piece of this.filter(bytes, direction)) await writeAll(to, piece);
      }
    } catch {
      // It was cut.
    }
    for (const conn of [from, to]) {
      close(conn);
      this.#conns.delete(conn);
    }
  }
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // It is closed.
  }
}
