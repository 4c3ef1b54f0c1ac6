/**
 * The acceptor's side of a handshake.
 *
 *     waiting for HELLO --HELLO--> waiting for PROOF --PROOF--> known --welcome()--> over
 *          |                            |                         |
 *          +-------- no version --------+--- wrong tag -----------+--refuse()-----> over
 *
 * Any other frame in any state is malformed. Bytes that are not of this protocol are malformed too, and have no reply.
 */
import { equalTags } from "./cryptography.ts";
import { bodyOf, Kind, kindOf, MalformedFrameError } from "./frame.ts";
import { commonVersion, type HandshakeContext } from "./handshake_context.ts";
import {
  type Claim,
  coveredBytes,
  decodeHello,
  decodeProof,
  decodeVersions,
  encodeHello,
  encodeRefuse,
  encodeWelcome,
  type Hello,
  Refusal,
  type Welcome,
  writeTag,
} from "./handshake_frames.ts";
import { type FrameKeys, Transcript } from "./transcript.ts";

/** What a frame means to the acceptor. */
export type AcceptorStep =
  /** The dialer has said who it is; `reply` is to be written. It has proved nothing. */
  | { readonly kind: "hello"; readonly hello: Hello; readonly reply: Uint8Array }
  /** The dialer has proved that it knows the secret. */
  | { readonly kind: "proof"; readonly claim: Claim }
  /** The dialer is refused; `reply` is to be written. */
  | { readonly kind: "refused"; readonly code: number; readonly reply: Uint8Array };

/** See the head of this file. */
export class Acceptor {
  private state: "waiting for HELLO" | "waiting for PROOF" | "known" | "over" = "waiting for HELLO";
  private readonly context: HandshakeContext;
  private readonly transcript: Transcript;

  constructor(context: HandshakeContext) {
    this.context = context;
    this.transcript = new Transcript(context.network, context.security.prove);
  }

  /**
   * Takes a frame of the dialer.
   *
   * @throws {MalformedFrameError} If it is not due.
   */
  take(frame: Uint8Array): AcceptorStep {
    const kind = kindOf(frame);
    if (kind === Kind.HELLO && this.state === "waiting for HELLO") return this.takeHello(frame);
    if (kind === Kind.PROOF && this.state === "waiting for PROOF") return this.takeProof(frame);
    throw new MalformedFrameError(`Frame of kind ${kind} when the acceptor is in state "${this.state}"`);
  }

  /** The frame that offers a session, or resumes one, after PROOF. */
  welcome(welcome: Welcome): Uint8Array {
    this.state = "over";
    const frame = encodeWelcome(welcome);
    writeTag(frame, this.transcript.acceptorTag(coveredBytes(frame)));
    return frame;
  }

  /** The frame that refuses. After PROOF, it proves that the acceptor refuses. */
  refuse(code: number): Uint8Array {
    const tag = this.state === "known" ? this.transcript.refusalTag(code) : undefined;
    this.state = "over";
    return encodeRefuse(code, this.context.hello.versions, tag);
  }

  /** The keys of the link, after PROOF. */
  frameKeys(): FrameKeys {
    return this.transcript.frameKeys();
  }

  private takeHello(frame: Uint8Array): AcceptorStep {
    const own = this.context.hello.versions;
    if (commonVersion(own, decodeVersions(frame)) === undefined) {
      return this.refused(Refusal.VERSION);
    }
    const hello = decodeHello(frame, own[1]);
    const reply = encodeHello(this.context.hello);
    this.transcript.add(bodyOf(frame));
    this.transcript.add(bodyOf(reply));
    this.state = "waiting for PROOF";
    return { kind: "hello", hello, reply };
  }

  private takeProof(frame: Uint8Array): AcceptorStep {
    const { content, covered, tag } = decodeProof(frame);
    if (!equalTags(tag, this.transcript.dialerTag(covered))) {
      return this.refused(Refusal.AUTHENTICATION);
    }
    this.transcript.add(bodyOf(frame));
    this.state = "known";
    return { kind: "proof", claim: content };
  }

  private refused(code: number): AcceptorStep {
    return { kind: "refused", code, reply: this.refuse(code) };
  }
}
