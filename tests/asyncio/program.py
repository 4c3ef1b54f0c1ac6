"""The programs of program.ts on CPython's asyncio, in virtual time: one as JSON a line, and its log as JSON a line."""

import asyncio
import itertools
import json
import sys
from asyncio import events

arrivals = itertools.count()


class FairTimerHandle(events.TimerHandle):
    """Of timers for one time the first comes first, which a heap alone does not promise."""

    __slots__ = ["_arrival"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._arrival = next(arrivals)

    def __lt__(self, other):
        return (self._when, self._arrival) < (other._when, other._arrival)


class OrderedSet(dict):
    """What a group keeps its tasks in: the order of a set would depend on addresses."""

    def add(self, item):
        self[item] = True

    def discard(self, item):
        self.pop(item, None)


class TaskGroup(asyncio.TaskGroup):
    def __init__(self):
        super().__init__()
        self._tasks = OrderedSet()


class VirtualLoop(asyncio.SelectorEventLoop):
    """Where waiting takes no time."""

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self._clock_resolution = 1e-9
        self._selector.select = self.select

    def select(self, timeout):
        self.now += timeout
        return []

    def time(self):
        return self.now


class Failure(Exception):
    pass


def show(value):
    if isinstance(value, list):
        return "[%s]" % ",".join(map(show, value))
    if isinstance(value, asyncio.CancelledError):
        return "cancelled"
    if isinstance(value, BaseExceptionGroup):
        return "group[%s]" % ",".join(map(show, value.exceptions))
    if isinstance(value, TimeoutError):
        return "timeout"
    if isinstance(value, Failure):
        return "failure(%s)" % value
    if isinstance(value, BaseException):
        raise value
    return str(value)


def yes(value):
    return str(value).lower()


class Place:
    def __init__(self, task, at, limit):
        self.task, self.at, self.limit = task, at, limit

    def inside(self, suffix, limit):
        return Place(self.task, self.at + suffix, limit)


class ProgramRun:
    def __init__(self, program, loop):
        self.program, self.loop = program, loop
        self.log = []
        self.tasks = {}
        self.futures = [loop.create_future() for _ in range(3)]
        self.locks = [asyncio.Lock(), asyncio.Lock()]
        self.queue = asyncio.Queue()
        self.event = asyncio.Event()

    async def main(self):
        for key in self.program["start"]:
            self.start(key, asyncio.create_task)
        await asyncio.sleep(40)
        for _ in range(60):
            left = [task for task in self.tasks.values() if not task.done()]
            if not left:
                break
            self.at("main cancels %d" % len(left))
            for task in left:
                task.cancel()
            await asyncio.sleep(20)

    def at(self, event):
        self.log.append("%g %s" % (self.loop.time(), event))

    def note(self, place, event):
        self.at("t%d %s%s" % (place.task, place.at, event))

    def start(self, key, create):
        if key in self.tasks:
            return
        task = self.tasks[key] = create(self.task(key))
        task.add_done_callback(
            lambda task: self.at("task%d ended %s cancelling %d" % (key, self.outcome(task), task.cancelling()))
        )

    def outcome(self, task):
        try:
            return "returned %s" % task.result()
        except BaseException as error:
            return show(error)

    def later(self, place, keys):
        return [self.tasks[key] for key in keys if key > place.task and key in self.tasks]

    async def task(self, key):
        place = Place(key, "", None)
        self.note(place, "begins")
        returned = await self.body(place, self.program["tasks"][key])
        return "early%d" % key if returned == "return" else "value%d" % key

    async def body(self, place, body):
        for index, (what, *args) in enumerate(body):
            if await self.step(place.inside(str(index), place.limit), what, *args) == "return":
                return "return"

    async def step(self, place, what, *args):
        news = await getattr(self, "do_" + what)(place, *args)
        if news != "return":
            self.note(place, " %s%s" % (what, "" if news is None else " " + news))
        return news

    def callback(self, place, done):
        def call(*_args):
            for statement in done:
                try:
                    self.step(place, *statement).send(None)
                except StopIteration:
                    pass

        return call

    def block(self, place, body):
        return self.body(place.inside(".", place.limit), body)

    async def do_sleep(self, _place, seconds):
        await asyncio.sleep(seconds)

    async def do_future(self, _place, future):
        return await self.futures[future]

    async def do_set(self, _place, future):
        if not self.futures[future].done():
            self.futures[future].set_result("f%d" % future)

    async def do_fail(self, _place, key):
        future = self.futures[key]
        if not future.done():
            future.set_exception(Failure("f%d" % key))
            future.exception()

    async def do_cancelFuture(self, _place, future):
        return yes(self.futures[future].cancel())

    async def do_spawn(self, _place, key):
        self.start(key, asyncio.create_task)

    async def do_task(self, place, key):
        for task in self.later(place, [key]):
            return await task

    async def do_shield(self, place, key):
        for task in self.later(place, [key]):
            return await asyncio.shield(task)

    async def do_waitForTask(self, place, key, seconds):
        for task in self.later(place, [key]):
            return await asyncio.wait_for(task, seconds)

    async def do_waitForFuture(self, _place, future, seconds):
        return await asyncio.wait_for(self.futures[future], seconds)

    async def do_waitForBody(self, place, seconds, body):
        return await asyncio.wait_for(self.block(place.inside("", None), body), seconds)

    async def do_cancel(self, _place, key):
        if key in self.tasks:
            return yes(self.tasks[key].cancel())

    async def do_uncancel(self, _place):
        return str(asyncio.current_task().uncancel())

    async def do_raise(self, place):
        raise Failure("t%d%s" % (place.task, place.at))

    async def do_return(self, _place):
        return "return"

    async def do_put(self, _place):
        self.queue.put_nowait("item")

    async def do_get(self, _place):
        return await self.queue.get()

    async def do_event(self, _place):
        self.event.set()

    async def do_waitEvent(self, _place):
        await self.event.wait()

    async def do_catch(self, place, body, rethrow):
        try:
            return await self.block(place, body)
        except (Exception, asyncio.CancelledError) as error:
            self.note(place, " caught %s cancelling %d" % (show(error), asyncio.current_task().cancelling()))
            if rethrow:
                raise

    async def do_finally(self, place, body, cleanup):
        try:
            return await self.block(place, body)
        finally:
            self.note(place, " finally")
            await self.block(place.inside("f", place.limit), cleanup)

    async def do_timeout(self, place, seconds, body):
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await self.block(place.inside("", limit), body)
        finally:
            self.note(place, " expired %s" % yes(limit.expired()))

    async def do_reschedule(self, place, seconds):
        if place.limit is None:
            return
        try:
            place.limit.reschedule(None if seconds is None else self.loop.time() + seconds)
        except RuntimeError:
            return "misuse"

    async def do_group(self, place, children, body):
        async with TaskGroup() as group:
            for key in children:
                if key > place.task:
                    self.start(key, group.create_task)
            return await self.block(place, body)

    async def do_gather(self, place, keys, return_exceptions):
        return show(await asyncio.gather(*self.later(place, keys), return_exceptions=return_exceptions))

    async def do_wait(self, place, keys, seconds, until):
        tasks = self.later(place, keys)
        if tasks:
            done, pending = await asyncio.wait(tasks, timeout=seconds, return_when=until)
            return "%d %d" % (len(done), len(pending))

    async def do_lock(self, place, lock, body):
        async with self.locks[lock]:
            return await self.block(place, body)

    async def do_soon(self, place, done):
        self.loop.call_soon(self.callback(place, done))

    async def do_later(self, place, seconds, done):
        self.loop.call_later(seconds, self.callback(place, done))

    async def do_whenDone(self, place, key, done):
        if key in self.tasks:
            self.tasks[key].add_done_callback(self.callback(place, done))


def run(program):
    loop = VirtualLoop()
    loop.set_exception_handler(lambda _loop, _context: None)
    asyncio.set_event_loop(loop)
    run = ProgramRun(program, loop)
    loop.run_until_complete(run.main())
    loop.close()
    return run.log


events.TimerHandle = FairTimerHandle
for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
