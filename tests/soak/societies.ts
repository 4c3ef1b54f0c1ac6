import { categories } from "./societies/categories.ts";
import { channels } from "./societies/channels.ts";
import { combinations } from "./societies/combinations.ts";
import { conditions } from "./societies/conditions.ts";
import { contexts } from "./societies/contexts.ts";
import { databases } from "./societies/databases.ts";
import { datagrams } from "./societies/datagrams.ts";
import { flows } from "./societies/flows.ts";
import { listeners } from "./societies/listeners.ts";
import { lives } from "./societies/lives.ts";
import { locks } from "./societies/locks.ts";
import { messages } from "./societies/messages.ts";
import { networks } from "./societies/networks.ts";
import { offices } from "./societies/offices.ts";
import { pipes } from "./societies/pipes.ts";
import { priorities } from "./societies/priorities.ts";
import { scopes } from "./societies/scopes.ts";
import { signals } from "./societies/signals.ts";
import { queues } from "./societies/queues.ts";
import { sockets } from "./societies/sockets.ts";
import { supervision, swaps } from "./societies/swaps.ts";
import { tasks } from "./societies/tasks.ts";
import { time } from "./societies/time.ts";
import { workers } from "./societies/workers.ts";
import type { Society } from "./society.ts";

/** All societies. Add new ones at the end: what a seed chooses depends on their order. */
export const SOCIETIES: readonly Society[] = [
  messages,
  locks,
  time,
  channels,
  conditions,
  lives,
  swaps,
  supervision,
  combinations,
  categories,
  tasks,
  sockets,
  datagrams,
  pipes,
  workers,
  priorities,
  contexts,
  databases,
  listeners,
  signals,
  scopes,
  flows,
  offices,
  queues,
  networks,
];
