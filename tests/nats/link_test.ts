/** The engine for NATS: the suite of all engines, between two clients of one server. */
import { nats } from "@asyncoro/asyncoro/nats";
import { type LinkSubject, linkSuite } from "../distributed/engines/link_suite.ts";
import { drive } from "../io/helpers.ts";
import { HAS_SERVER, serverOfFile } from "./nats_server.ts";

const server = await serverOfFile();
const NOBODY = "0".repeat(32);
const SILENT = "1".repeat(32);

const SUBJECT: LinkSubject = {
  name: HAS_SERVER ? "nats" : "nats (skipped: no nats-server)",
  ignore: !HAS_SERVER,
  run: async (test) => {
    const connections = [await server!.connect(), await server!.connect()];
    // Subscribed, and does not reply.
    connections[1].subscribe(`test.peer.${SILENT}`, { callback: () => {} });
    await connections[1].flush();
    const [near, far] = connections.map((connection) => nats({ connection, prefix: "test" }));
    try {
      await drive(function* () {
        yield* test(near, far);
      });
    } finally {
      for (const connection of connections) await connection.close();
    }
  },
  nowhere: `nats:test/${NOBODY}`,
  silence: (_far, _address, test) => test(`nats:test/${SILENT}`),
};

linkSuite(SUBJECT);
