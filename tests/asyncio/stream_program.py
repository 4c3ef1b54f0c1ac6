"""The programs of stream_program.ts on CPython's StreamReader: one as JSON a line, and its log as JSON a line."""

import asyncio
import json
import sys


class Transport:
    """What a reader tells to pause and to resume."""

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


class Lost(Exception):
    pass


def separators(texts):
    each = tuple(text.encode() for text in texts)
    return each[0] if len(each) == 1 else each


def start(reader, name, argument):
    if name == "readuntil":
        return reader.readuntil(separators(argument))
    if name == "readline":
        return reader.readline()
    return getattr(reader, name)(argument)


def outcome(task):
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    if error is None:
        return "got %s" % json.dumps(task.result().decode())
    if isinstance(error, asyncio.IncompleteReadError):
        return "incomplete %s of %s" % (json.dumps(error.partial.decode()), json.dumps(error.expected))
    if isinstance(error, asyncio.LimitOverrunError):
        return "overrun %d" % error.consumed
    if isinstance(error, ValueError):
        return "too long"
    if isinstance(error, Lost):
        return "lost"
    raise error


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def play(program):
    reader = asyncio.StreamReader(limit=program["limit"])
    reader.set_transport(Transport())
    log = []
    pending = None
    name = None
    ended = lost = False
    for step, *arguments in program["steps"]:
        if step == "feed":
            if not ended:
                reader.feed_data(arguments[0].encode())
        elif step == "eof":
            ended = True
            reader.feed_eof()
        elif step == "lose":
            lost = True
            reader.set_exception(Lost())
        elif step == "cancel":
            # One that reads all loses what it has read; ours does not.
            if pending is not None and name != "readAll":
                pending.cancel()
        elif pending is None:
            name = step
            method, argument = ("read", -1) if step == "readAll" else (step, arguments[0] if arguments else None)
            pending = asyncio.ensure_future(start(reader, method, argument))
        await settle()
        if pending is not None and pending.done():
            log.append("%s %s" % (name, outcome(pending)))
            pending = None
        # A read of all that fails has taken what came; ours has not, but nobody can read it any more.
        state = "" if lost else " end" if reader.at_eof() else " paused" if reader._paused and not ended else ""
        log.append(step + state)
    if pending is not None:
        pending.cancel()
        await settle()
        log.append("%s waits" % name)
    return log


for line in sys.stdin:
    print(json.dumps(asyncio.run(play(json.loads(line)))))
