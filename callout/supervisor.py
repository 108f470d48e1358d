"""What keeps several child processes running, and stops them all in the right order?

Every child's output is passed on line by line under its name. A child that ends by itself is
named, with how it ended, and started again, later and later while it keeps ending. (Ending
without an error counts too: an arq worker leaves when it loses Redis.)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from enum import IntEnum
from signal import SIGKILL, Signals
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from callout.programs import Program

#: Seconds between a child's end and its next start: doubled each time, forgotten after a while.
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
_LONG_ENOUGH: Final = 20.0

_LONGEST_LINE: Final = 64 * 1024


class Stage(IntEnum):
    """Who needs whom: a stage stops only when every later one has."""

    SERVERS = 0
    APPLICATION = 1


#: How long a child of each stage may take to stop before it is killed; 10 s in all, with room.
_PATIENCE: Final = {Stage.APPLICATION: 6.0, Stage.SERVERS: 3.0}


class Console(Protocol):
    """Where what the children say, and what happens to them, is shown."""

    def line(self, name: str, text: str) -> None:
        """Show a line that the child `name` printed."""

    def notice(self, text: str) -> None:
        """Show a sentence of the supervisor's own."""


class StartFailed(Exception):
    """A child ended, or stayed silent, before it was ready for the first time."""


class Child:
    """One program, kept running."""

    def __init__(self, program: Program, stage: Stage, console: Console) -> None:
        """Nothing runs before `keep_running`."""
        self.program = program
        self.stage = stage
        self.ended = asyncio.Event()
        self._console = console
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._last_lines: deque[str] = deque(maxlen=20)

    async def keep_running(self) -> None:
        """Run the program, again and again, until told to stop."""
        pause = _FIRST_PAUSE
        clock = asyncio.get_running_loop().time
        while not self._stopping:
            began = clock()
            how = await self._run()
            self.ended.set()
            if self._stopping:
                return
            if clock() - began > _LONG_ENOUGH:
                pause = _FIRST_PAUSE
            self._console.notice(f"{self.program.name} {how}; starting it again in {pause:g} s.")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _run(self) -> str:
        """Run the program once; how it ended, in words."""
        process = await asyncio.create_subprocess_exec(
            *self.program.command(),
            env=self.program.surroundings(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            # Ctrl-C in a terminal goes to a whole group; ours alone decides who stops when.
            start_new_session=True,
        )
        self._process = process
        if self._stopping:
            # Told to stop while the process was being made.
            self._signal(self.program.stop)
        if process.stdout is not None:
            async for text in _lines(process.stdout):
                self._last_lines.append(text)
                self._console.line(self.program.name, text)
        return _ending(await process.wait())

    async def wait_until(self, is_ready: Callable[[], Awaitable[bool]], patience: float) -> None:
        """Wait for the child to be ready for the first time; raise when it will not be."""
        try:
            async with asyncio.timeout(patience):
                while not await is_ready():
                    if self.ended.is_set():
                        raise StartFailed(self._explain("ended before it was ready"))
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise StartFailed(self._explain(f"was not ready after {patience:g} s")) from None

    def _explain(self, what: str) -> str:
        lines = list(self._last_lines)
        if self.program.log is not None and self.program.log.exists():
            lines += self.program.log.read_text(errors="replace").splitlines()[-20:]
        said = "\n".join(f"  {line}" for line in lines)
        return f"{self.program.name} {what}." + (f" It said:\n{said}" if said else "")

    async def stop(self, running: asyncio.Task[None]) -> None:
        """Ask it to stop, wait, and in the end make it."""
        self._stopping = True
        if self._process is None or self._process.returncode is not None:
            # Between two runs: there is nothing to ask, only the next start to prevent.
            running.cancel()
        self._signal(self.program.stop)
        done, _ = await asyncio.wait([running], timeout=_PATIENCE[self.stage])
        if not done:
            self._console.notice(f"{self.program.name} does not stop; killing it.")
            self.kill()
            await asyncio.wait([running])

    def kill(self) -> None:
        """End it now, for good, and every process it has started."""
        self._stopping = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, SIGKILL)

    def _signal(self, signal: Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal)


class Supervisor:
    """Several children, started one by one, stopped stage by stage."""

    def __init__(self, console: Console) -> None:
        """`console` shows what the children print and what becomes of them."""
        self._console = console
        self._children: dict[Child, asyncio.Task[None]] = {}

    def start(self, program: Program, stage: Stage) -> Child:
        """Start a program and keep it running from now on."""
        child = Child(program, stage, self._console)
        self._children[child] = asyncio.create_task(child.keep_running(), name=program.name)
        return child

    async def stop(self) -> None:
        """Stop every child, the latest stage first; when this returns no child is left."""
        for stage in reversed(Stage):
            await asyncio.gather(
                *(
                    child.stop(running)
                    for child, running in self._children.items()
                    if child.stage is stage
                )
            )

    def kill(self) -> None:
        """End every child at once, whatever it is doing."""
        for child in self._children:
            child.kill()


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """The lines of a stream; one that never ends is cut rather than kept in memory."""
    rest = b""
    while chunk := await stream.read(_LONGEST_LINE):
        *complete, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            complete, rest = [*complete, rest], b""
        for line in complete:
            yield line.decode(errors="replace").rstrip()
    if rest:
        yield rest.decode(errors="replace").rstrip()


def _ending(status: int) -> str:
    if status < 0:
        return f"was ended by {Signals(-status).name}"
    return "ended" if status == 0 else f"ended with status {status}"
