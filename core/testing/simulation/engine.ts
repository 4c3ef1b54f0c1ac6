import { describe } from "../../base/describe.ts";
import type { Engine, EngineSimulation, Link } from "../../distributed/engine.ts";
import type { Operation } from "../../fiber/operation.ts";
import { Immediate } from "../../operations/immediate.ts";
import { Dial } from "./dial.ts";
import { keyedHash } from "./keyed_hash.ts";
import type { Machine } from "./machine.ts";
import type { World } from "./world.ts";

const SCHEME = "sim";
const PREFIX = `${SCHEME}:`;

/** The engine of a simulated machine. Its address is `sim:` and the name. */
export class SimulatedEngine implements Engine {
  readonly scheme: string = SCHEME;
  /** `false`: the handshake of a network, with its secret, runs in the simulation too. */
  readonly trusted: boolean = false;
  readonly simulation: EngineSimulation;
  readonly #world: World;
  readonly #machine: Machine;

  /** @param versions The versions of the protocol that the network says it speaks; its own by default. */
  constructor(world: World, machine: Machine, versions: EngineSimulation["versions"]) {
    this.#world = world;
    this.#machine = machine;
    const random = (count: number): Uint8Array => machine.random.bytes(count);
    this.simulation = { random, hmac: keyedHash, versions };
  }

  open(incoming: (link: Link) => void): Operation<string> {
    return new Immediate("open", () => {
      const machine = this.#machine;
      const address = PREFIX + machine.name;
      if (machine.hasCrashed) throw new Error(`Cannot open '${address}' as its machine has crashed`);
      if (machine.listener !== null) throw new Error(`Cannot open '${address}' as it is open: close it first`);
      machine.listener = incoming;
      this.#world.note(`${machine.name} listens`);
      return address;
    });
  }

  /**
   * Opens a link to the engine of another name.
   *
   * @throws {TypeError} If `address` is not `sim:` and a name, or `timeout` not a number.
   */
  dial(address: string, timeout: number): Operation<Link> {
    if (typeof address !== "string" || !address.startsWith(PREFIX) || address.length === PREFIX.length) {
      throw new TypeError(
        `Cannot dial as 'address' must be '${PREFIX}' and a name: current value is ${describe(address)}`,
      );
    }
    if (typeof timeout !== "number" || Number.isNaN(timeout)) {
      throw new TypeError(
        `Cannot dial as 'timeout' must be a number of seconds: current value is ${describe(timeout)}`,
      );
    }
    return new Dial(this.#world, this.#machine, address.slice(PREFIX.length), timeout);
  }

  close(): Operation<void> {
    return new Immediate("close", () => {
      if (this.#machine.listener === null) return;
      this.#machine.listener = null;
      this.#world.note(`${this.#machine.name} listens no more`);
    });
  }
}
