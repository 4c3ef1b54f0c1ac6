/** Faults in the session layer, each of which the simulation must find. They are put into the layer's own classes. */
import { Liveness } from "../../../core/distributed/session/liveness.ts";
import { PeerRecord } from "../../../core/distributed/session/peer_record.ts";
import { ReceiveSide } from "../../../core/distributed/session/receive_side.ts";
import { SendSide } from "../../../core/distributed/session/send_side.ts";
import { Session } from "../../../core/distributed/session/session.ts";
import { Sessions } from "../../../core/distributed/session/sessions.ts";

/** A method of any class. Each fault casts its receiver and arguments. */
// deno-lint-ignore no-explicit-any -- see above
type Method = (this: any, ...args: any[]) => any;

/** A fault. */
export interface Mutant {
  /** As in "the simulation finds that duplicates are not dropped". */
  readonly name: string;
  /** A part of an invariant that it breaks; empty if it may be one of several. */
  readonly invariant: string;
  /** Inserts the fault. Returns a function that removes it. */
  apply(): () => void;
}

/** Replaces a method. Returns a function that restores it. */
function replace(owner: object, name: string, make: (original: Method) => Method): () => void {
  const prototype = owner as Record<string, Method>;
  const original = prototype[name];
  prototype[name] = make(original);
  return () => {
    prototype[name] = original;
  };
}

/** Replaces a getter. Returns a function that restores it. */
function replaceGetter(owner: object, name: string, make: (original: Method) => Method): () => void {
  const property = Object.getOwnPropertyDescriptor(owner, name)!;
  Object.defineProperty(owner, name, { configurable: true, get: make(property.get!) });
  return () => void Object.defineProperty(owner, name, property);
}

/** The faults. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "duplicates are not dropped",
    invariant: "arrive",
    apply: () =>
      replace(ReceiveSide.prototype, "placeOf", (original) =>
        function (sequence) {
          return Math.max(0, original.call(this, sequence));
        }),
  },
  {
    name: "gaps are not noticed",
    invariant: "What arrives is what was sent next",
    apply: () =>
      replace(ReceiveSide.prototype, "placeOf", (original) =>
        function (sequence) {
          return Math.min(0, original.call(this, sequence));
        }),
  },
  {
    name: "nothing is sent again",
    invariant: "No operation is lost",
    apply: () =>
      replace(SendSide.prototype, "resume", () =>
        function () {
          this.next = this.assigned + 1;
          this.offset = 0;
        }),
  },
  {
    name: "a lost tail is not noticed",
    invariant: "No operation is lost",
    apply: () => replace(ReceiveSide.prototype, "checkTail", () => () => {}),
  },
  {
    name: "signs of life do not tell the last sequence number",
    invariant: "No operation is lost",
    apply: () => replaceGetter(SendSide.prototype, "lastWritten", () => () => 0),
  },
  {
    name: "the acceptor starts a session when it offers it",
    invariant: "",
    apply: () =>
      replace(Sessions.prototype, "dialerProved", (original) =>
        function (connection, claim) {
          original.call(this, connection, claim);
          if (connection.phase === "offered") this.confirmed(connection);
        }),
  },
  {
    name: "an offer is forgotten",
    invariant: "",
    apply: () =>
      replace(PeerRecord.prototype, "addOffer", (original) =>
        function (nth, until) {
          const number = original.call(this, nth, until);
          this.clearOffers();
          return number;
        }),
  },
  {
    name: "the dialer does not name its offers",
    invariant: "",
    apply: () =>
      replace(Sessions.prototype, "acceptorKnown", (original) =>
        function (connection, hello) {
          const claim = original.call(this, connection, hello);
          return claim && { ...claim, offered: [] };
        }),
  },
  {
    name: "both keep their own dial",
    invariant: "Crossing dials connect at once",
    apply: () => replaceGetter(PeerRecord.prototype, "keepsOwnDial", () => () => true),
  },
  {
    name: "both drop their own dial",
    invariant: "Crossing dials connect at once",
    apply: () => replaceGetter(PeerRecord.prototype, "keepsOwnDial", () => () => false),
  },
  {
    name: "the next frame of an older handshake counts",
    invariant: "Crossing dials connect at once",
    apply: () => replace(PeerRecord.prototype, "olderHandshakes", () => () => []),
  },
  {
    name: "a session that one side has lost is resumed",
    invariant: "",
    apply: () =>
      replace(PeerRecord.prototype, "commonNumber", (original) =>
        function (claim) {
          return claim.current || original.call(this, claim);
        }),
  },
  {
    name: "a session that was left is forgotten at once",
    invariant: "Nobody is lost without need",
    apply: () => replace(PeerRecord.prototype, "hasLeft", () => () => false),
  },
  {
    name: "an ack is ahead of what was received",
    invariant: "Only what was received is acknowledged",
    apply: () =>
      replaceGetter(Session.prototype, "received", (original) =>
        function () {
          return this.number === 0 ? 0 : original.call(this) + 1;
        }),
  },
  {
    name: "no sign of life is given",
    invariant: "Nobody is lost without need",
    apply: () =>
      replace(Liveness.prototype, "wrote", (original) =>
        function (now) {
          original.call(this, now);
          this.pingAt = Infinity;
        }),
  },
  {
    name: "nothing is acknowledged without an operation to send",
    invariant: "Every operation is acknowledged",
    apply: () =>
      replace(Session.prototype, "writePing", (original) =>
        function (link) {
          const { received } = this.receiving;
          this.receiving.received = 0;
          try {
            original.call(this, link);
          } finally {
            this.receiving.received = received;
          }
        }),
  },
  {
    name: "a peer is never lost",
    invariant: "",
    apply: () =>
      replace(Liveness.prototype, "heard", () =>
        function () {
          this.lostAt = Infinity;
        }),
  },
  {
    name: "what was written is withdrawn",
    invariant: "",
    apply: () =>
      replace(SendSide.prototype, "withdraw", (original) =>
        function (ticket) {
          return original.call(this, ticket) || true;
        }),
  },
  {
    name: "peers are remembered for ever",
    invariant: "Nothing is kept",
    apply: () =>
      replace(PeerRecord.prototype, "keep", () =>
        function () {
          this.keptUntil = Infinity;
        }),
  },
];
