/** Messages by category: each is received once, in the order of its category, and never as one of another. */
import { CategorizeMessages, type Coro } from "@asyncoro/asyncoro";
import type { Society } from "../society.ts";
import { ALARM, type Body, type World } from "../world.ts";

const CATEGORIES = ["urgent", "normal", "idle"] as const;

type Category = typeof CATEGORIES[number];

/** A message, with its place in its category. */
interface Item {
  readonly category: Category;
  readonly number: number;
}

/** The messages sent and received of each category. */
type Counts = ReadonlyMap<Category, { sent: number; got: number }>;
function* sorter(coro: Coro, world: World, counts: Counts): Body {
  const sorted = new CategorizeMessages(coro);
  sorted.add((item) => (item as Item).category === "urgent" ? "urgent" : null);
  sorted.add((item) => (item as Item).category === "normal" ? "normal" : null);
  const outstanding = () => [...counts.values()].some(({ sent, got }) => got < sent);
  while (!world.over || outstanding()) {
    const category = world.random.pick(CATEGORIES);
    const item = yield* sorted.receive<Item | typeof ALARM>(
      category === "idle" ? null : category,
      world.seconds(1),
      ALARM,
    );
    if (item !== ALARM) take(world, counts, category, item);
    else world.done("category: timed out");
  }
}

function take(world: World, counts: Counts, category: Category, item: Item): void {
  world.check(item.category === category, "A category has its own", () => `${item.category} came as ${category}`);
  const expected = counts.get(category)!.got++;
  const { number } = item;
  world.check(number === expected, "A category keeps its order", () => `${number} of ${category}, not ${expected}`);
  world.done("category: received", number);
}

function* sender(coro: Coro, world: World, to: Coro, counts: Counts): Body {
  while (!world.over) {
    yield* coro.sleep(world.seconds(1));
    if (world.over) return;
    const category = world.random.pick(CATEGORIES);
    to.send({ category, number: counts.get(category)!.sent++ });
  }
}

/** See the head of this file. */
export const categories: Society = {
  name: "categories",
  *conduct(_coro: Coro, world: World): Body {
    const counts: Counts = new Map(CATEGORIES.map((category) => [
      category,
      {
        sent: 0,
        got: 0,
      },
    ]));
    const to = world.spawn("sorter", (coro) => sorter(coro, world, counts));
    const senders = [1, 2].map(() => world.spawn("sender", (coro) => sender(coro, world, to, counts)));
    for (const end of [...senders, to]) yield* end.finish();
  },
};
