/** What was sent, what arrived, and who was told of which loss: it finds what the network must never do. */

/** Something that must never happen. */
export class Violation extends Error {
  override name = "Violation";
}

interface Sent {
  readonly number: number;
  /** How often the sender had been told of a loss of the recipient. */
  readonly losses: number;
}

interface Lane {
  readonly sent: Sent[];
  lastArrived: number;
  readonly arrived: Set<number>;
  /** The numbers that the sender knows to have arrived. */
  readonly acknowledged: number[];
}

/** A message of the schedule. `from` and `to` are ids of joinings. */
export interface Numbered {
  readonly from: string;
  readonly to: string;
  readonly number: number;
}

/** See the head of this file. Joinings are known by their ids. */
export class Ledger {
  /** How many messages arrived. */
  arrivals = 0;
  /** How often somebody was told of a loss. */
  losses = 0;
  readonly #lanes: Map<string, Lane> = new Map();
  readonly #told: Map<string, number> = new Map();
  readonly #crashed: Set<string> = new Set();
  readonly #online: Map<string, boolean> = new Map();
  /** The ends that a monitor was told of, by monitor and coroutine. */
  readonly #ends: Map<string, number> = new Map();
  /** Operations that have begun and not ended. */
  readonly #open: Set<string> = new Set();

  /** The next message from one joining to another. It counts only if it is accepted. */
  next(from: string, to: string): Numbered {
    const lane = this.#lane(from, to);
    return { from, to, number: (lane.sent.at(-1)?.number ?? 0) + 1 };
  }

  /** A message was accepted for sending. */
  accepted({ from, to, number }: Numbered): void {
    this.#lane(from, to).sent.push({ number, losses: this.#lossesAt(from, to) });
  }

  /** The sender was told that a message is in the mailbox. */
  acknowledged({ from, to, number }: Numbered): void {
    const lane = this.#lane(from, to);
    lane.acknowledged.push(number);
    if (!lane.arrived.has(number)) {
      throw new Violation(`${number} from ${from} to ${to} was acknowledged and did not arrive`);
    }
  }

  /** Whether a message has arrived, or will, is not known to its sender: it need not arrive. */
  withdrawn({ from, to, number }: Numbered): void {
    const { sent } = this.#lane(from, to);
    const at = sent.findIndex((message) => message.number === number);
    if (at >= 0) sent[at] = { number, losses: -1 };
  }

  /** A message has arrived at a joining. */
  arrived({ from, to, number }: Numbered, at: string): void {
    this.arrivals++;
    if (at !== to) throw new Violation(`${number} for ${to} arrived at ${at}`);
    const lane = this.#lane(from, to);
    if (lane.arrived.has(number)) throw new Violation(`${number} from ${from} to ${to} arrived twice`);
    if (number < lane.lastArrived) {
      throw new Violation(`${number} from ${from} to ${to} arrived after ${lane.lastArrived}`);
    }
    lane.lastArrived = number;
    lane.arrived.add(number);
  }

  /** A joining was told that another one has come or gone. */
  status(at: string, of: string, online: boolean): void {
    const key = `${at} ${of}`;
    if (this.#online.get(key) === online) {
      throw new Violation(`${at} was told twice that ${of} is ${online ? "there" : "lost"}`);
    }
    this.#online.set(key, online);
    if (online) return;
    this.losses++;
    this.#told.set(key, this.#lossesAt(at, of) + 1);
  }

  /** A joining has crashed. */
  crashed(id: string): void {
    this.#crashed.add(id);
    for (const operation of this.#open) if (operation.startsWith(id)) this.#open.delete(operation);
  }

  /** A monitor was told of an end. */
  told(monitor: string, coro: string): void {
    const key = `${monitor} ${coro}`;
    if (this.#ends.has(key)) throw new Violation(`${monitor} was told twice of the end of ${coro}`);
    this.#ends.set(key, 1);
  }

  /** Whether a monitor was told of an end. */
  wasTold(monitor: string, coro: string): boolean {
    return this.#ends.has(`${monitor} ${coro}`);
  }

  /** An operation of a joining begins; it must end. Returns what is to be called then. */
  begin(id: string, what: string): () => void {
    const operation = `${id} ${what}`;
    this.#open.add(operation);
    return () => void this.#open.delete(operation);
  }

  /** At the end: everything that was accepted has arrived, or its loss was told. */
  check(): void {
    for (const operation of this.#open) throw new Violation(`An operation did not end: ${operation}`);
    for (const [key, { sent, arrived }] of this.#lanes) {
      const [from, to] = key.split(" ");
      if (this.#crashed.has(from) || this.#crashed.has(to)) continue;
      const losses = this.#lossesAt(from, to);
      for (const message of sent) {
        if (arrived.has(message.number) || message.losses < losses) continue;
        throw new Violation(`${message.number} from ${from} to ${to} was lost, and nobody was told`);
      }
    }
  }

  #lossesAt(at: string, of: string): number {
    return this.#told.get(`${at} ${of}`) ?? 0;
  }

  #lane(from: string, to: string): Lane {
    const key = `${from} ${to}`;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      this.#lanes.set(key, lane = { sent: [], lastArrived: 0, arrived: new Set(), acknowledged: [] });
    }
    return lane;
  }
}
