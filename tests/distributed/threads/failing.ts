/** The module of threads of which the second fails. */
import { Network } from "@asyncoro/asyncoro/distributed";

await Promise.resolve();
if (Network.of()!.location.name === "thread-2") throw new RangeError("not here", { cause: { here: 2 } });
