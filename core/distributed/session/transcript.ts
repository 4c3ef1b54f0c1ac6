/**
 * What both sides have said in a handshake, and what is derived from it.
 *
 * A tag covers the name of the network, both HELLOs (so both nonces, ids, versions and limits), all that follows up to
 * the frame that it is in, and the role of the side that makes it. So no recorded frame is valid in another handshake,
 * and no side's own frame is valid when it is sent back to it. Every part has its length before it, so that no two
 * transcripts have the same bytes.
 */
import type { LinkSecurity } from "./cryptography.ts";

const text = new TextEncoder();
const LENGTH = 4;

/** What a tag or key is for. */
const Label = {
  DIALER: "asyncoro dialer",
  ACCEPTOR: "asyncoro acceptor",
  REFUSAL: "asyncoro refusal",
  DIALER_KEY: "asyncoro dialer's frames",
  ACCEPTOR_KEY: "asyncoro acceptor's frames",
} as const;

/** The keys of the frames of a link, one for each direction. */
export interface FrameKeys {
  /** Of the frames that the dialer sends. */
  readonly dialer: Uint8Array;
  /** Of the frames that the acceptor sends. */
  readonly acceptor: Uint8Array;
}

/** See the head of this file. */
export class Transcript {
  readonly #parts: Uint8Array[];
  readonly #prove: LinkSecurity["prove"];

  constructor(network: string, prove: LinkSecurity["prove"]) {
    this.#parts = [text.encode(network)];
    this.#prove = prove;
  }

  /** Adds what one side has said. The bytes are copied. */
  add(said: Uint8Array): void {
    this.#parts.push(said.slice());
  }

  /** The tag of a PROOF with this body. */
  dialerTag(covered: Uint8Array): Uint8Array {
    return this.#tag(Label.DIALER, covered);
  }

  /** The tag of a WELCOME with this body. */
  acceptorTag(covered: Uint8Array): Uint8Array {
    return this.#tag(Label.ACCEPTOR, covered);
  }

  /** The tag of a REFUSE with this code. */
  refusalTag(code: number): Uint8Array {
    return this.#tag(Label.REFUSAL, Uint8Array.of(code));
  }

  /** The keys of the frames after the handshake. */
  frameKeys(): FrameKeys {
    const nothing = new Uint8Array(0);
    return { dialer: this.#tag(Label.DIALER_KEY, nothing), acceptor: this.#tag(Label.ACCEPTOR_KEY, nothing) };
  }

  #tag(label: string, last: Uint8Array): Uint8Array {
    return this.#prove(withLengths([text.encode(label), ...this.#parts, last]));
  }
}

function withLengths(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + LENGTH + part.length, 0));
  const view = new DataView(all.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length);
    all.set(part, at + LENGTH);
    at += LENGTH + part.length;
  }
  return all;
}
