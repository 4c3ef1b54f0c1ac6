/**
 * The program of a node: `deno run -A jsr:@asyncoro/asyncoro/cluster/node --peer client.example.com:9705`.
 *
 * It joins the network with the secret that is in the environment variable `ASYNCORO_SECRET` or in a file, runs servers for
 * the clients that find it there, and ends after a signal: the first one lets the computation end what it runs, the
 * second ends it. `--help` shows all flags.
 *
 * @module
 */
import { main } from "../coroutine/main.ts";
import { setExitCode } from "../host/process.ts";
import { describeFlags, FlagError, type FlagValues, parseConfig, parseFlags } from "./node/node_flags.ts";
import { runNode } from "./node/program.ts";

const SECRET = "ASYNCORO_SECRET";

const HELP = `Runs a node of a cluster: servers, which are processes, for the clients of a network.

Usage: deno run -A jsr:@asyncoro/asyncoro/cluster/node [FLAGS]

The secret of the network is read from the environment variable ${SECRET}, or from a file.
Give --peer, or --discover, or a --port to which clients connect.

${describeFlags()}

SIGINT or SIGTERM lets what runs end and then ends the node, with exit code 0; a second one ends it at once.
Exit code 1: it could not start or has failed. Exit code 2: a flag is wrong.`;

if (import.meta.main) start(Deno.args);

function start(args: readonly string[]): void {
  try {
    const flags = allFlags(args);
    if (flags.help === true) return console.log(HELP);
    const secret = takeSecret(flags);
    main(function* node() {
      try {
        setExitCode(yield* runNode(flags, secret));
      } catch (error) {
        fail(error);
      }
    });
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : error);
  setExitCode(error instanceof FlagError ? 2 : 1);
}

/** Those of the command line, and else those of the file that they name. */
function allFlags(args: readonly string[]): FlagValues {
  const flags = parseFlags(args);
  const { config } = flags;
  return config === undefined ? flags : { ...parseConfig(Deno.readTextFileSync(config), config), ...flags };
}

/** The secret is nowhere in the process's environment afterwards. */
function takeSecret({ "secret-file": path }: FlagValues): string {
  const value = Deno.env.get(SECRET);
  Deno.env.delete(SECRET);
  const secret = path === undefined ? value : Deno.readTextFileSync(path).trim();
  if (secret !== undefined && secret !== "") return secret;
  throw new FlagError(`There is no secret: set the environment variable ${SECRET}, or give --secret-file`);
}
