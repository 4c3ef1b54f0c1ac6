import type { Duplex } from "node:stream";
import { builtin } from "../../host/capability.ts";

type Stream = typeof import("node:stream");
type Done = () => void;

/** Callbacks of a {@linkcode TlsCarrier}. */
export interface TlsCarrierEvents {
  /** The engine gives bytes to the host. */
  sending(): void;
  /** The host has taken the bytes of one write. Returns whether the engine has nothing more to send at present. */
  sent(): boolean;
  /** The host cannot send. */
  failed(error: unknown): void;
}

/**
 * Carries the encrypted bytes of a TLS engine over a connection of Deno's.
 *
 * The engine needs a stream of Node's, but not its buffers: it takes bytes whenever they come, and writes only when the
 * write before is done. So the bytes go past them.
 */
export class TlsCarrier {
  /** The stream that the engine reads from and writes to. */
  readonly duplex: Duplex;
  readonly #conn: Deno.Conn;
  readonly #events: TlsCarrierEvents;
  // Tells the engine that its last write is done.
  #done: Done | null = null;

  constructor(conn: Deno.Conn, events: TlsCarrierEvents) {
    const { Duplex } = builtin("node:stream", "start TLS") as Stream;
    this.#conn = conn;
    this.#events = events;
    const write = (data: Uint8Array, done: Done): boolean => {
      // What an engine that was destroyed had still to send is not for the peer.
      if (this.duplex.destroyed) return false;
      events.sending();
      this.#send(data, done);
      return true;
    };
    this.duplex = Object.assign(new Duplex({ autoDestroy: false, read() {} }), { write });
  }

  /** Gives the engine encrypted bytes. */
  deliver(bytes: Uint8Array): void {
    this.duplex.emit("data", bytes);
  }

  /**
   * Lets the engine send. When it is told that a write is done, it looks for more to send, which takes longer than to
   * encrypt a small record. So it is told only when there may be more.
   */
  flush(): void {
    const done = this.#done;
    this.#done = null;
    done?.();
  }

  #send(data: Uint8Array, done: Done): void {
    this.#conn.write(data).then((count) => {
      if (count < data.length) return this.#send(data.subarray(count), done);
      this.#done = done;
      if (!this.#events.sent()) this.flush();
    }, this.#events.failed);
  }
}
