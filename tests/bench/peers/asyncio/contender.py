"""What CPython's asyncio takes for the works of ../works.ts: contender.ts beside it says what is read and printed."""

import asyncio
import json
import sys
import time

COROUTINES = 1_000
RING = 503
SENDERS = 1_000
SUBSCRIBERS = 100
CHILDREN = 100
SOURCES = 4
RATE = 100_000
BURST = 1_000
TAKERS = 100


def delay_of(index):
    return index * 514_229 % 1_000_000 / 1_000_000


async def switch(amount):
    steps = amount // COROUTINES
    begun = 0

    async def yielder():
        nonlocal begun
        begun += 1
        for _ in range(steps):
            await asyncio.sleep(0)
        return steps if begun == COROUTINES else 0

    return sum(await asyncio.gather(*[yielder() for _ in range(COROUTINES)]))


async def short(index):
    return index


async def spawn(amount):
    total = 0
    for index in range(amount):
        total += await asyncio.create_task(short(index))
    return total


async def hundreds(amount):
    total = 0
    for start in range(0, amount, 100):
        tasks = [asyncio.create_task(short(index)) for index in range(start, start + 100)]
        for task in tasks:
            total += await task
    return total


async def ping_pong(amount):
    there, back = asyncio.Queue(), asyncio.Queue()

    async def pong():
        for _ in range(amount // 2):
            back.put_nowait(await there.get() + 1)

    partner = asyncio.create_task(pong())
    last = 0
    for _ in range(amount // 2):
        there.put_nowait(last + 1)
        last = await back.get()
    await partner
    return last


async def ring(amount):
    queues = [asyncio.Queue() for _ in range(RING)]
    end = asyncio.Queue()

    async def node(number):
        own, following = queues[number - 1], queues[number % RING]
        while True:
            token = await own.get()
            if token > 0:
                following.put_nowait(token - 1)
            else:
                end.put_nowait(number)

    nodes = [asyncio.create_task(node(number)) for number in range(1, RING + 1)]
    queues[0].put_nowait(amount)
    last = await end.get()
    for each in nodes:
        each.cancel()
    await asyncio.gather(*nodes, return_exceptions=True)
    return last


async def fan_in(amount):
    queue = asyncio.Queue()
    each = amount // SENDERS

    async def sender(first):
        for message in range(first, first + each):
            queue.put_nowait(message)
            await asyncio.sleep(0)

    senders = [asyncio.create_task(sender(index * each)) for index in range(SENDERS)]
    total = 0
    for _ in range(amount):
        total += await queue.get()
    await asyncio.gather(*senders)
    return total


async def lock(amount):
    mutex = asyncio.Lock()
    counter = 0

    async def holder():
        nonlocal counter
        for _ in range(amount // 2):
            async with mutex:
                seen = counter
                await asyncio.sleep(0)
                counter = seen + 1

    await asyncio.gather(holder(), holder())
    return counter


async def queue(amount):
    items = asyncio.Queue(1)

    async def producer():
        for item in range(amount):
            await items.put(item)

    produced = asyncio.create_task(producer())
    total = 0
    for _ in range(amount):
        total += await items.get()
    await produced
    return total


async def broadcast(amount):
    messages = amount // SUBSCRIBERS
    queues = [asyncio.Queue() for _ in range(SUBSCRIBERS)]

    async def listener(queue):
        in_order = 0
        for _ in range(messages):
            if await queue.get() == in_order:
                in_order += 1
        return in_order

    listeners = [asyncio.create_task(listener(queue)) for queue in queues]
    for message in range(messages):
        for queue in queues:
            queue.put_nowait(message)
        await asyncio.sleep(0)
    return sum(await asyncio.gather(*listeners))


async def scope(amount):
    total = 0

    async def child(index):
        nonlocal total
        total += index

    for start in range(0, amount, CHILDREN):
        async with asyncio.TaskGroup() as group:
            for index in range(start, start + CHILDREN):
                group.create_task(child(index))
    return total


async def select(amount):
    queues = [asyncio.Queue(1) for _ in range(SOURCES)]
    each = amount // SOURCES

    async def producer(queue, first):
        for item in range(first, first + each):
            await queue.put(item)

    producers = [asyncio.create_task(producer(queue, each * index)) for index, queue in enumerate(queues)]
    takes = {asyncio.create_task(queue.get()): queue for queue in queues}
    total = 0
    taken = 0
    while taken < amount:
        done, _ = await asyncio.wait(takes, return_when=asyncio.FIRST_COMPLETED)
        for take in done:
            total += take.result()
            taken += 1
            queue = takes.pop(take)
            takes[asyncio.create_task(queue.get())] = queue
    for take in takes:
        take.cancel()
    await asyncio.gather(*producers, *takes, return_exceptions=True)
    return total


class RateLimiter:
    """A bucket of tokens: who takes one that is not there yet sleeps until it is."""

    def __init__(self):
        self.tokens = BURST
        self.filled = time.monotonic()

    async def take(self):
        now = time.monotonic()
        self.tokens = min(BURST, self.tokens + (now - self.filled) * RATE)
        self.filled = now
        self.tokens -= 1
        if self.tokens < 0:
            await asyncio.sleep(-self.tokens / RATE)


async def limiter(amount):
    tokens = RateLimiter()
    taken = 0

    async def taker():
        nonlocal taken
        for _ in range(amount // TAKERS):
            await tokens.take()
            taken += 1

    await asyncio.gather(*[taker() for _ in range(TAKERS)])
    return taken


async def sleepers(amount):
    woken = 0

    async def sleeper(delay):
        nonlocal woken
        await asyncio.sleep(delay)
        woken += 1

    tasks = [asyncio.create_task(sleeper(delay_of(index))) for index in range(amount)]
    for task in tasks:
        await task
    return woken


async def serve(reader, writer):
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # the client has gone
    finally:
        writer.close()


async def echo():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)  # asyncio sets TCP_NODELAY by itself
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def timed(work, amount):
    start = time.perf_counter_ns()
    answer = await work(amount)
    return {"ns": time.perf_counter_ns() - start, "answer": answer}


WORKS = {
    "switch": switch,
    "spawn": spawn,
    "hundreds": hundreds,
    "ping-pong": ping_pong,
    "ring": ring,
    "fan-in": fan_in,
    "lock": lock,
    "queue": queue,
    "broadcast": broadcast,
    "scope": scope,
    "select": select,
    "limiter": limiter,
    "sleepers": sleepers,
}

name = sys.argv[1]
if name == "echo":
    asyncio.run(echo())
else:
    for line in sys.stdin:
        print(json.dumps(asyncio.run(timed(WORKS[name], int(line)))), flush=True)
