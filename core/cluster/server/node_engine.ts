/** The engine with which a server reaches its node: by the one link that there is, its standard input and output. */
import type { Operation } from "../../fiber/operation.ts";
import type { Engine, Link } from "../../distributed/engine.ts";
import type { StreamConn } from "../../distributed/engines/tcp_link.ts";
import { Immediate } from "../../operations/immediate.ts";
import { PipeLink } from "./pipe_link.ts";

/** The scheme of the engines that connect a node and its servers. */
export const PIPE_SCHEME = "pipe";
/** The address of a server's node for the server. */
export const NODE_ADDRESS = "pipe:node";

/** See the head of this file. */
export class NodeEngine implements Engine {
  readonly scheme = PIPE_SCHEME;
  /** The pipes of a process belong to that and to the process that has started it. */
  readonly trusted = true;
  readonly #address: string;
  #conn: StreamConn | null;

  /** `address` is that of this server for others; `conn` leads to the node. */
  constructor(address: string, conn: StreamConn) {
    this.#address = address;
    this.#conn = conn;
  }

  open(): Operation<string> {
    return new Immediate("open", () => this.#address);
  }

  dial(address: string): Operation<Link> {
    return new Immediate("dial", () => {
      const conn = this.#conn;
      if (address !== NODE_ADDRESS) throw new Error(`Cannot dial ${address} as a server can only dial its node`);
      if (conn === null) throw new Error(`Cannot dial ${address} as the link to the node has ended`);
      this.#conn = null;
      return new PipeLink(conn, "the node");
    });
  }

  close(): Operation<void> {
    return new Immediate("close", () => {});
  }
}
