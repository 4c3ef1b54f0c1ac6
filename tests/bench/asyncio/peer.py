"""The same works as in works.ts, on CPython's asyncio. Reads lines of a name and a count, answers nanoseconds each."""

import asyncio
import sys
import time


async def short():
    return 1


async def spawn_and_await(count):
    for _ in range(count):
        await asyncio.create_task(short())


async def spawn_hundreds(count):
    for _ in range(count // 100):
        tasks = [asyncio.create_task(short()) for _ in range(100)]
        for task in tasks:
            await task


async def call_soon(count):
    loop = asyncio.get_running_loop()
    called = 0

    def callback():
        nonlocal called
        called += 1

    for _ in range(count // 1000):
        for _ in range(1000):
            loop.call_soon(callback)
        await asyncio.sleep(0)
    assert called == count


async def call_soon_chain(count):
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    left = count

    def callback():
        nonlocal left
        left -= 1
        if left > 0:
            loop.call_soon(callback)
        else:
            done.set_result(None)

    loop.call_soon(callback)
    await done


async def future_hand_off(count):
    loop = asyncio.get_running_loop()
    futures = [loop.create_future(), loop.create_future()]

    async def player(me):
        for i in range(count // 2):
            await futures[me]
            futures[me] = loop.create_future()
            futures[1 - me].set_result(i)

    players = [asyncio.create_task(player(0)), asyncio.create_task(player(1))]
    await asyncio.sleep(0)
    futures[0].set_result(0)
    for each in players:
        await each


async def queue(count):
    items = asyncio.Queue()
    for _ in range(count // 1000):
        for i in range(1000):
            await items.put(i)
        for _ in range(1000):
            await items.get()


async def queue_of_one(count):
    items = asyncio.Queue(1)
    total = 0

    async def producer():
        for i in range(count):
            await items.put(i)

    async def consumer():
        nonlocal total
        for _ in range(count):
            total += await items.get()

    await asyncio.gather(producer(), consumer())
    assert total == count * (count - 1) // 2


async def gather(count):
    for _ in range(count // 10_000):
        results = await asyncio.gather(*[short() for _ in range(10_000)])
        assert len(results) == 10_000


async def timed(work, count):
    start = time.perf_counter()
    await work(count)
    return (time.perf_counter() - start) * 1e9 / count


for line in sys.stdin:
    name, count = line.split()
    print(asyncio.run(timed(globals()[name], int(count))), flush=True)
