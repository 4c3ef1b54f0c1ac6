import { describe } from "../../base/describe.ts";
import { type Locate, Registry } from "../../coroutine/names.ts";
import { Location } from "../location.ts";
import type { NameKind } from "./name_kind.ts";
import { Search, type SearchHost } from "./search.ts";

/** The names of one kind of a scheduler that has joined a network: a `locate` looks among them, and asks peers. */
export class NetworkRegistry<T extends object> extends Registry<T> {
  private readonly host: SearchHost;
  private readonly includes: (value: unknown) => value is T;
  private readonly searches: Map<Locate<T>, Search<T>> = new Map();

  constructor({ shared, includes }: NameKind<T>, host: SearchHost) {
    super(shared.kind, shared.lives);
    this.host = host;
    this.includes = includes;
  }

  override begin(locate: Locate<T>): boolean {
    const { location } = locate;
    if (location !== null && !(location instanceof Location)) return locate.fail(notALocation(this.kind, location));
    const entry = this.looksHere(locate) ? this.find(locate.name) : null;
    if (entry !== null || locate.limit <= 0) return locate.give(entry);
    this.search(locate);
    return false;
  }

  override cancel(locate: Locate<T>): void {
    this.searches.get(locate)!.end();
  }

  /** Takes over a `locate` that has waited for a name elsewhere. */
  adopt(locate: Locate<T>): void {
    locate.registry = this;
    const entry = this.find(locate.name);
    if (entry === null) this.search(locate);
    else locate.resolve(entry);
  }

  /** Ends all searches. Returns what still waits, in the order in which it came. */
  release(): Locate<T>[] {
    const waiting = [...this.searches.keys()];
    for (const search of [...this.searches.values()]) search.end();
    return waiting;
  }

  private looksHere({ location }: Locate<T>): boolean {
    return location === null || this.host.peers.location.equals(location);
  }

  private search(locate: Locate<T>): void {
    const search = new Search(locate, this, this.host, this.includes, () => this.searches.delete(locate));
    this.searches.set(locate, search);
    search.begin();
  }
}

function notALocation(kind: string, value: unknown): TypeError {
  return new TypeError(
    `Cannot locate a ${kind} as 'location' must be a Location: current value is ${describe(value)}`,
  );
}
