/** The engine with which a node reaches its servers. Each server dials once, by the streams of its process. */
import type { Engine, Link } from "../../distributed/engine.ts";
import type { StreamConn } from "../../distributed/engines/tcp_link.ts";
import type { Operation } from "../../fiber/operation.ts";
import { Immediate } from "../../operations/immediate.ts";
import { NODE_ADDRESS, PIPE_SCHEME } from "../server/node_engine.ts";
import { PipeLink } from "../server/pipe_link.ts";

/** See the head of this file. */
export class ServerEngine implements Engine {
  readonly scheme = PIPE_SCHEME;
  /** The pipes of a process belong to that and to the process that has started it. */
  readonly trusted = true;
  #incoming: ((link: Link) => void) | null = null;

  open(incoming: (link: Link) => void): Operation<string> {
    return new Immediate("open", () => {
      this.#incoming = incoming;
      return NODE_ADDRESS;
    });
  }

  dial(address: string): Operation<Link> {
    return new Immediate("dial", () => {
      throw new Error(`Cannot dial ${address} as servers dial their node: the process has ended`);
    });
  }

  close(): Operation<void> {
    return new Immediate("close", () => {
      this.#incoming = null;
    });
  }

  /** Accepts the link of a server that has been started. */
  accept(conn: StreamConn, name: string): void {
    if (this.#incoming === null) conn.close();
    else this.#incoming(new PipeLink(conn, name));
  }
}
