/**
 * A link over NATS: a subject for each of its two ends.
 *
 *     dialing --the other end accepts--> open --close(), the other end closes or is gone, or the connection broke--> closed
 *
 * What an end publishes has its own subject as the reply subject. So the server says at once, by a message of its own,
 * if nobody is subscribed at the other end. There are three kinds of messages:
 *
 *     frames         the bytes of a frame; they are never empty
 *     accept, dial   empty, with a reply subject
 *     close          empty, without a reply subject
 *
 * While the connection to the server is broken, the client drops what is published. When it is there again, the link
 * ends, so that the session opens another one and sends again what was lost.
 */
import { type Deferred, deferred } from "../base/deferred.ts";
import type { Link } from "../distributed/engine.ts";
import { plainBytes } from "../io/net/datagram_socket.ts";
import type { NatsConnectionLike, NatsMessageLike, NatsSubscriptionLike } from "./connection.ts";
import { type ConnectionListener, watchConnection } from "./connection_watch.ts";
import type { Subjects } from "./subjects.ts";

/** `drained` is called when no more bytes than this are queued, after there were more. */
const LOW_WATER = 256 * 1024;
/** After so many bytes the server is asked whether it has them. Until it has, they count as queued. */
const FLUSH_BYTES = 64 * 1024;
/** The longest frame, also if the server takes longer messages. */
const LONGEST_FRAME = 1024 * 1024;
/** The code of the message by which the server says that nobody is subscribed. */
const NO_RESPONDERS = 503;
const EMPTY = new Uint8Array(0);

interface Callbacks {
  frame(bytes: Uint8Array): void;
  drained(): void;
  closed(reason: Error | null): void;
}

/** See the head of this file. */
export class NatsLink implements Link, ConnectionListener {
  readonly maxFrame: number;
  private readonly connection: NatsConnectionLike;
  private readonly subjects: Subjects;
  private readonly subject: string;
  private readonly subscription: NatsSubscriptionLike;
  private readonly unwatch: () => void;
  private state: "dialing" | "open" | "closed" = "dialing";
  // Where the other end is subscribed, once it has accepted.
  private target = "";
  // The dial that waits for its outcome, and where it was published.
  private dialed: { readonly subject: string; readonly outcome: Deferred<NatsLink> } | null = null;
  private callbacks: Callbacks | null = null;
  // What has arrived before start(); null when it was passed on.
  private early: Uint8Array[] | null = [];
  // Why the link has ended by itself, until `closed` is called.
  private end: { readonly reason: Error | null } | null = null;
  private unflushed = 0;
  private queuedBytes = 0;
  private aboveLowWater = false;

  /** Subscribes a new end of a link. */
  constructor(connection: NatsConnectionLike, subjects: Subjects) {
    this.connection = connection;
    this.subjects = subjects;
    this.subject = subjects.newLink();
    this.maxFrame = Math.min(LONGEST_FRAME, connection.info?.max_payload ?? LONGEST_FRAME);
    this.subscription = connection.subscribe(this.subject, { callback: this.received });
    this.unwatch = watchConnection(connection, this);
  }

  get queued(): number {
    return this.queuedBytes;
  }

  /** Dials the engine at this subject. Resolves to the link itself, or rejects, unless the link is closed before. */
  dial(subject: string): Promise<NatsLink> {
    this.dialed = { subject, outcome: deferred() };
    this.connection.publish(subject, EMPTY, { reply: this.subject });
    return this.dialed.outcome.promise;
  }

  /** Accepts the link of the end at this subject, which has dialed. */
  accept(target: string): void {
    this.target = target;
    this.state = "open";
    this.publish(target, EMPTY);
  }

  start(frame: (bytes: Uint8Array) => void, drained: () => void, closed: (reason: Error | null) => void): void {
    this.callbacks = { frame, drained, closed };
    // What has happened meanwhile.
    queueMicrotask(() => {
      this.passOnEarly();
      this.tellDrained();
      this.tellEnd();
    });
  }

  write(frame: Uint8Array): void {
    if (this.state !== "open") return;
    this.publish(this.target, frame);
    this.unflushed += frame.length;
    if (this.unflushed >= FLUSH_BYTES) this.flush();
  }

  close(): void {
    this.end = null;
    this.early = null;
    if (this.state === "closed") return;
    const wasOpen = this.state === "open";
    if (wasOpen) this.publishClose(this.target);
    // The acceptance of a dial that was given up may be on its way: then the other end has to be told.
    this.release(wasOpen ? "at once" : "after what is on its way");
  }

  restored(): void {
    // The dial may have been lost. If it was not, the second acceptance is closed.
    if (this.dialed !== null) this.publish(this.dialed.subject, EMPTY);
    else this.ended(new Error("The connection to the NATS server broke: what was sent meanwhile may be lost"));
  }

  closed(): void {
    this.ended(new Error("The connection to the NATS server was closed"));
  }

  // --- receiving ----------------------------------------------------------------------------------------------

  private readonly received = (error: Error | null, message: NatsMessageLike): void => {
    if (error !== null) return this.ended(error);
    if (message.data.length > 0) return this.frameArrived(plainBytes(message.data));
    if (message.headers?.code === NO_RESPONDERS) return this.ended(this.unreachable());
    if (!message.reply) return this.peerClosed();
    if (this.subjects.isLink(message.reply)) this.accepted(message.reply);
  };

  private frameArrived(data: Uint8Array): void {
    if (this.state !== "open") return;
    if (this.early === null) this.callbacks!.frame(data);
    else this.early.push(data.slice());
  }

  private passOnEarly(): void {
    // A callback may close the link.
    for (let i = 0; this.early !== null && i < this.early.length; i++) this.callbacks!.frame(this.early[i]);
    this.early = null;
  }

  private accepted(target: string): void {
    const { dialed } = this;
    if (dialed === null || this.state === "closed") {
      // The dial was given up, or was published twice.
      if (target !== this.target) this.publishClose(target);
      return;
    }
    this.target = target;
    this.state = "open";
    this.dialed = null;
    dialed.outcome.resolve(this);
  }

  private peerClosed(): void {
    if (this.state === "open") this.ended(null);
  }

  private unreachable(): Error {
    if (this.dialed === null) return new Error("The other end of the link is gone");
    return new Error(
      `Cannot dial as no peer listens at ${this.dialed.subject}: it has left, or is not connected to NATS`,
    );
  }

  // --- sending ------------------------------------------------------------------------------------------------

  private publish(subject: string, payload: Uint8Array): void {
    try {
      this.connection.publish(subject, payload, { reply: this.subject });
    } catch (error) {
      // No callback is called from within write().
      queueMicrotask(() => this.ended(error as Error));
    }
  }

  private publishClose(target: string): void {
    try {
      this.connection.publish(target, EMPTY);
    } catch {
      // The connection is closed, or about to be: the other end will find nobody here.
    }
  }

  private flush(): void {
    const bytes = this.unflushed;
    this.unflushed = 0;
    this.queuedBytes += bytes;
    if (this.queuedBytes > LOW_WATER) this.aboveLowWater = true;
    const flushed = (): void => {
      if (this.state === "closed") return;
      this.queuedBytes -= bytes;
      this.tellDrained();
    };
    // If the connection broke, the bytes are lost, and are queued no more.
    this.connection.flush().then(flushed, flushed);
  }

  private tellDrained(): void {
    if (!this.aboveLowWater || this.queuedBytes > LOW_WATER) return;
    if (this.state !== "open" || this.callbacks === null) return;
    this.aboveLowWater = false;
    this.callbacks.drained();
  }

  // --- the end ------------------------------------------------------------------------------------------------

  /** The link has ended by itself, or the dial has failed. */
  private ended(reason: Error | null): void {
    if (this.state === "closed") return;
    if (this.state === "open" && reason !== null) this.publishClose(this.target);
    this.release("at once");
    if (this.dialed !== null) return this.dialed.outcome.reject(reason);
    this.end = { reason };
    this.tellEnd();
  }

  private tellEnd(): void {
    // What has arrived before is passed on first.
    if (this.end === null || this.callbacks === null || this.early !== null) return;
    const { reason } = this.end;
    this.end = null;
    this.callbacks.closed(reason);
  }

  private release(when: "at once" | "after what is on its way"): void {
    this.state = "closed";
    this.queuedBytes = 0;
    this.unwatch();
    if (when === "at once") this.subscription.unsubscribe();
    else this.subscription.drain().catch(() => {});
  }
}
