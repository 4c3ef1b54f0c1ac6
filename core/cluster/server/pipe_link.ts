/**
 * The link between a node and a server: the standard input and output of the server's process.
 *
 * There is one for each server. When it ends, the other process has ended or is about to, so the peer is lost at once.
 */
import type { Link } from "../../distributed/engine.ts";
import { type StreamConn, TcpLink } from "../../distributed/engines/tcp_link.ts";
import { PeerEndedError } from "../../distributed/errors.ts";

/** See the head of this file. */
export class PipeLink implements Link {
  /**
   * Whether silence on the link is no loss. A process that computes is silent, and the link ends with the process.
   */
  readonly lasting = true;
  readonly #link: TcpLink;
  readonly #whose: string;

  /** `whose` names the other process in errors. */
  constructor(conn: StreamConn, whose: string) {
    this.#link = new TcpLink(conn);
    this.#whose = whose;
  }

  get maxFrame(): number {
    return this.#link.maxFrame;
  }

  get queued(): number {
    return this.#link.queued;
  }

  start(frame: (bytes: Uint8Array) => void, drained: () => void, closed: (reason: Error | null) => void): void {
    this.#link.start(frame, drained, (cause) => {
      closed(new PeerEndedError(`The process of ${this.#whose} has ended`, cause === null ? undefined : { cause }));
    });
  }

  write(frame: Uint8Array): void {
    this.#link.write(frame);
  }

  close(): void {
    this.#link.close();
  }
}
