/** The module of a thread that sends and receives messages of all sizes. */
import { chatter } from "./chat.ts";

chatter();
