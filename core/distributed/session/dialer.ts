/**
 * The dialer's side of a handshake.
 *
 *     HELLO sent --HELLO--> known --prove()--> PROOF sent --WELCOME--> over
 *          |                  |                    |
 *          +-----REFUSE-------+-------REFUSE-------+---------------> over
 *
 * The acceptor proves itself last: a stranger who dials learns nothing that was made with the secret. Any other frame
 * in any state is malformed.
 */
import { equalTags } from "./cryptography.ts";
import { bodyOf, Kind, kindOf, MalformedFrameError } from "./frame.ts";
import { commonVersion, type HandshakeContext } from "./handshake_context.ts";
import {
  type Claim,
  coveredBytes,
  decodeHello,
  decodeRefuse,
  decodeVersions,
  decodeWelcome,
  encodeHello,
  encodeProof,
  type Hello,
  Refusal,
  type VersionRange,
  type Welcome,
  writeTag,
} from "./handshake_frames.ts";
import { type FrameKeys, Transcript } from "./transcript.ts";

/** What a frame means to the dialer. */
export type DialerStep =
  /** The acceptor has said who it is. It has proved nothing. */
  | { readonly kind: "known"; readonly hello: Hello }
  /** The acceptor has proved that it knows the secret. */
  | { readonly kind: "welcome"; readonly welcome: Welcome }
  /** The acceptor refuses, or cannot prove that it knows the secret. `proved`: it is the acceptor that refuses. */
  | { readonly kind: "refused"; readonly code: number; readonly versions: VersionRange; readonly proved: boolean };

/** See the head of this file. */
export class Dialer {
  private state: "hello sent" | "known" | "proof sent" | "over" = "hello sent";
  private readonly context: HandshakeContext;
  private readonly transcript: Transcript;

  constructor(context: HandshakeContext) {
    this.context = context;
    this.transcript = new Transcript(context.network, context.security.prove);
  }

  /** The first frame. To be called once. */
  hello(): Uint8Array {
    const frame = encodeHello(this.context.hello);
    this.transcript.add(bodyOf(frame));
    return frame;
  }

  /**
   * Takes a frame of the acceptor.
   *
   * @throws {MalformedFrameError} If it is not due.
   */
  take(frame: Uint8Array): DialerStep {
    const kind = kindOf(frame);
    if (kind === Kind.HELLO && this.state === "hello sent") return this.takeHello(frame);
    if (kind === Kind.WELCOME && this.state === "proof sent") return this.takeWelcome(frame);
    if (kind === Kind.REFUSE && this.state !== "over") return this.takeRefuse(frame);
    throw new MalformedFrameError(`Frame of kind ${kind} when the dialer is in state "${this.state}"`);
  }

  /** The second frame, after the acceptor is known. */
  prove(claim: Claim): Uint8Array {
    this.state = "proof sent";
    const frame = encodeProof(claim);
    writeTag(frame, this.transcript.dialerTag(coveredBytes(frame)));
    this.transcript.add(bodyOf(frame));
    return frame;
  }

  /** The keys of the link, after WELCOME. */
  frameKeys(): FrameKeys {
    return this.transcript.frameKeys();
  }

  private takeHello(frame: Uint8Array): DialerStep {
    const own = this.context.hello.versions;
    const versions = decodeVersions(frame);
    if (commonVersion(own, versions) === undefined) return this.refused(Refusal.VERSION, versions, false);
    const hello = decodeHello(frame, own[1]);
    this.transcript.add(bodyOf(frame));
    this.state = "known";
    return { kind: "known", hello };
  }

  private takeWelcome(frame: Uint8Array): DialerStep {
    const { content, covered, tag } = decodeWelcome(frame);
    if (!equalTags(tag, this.transcript.acceptorTag(covered))) {
      return this.refused(Refusal.AUTHENTICATION, this.context.hello.versions, false);
    }
    this.state = "over";
    return { kind: "welcome", welcome: content };
  }

  private takeRefuse(frame: Uint8Array): DialerStep {
    const { code, versions, tag } = decodeRefuse(frame);
    const proved = this.state === "proof sent" && equalTags(tag, this.transcript.refusalTag(code));
    return this.refused(code, versions, proved);
  }

  private refused(code: number, versions: VersionRange, proved: boolean): DialerStep {
    this.state = "over";
    return { kind: "refused", code, versions, proved };
  }
}
