/** A nats-server of a test's own, with JetStream in a temporary folder. */
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { has } from "../io/helpers.ts";

/** The program that tests need. */
export const SERVER = "nats-server";

/** Whether it is installed. */
export const HAS_SERVER = has(SERVER);

/** See the head of this file. */
export class NatsServer {
  readonly port: number;
  readonly #folder: string;
  readonly #options: readonly string[];
  #child: Deno.ChildProcess;

  private constructor(port: number, folder: string, options: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#options = options;
    this.#child = this.#spawn();
  }

  /** Starts a server, on a port that is free. */
  static async start(kind: "JetStream" | "no JetStream" = "JetStream"): Promise<NatsServer> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    const folder = await Deno.makeTempDir();
    const server = new NatsServer(port, folder, kind === "JetStream" ? ["-js", "-sd", folder] : []);
    await server.#ready();
    return server;
  }

  /** Ends the server as a power failure of the process would. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  /** Starts it again, with the same port and the same store. */
  async restart(): Promise<void> {
    this.#child = this.#spawn();
    await this.#ready();
  }

  /** Ends the server, and deletes its store. */
  async stop(): Promise<void> {
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** The same, when the process is about to end. */
  stopNow(): void {
    this.#child.kill("SIGKILL");
    Deno.removeSync(this.#folder, { recursive: true });
  }

  /** Connects a client, as users are told to. */
  connect(): Promise<NatsConnection> {
    return connect({
      servers: `127.0.0.1:${this.port}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      noAsyncTraces: true,
    });
  }

  #spawn(): Deno.ChildProcess {
    const args = ["-a", "127.0.0.1", "-p", `${this.port}`, ...this.#options];
    return new Deno.Command(SERVER, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  }

  async #ready(): Promise<void> {
    for (let i = 0; i < 500; i++) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: this.port })).close();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    throw new Error(`nats-server does not listen at port ${this.port}`);
  }
}

/** A server for all tests of a file, or `null` where the program is missing. Tests end with the process. */
export async function serverOfFile(): Promise<NatsServer | null> {
  if (!HAS_SERVER) return null;
  const server = await NatsServer.start();
  addEventListener("unload", () => server.stopNow());
  return server;
}
