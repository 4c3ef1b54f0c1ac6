/** Runs all works on all peers that are installed, and collects the figures. */
import { machine } from "../results.ts";
import { type Effort, effortOf } from "./effort.ts";
import { enter } from "./entrants.ts";
import { type Cells, cellsOf, type Dropout, type Findings } from "./findings.ts";
import type { Options } from "./options.ts";
import { shown } from "./page.ts";
import { type PeerHere, PEERS } from "./peers.ts";
import { type Acquisition, type Found, numbers, split, takeTurns } from "./turns.ts";
import { type ContendedWork, WORKS } from "./works.ts";

/** The peers that can take part, and those that are not installed. */
export interface Prepared {
  readonly here: readonly PeerHere[];
  readonly missing: readonly string[];
}

/** Prepares all peers that are installed. */
export async function prepare(names: readonly string[], folder: string): Promise<Prepared> {
  const here: PeerHere[] = [];
  const missing: string[] = [];
  for (const { name, prepare } of PEERS.filter(({ name }) => names.includes(name))) {
    const ready = await prepare(folder);
    if (ready === null) missing.push(name);
    else here.push({ name, ready });
  }
  return { here, missing };
}

function lacks(peer: string, work: string): boolean {
  return PEERS.find(({ name }) => name === peer)!.lacks.includes(work);
}

/** One work, on all peers that are installed and have what it needs: cells by the names of figures. */
export async function contend(
  work: ContendedWork,
  here: readonly PeerHere[],
  effort: Effort,
  seed: number,
  drop: (dropout: Dropout) => void,
): Promise<Readonly<Record<string, Cells>>> {
  const peers = here.filter(({ name }) => !lacks(name, work.name));
  const found: Found = new Map(peers.map(({ name }) => [name, []]));
  const dropped = (peer: string, error: unknown) => {
    found.delete(peer);
    drop({ peer, work: work.name, why: error instanceof Error ? error.message : String(error) });
  };
  const random = numbers(seed);
  for (const rounds of setsOf(work, effort)) {
    const entrants: Acquisition[] = [];
    try {
      for (const peer of peers.filter(({ name }) => found.has(name))) {
        await enter(work, peer, effort).then(
          (entrant) => entrants.push(entrant),
          (error) => dropped(peer.name, error),
        );
      }
      await takeTurns(entrants, rounds, random, found, dropped);
    } finally {
      for (const entrant of entrants) await entrant.stop();
    }
  }
  return Object.fromEntries(work.rows.map((row) => [row.figure, cellsOf(row, found)]));
}

/** The rounds of each set of processes. Where every repetition has processes of its own, one set is enough. */
function setsOf({ kind }: ContendedWork, { rounds, freshRounds, programRounds, sets }: Effort): number[] {
  if (kind === "fresh") return [freshRounds];
  return kind === "program" ? [programRounds] : split(rounds, sets);
}

/** Everything that the options ask for, with a folder for what peers build. Prints results on the way. */
export async function measure({ quick, only, peers, rounds, seed }: Options, folder: string): Promise<Findings> {
  const effort = effortOf({ quick, rounds });
  const { here, missing } = await prepare(peers, folder);
  for (const { name, ready } of here) console.log(`${name}: ${ready.version}`);
  for (const name of missing) console.log(`${name}: missing here`);
  const dropouts: Dropout[] = [];
  const drop = (dropout: Dropout) => {
    dropouts.push(dropout);
    console.log(`${dropout.work}: no time for ${dropout.peer}: ${dropout.why}`);
  };
  const cells: Record<string, Readonly<Record<string, Cells>>> = {};
  for (const work of WORKS.filter(({ name }) => only.includes(name))) {
    cells[work.name] = await contend(work, here, effort, seed, drop);
    tell(work, cells[work.name]);
  }
  const versions = Object.fromEntries(here.map(({ name, ready }) => [name, ready.version]));
  return { machine: machine(), quick, rounds, seed, crowd: effort.crowd, versions, missing, cells, dropouts };
}

/** Prints one line for each figure, before the rest is measured. */
function tell({ name, rows }: ContendedWork, cells: Readonly<Record<string, Cells>>): void {
  for (const { figure, unit } of rows) {
    const all = Object.entries(cells[figure]).map(([peer, { median }]) => `${peer} ${shown(median)}`);
    console.log(`${name}, ${unit}: ${all.join(", ")}`);
  }
}
