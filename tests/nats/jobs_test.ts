/** The store of jobs in JetStream: the suite of all stores. */
import { natsJobs } from "@asyncoro/asyncoro/nats";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { jobStoreSuite } from "../cluster/job_store_suite.ts";
import { drive } from "../io/helpers.ts";
import { HAS_SERVER, serverOfFile } from "./nats_server.ts";

const server = await serverOfFile();
let tests = 0;

jobStoreSuite({
  name: HAS_SERVER ? "nats" : "nats (skipped: no nats-server)",
  ignore: !HAS_SERVER,
  run: async (test) => {
    const connections = [await server!.connect(), await server!.connect()];
    const prefix = `test.${tests++}`;
    const [store, other] = connections.map((connection) =>
      natsJobs({ connection, jetstream, jetstreamManager, prefix, leaseSeconds: 0.9 })
    );
    try {
      await drive(function* () {
        yield* test(store, other);
      });
    } finally {
      for (const connection of connections) await connection.close();
    }
  },
});
