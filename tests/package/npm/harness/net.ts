/** Connections as `Deno.connect` and `Deno.listen` make them, over `node:net`. */
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";

interface Endpoint {
  readonly hostname: string;
  // For a listener: it listens at once in Deno, and soon here.
  readonly port: number | Promise<number>;
}

class Connection {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    for (;;) {
      const bytes: Uint8Array | null = this.#socket.read(1);
      if (bytes !== null) {
        buffer.set(bytes);
        return bytes.length;
      }
      if (this.#socket.readableEnded) return null;
      await once(this.#socket, "readable", "end");
    }
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

function once(socket: Socket, ...events: string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of events) socket.off(event, done);
      resolve();
    };
    for (const event of events) socket.on(event, done);
  });
}

/** Connects. */
export async function connect({ hostname, port: wanted }: Endpoint): Promise<Connection> {
  const port = await wanted;
  return await new Promise((resolve, reject) => {
    const socket = createConnection({ host: hostname, port, noDelay: true });
    socket.on("error", reject);
    socket.on("connect", () => resolve(new Connection(socket)));
  });
}

interface Listener {
  readonly addr: { readonly port: Promise<number> };
  accept(): Promise<Connection>;
  close(): void;
}

/** Listens. */
export function listen({ hostname, port }: { hostname: string; port: number }): Listener {
  const waiting: ((connection: Connection) => void)[] = [];
  const come: Connection[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    const connection = new Connection(socket);
    const first = waiting.shift();
    if (first) first(connection);
    else come.push(connection);
  });
  const bound = new Promise<number>((resolve) => {
    server.listen(port, hostname, () => resolve((server.address() as AddressInfo).port));
  });
  return {
    addr: { port: bound },
    accept: () => come.length > 0 ? Promise.resolve(come.shift()!) : new Promise((resolve) => waiting.push(resolve)),
    close: () => void server.close(),
  };
}
