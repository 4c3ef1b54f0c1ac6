/**
 * The subjects and the addresses of an engine. All subjects start with the prefix:
 *
 *     <prefix>.peer.<id>         an engine that is open: who publishes here dials it
 *     <prefix>.link.<id>         one end of a link
 *     <prefix>.discover          engines that look for others
 *     <prefix>.discover.<id>     what others reply to such an engine
 *
 * Ids are 122 random bits. An address is `nats:<prefix>/<id>`.
 */
import { describe } from "../base/describe.ts";

const ID = "[0-9a-f]{32}";
const PREFIX = /^[\w-]+(?:\.[\w-]+)*$/;
/** A control line of the protocol has at most 4096 bytes, and names two subjects. */
const LONGEST_PREFIX = 255;

/** See the head of this file. */
export class Subjects {
  /** What all subjects start with. */
  readonly prefix: string;
  /** Where engines announce themselves. */
  readonly discover: string;
  readonly #link: RegExp;
  readonly #address: RegExp;

  /** @throws {TypeError} If the prefix cannot be one. */
  constructor(prefix: unknown) {
    this.prefix = checkPrefix(prefix, "make a NATS engine");
    this.discover = `${prefix}.discover`;
    const escaped = this.prefix.replaceAll(".", "\\.");
    this.#link = new RegExp(`^${escaped}\\.link\\.${ID}$`);
    this.#address = new RegExp(`^nats:${escaped}/(${ID})$`);
  }

  /** A new subject for one end of a link. */
  newLink(): string {
    return `${this.prefix}.link.${newId()}`;
  }

  /**
   * Whether a text is the subject of an end of a link. What others ask to publish to must be checked: they could name any
   * subject that this peer, and not they, may publish to.
   */
  isLink(subject: string): boolean {
    return this.#link.test(subject);
  }

  /** Where the engine with this id is dialed. */
  peer(id: string): string {
    return `${this.prefix}.peer.${id}`;
  }

  /** Where the engine with this id gets replies when it discovers. */
  replies(id: string): string {
    return `${this.discover}.${id}`;
  }

  /** The address of the engine with this id. */
  address(id: string): string {
    return `nats:${this.prefix}/${id}`;
  }

  /**
   * The id in an address.
   *
   * @throws {TypeError} If it is not the address of an engine with this prefix.
   */
  parse(address: string): string {
    const id = typeof address === "string" ? this.#address.exec(address)?.[1] : undefined;
    if (id !== undefined) return id;
    throw new TypeError(
      `Cannot dial as the address must be nats:${this.prefix}/ and the id of a peer: ` +
        `current value is ${describe(address)}`,
    );
  }
}

/** A new id. */
export function newId(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

/** Whether a text has the form of an id. */
export function isId(text: string): boolean {
  return text.length === 32 && /^[0-9a-f]*$/.test(text);
}

/**
 * Returns the prefix unchanged.
 *
 * @throws {TypeError} If subjects cannot start with it.
 */
export function checkPrefix(prefix: unknown, action: string): string {
  if (typeof prefix === "string" && prefix.length <= LONGEST_PREFIX && PREFIX.test(prefix)) return prefix;
  throw new TypeError(
    `Cannot ${action} as 'prefix' must be at most ${LONGEST_PREFIX} letters, digits, "_" and "-", in parts separated by ` +
      `".": current value is ${describe(prefix)}`,
  );
}
