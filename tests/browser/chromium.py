"""How does a test look through a real browser? Headless Chromium, driven by the DevTools protocol.

No name resolves in it except the loopback address, so a page that needs the internet fails.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_FLAGS: Final = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--no-default-browser-check",
    "--no-first-run",
)
_PATIENCE: Final = 30.0

_WAIT: Final = """
new Promise((resolve) => {
  const end = Date.now() + %(patience)s * 900;
  const look = () => {
    const value = (%(expression)s);
    if (value || Date.now() > end) resolve(value);
    else setTimeout(look, 30);
  };
  look();
})
"""


def program() -> str | None:
    """The browser on this machine, if there is one."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Devtools:
    """One socket to the browser: commands and their answers, events to whoever listens."""

    def __init__(self, socket: ClientConnection) -> None:
        """Speak over `socket`; `listen` must be running."""
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.pages: dict[str, Page] = {}

    async def listen(self) -> None:
        """Hand out what arrives, until the browser closes."""
        async for text in _until_closed(self._socket):
            message = json.loads(text)
            if "id" in message:
                self._answers.pop(message["id"]).set_result(message)
            elif page := self.pages.get(message.get("sessionId", "")):
                page.note(message["method"], message["params"])

    async def send(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Give one command; its result."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        command = {"id": number, "method": method, "params": params}
        await self._socket.send(json.dumps(command | ({"sessionId": session} if session else {})))
        answer = await asyncio.wait_for(self._answers[number], _PATIENCE)
        if "error" in answer:
            message = f"{method}: {answer['error']['message']}"
            raise RuntimeError(message)
        result: dict[str, Any] = answer["result"]
        return result


@dataclass(kw_only=True)
class Page:
    """One browser window, and everything that went wrong in it."""

    devtools: Devtools
    session: str
    #: Each address that the page asked for, in order.
    requested: list[str] = field(default_factory=list)
    #: Uncaught exceptions, console errors, policy violations, failed and refused requests.
    complaints: list[str] = field(default_factory=list)
    loaded: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, method: str, params: dict[str, Any]) -> None:
        """Remember what one event says."""
        match method:
            case "Page.loadEventFired":
                self.loaded.set()
            case "Network.requestWillBeSent":
                self.requested.append(params["request"]["url"])
            case "Network.webSocketCreated":
                self.requested.append(params["url"])
            case "Network.responseReceived" if params["response"]["status"] >= 400:
                response = params["response"]
                self.complaints.append(f"{response['status']} {response['url']}")
            case "Network.loadingFailed" if not params.get("canceled"):
                self.complaints.append(f"failed: {params['errorText']}")
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in {"error", "assert"}:
                self.complaints.append(json.dumps(params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.complaints.append(params["entry"]["text"])

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Give this window a command."""
        return await self.devtools.send(method, self.session, **params)

    async def open(self, url: str) -> None:
        """Go to `url` and wait until it has loaded."""
        self.loaded.clear()
        await self.send("Page.navigate", url=url)
        await asyncio.wait_for(self.loaded.wait(), _PATIENCE)

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = await self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Wait until a JavaScript expression is true; its value."""
        value = await self.evaluate(_WAIT % {"expression": expression, "patience": _PATIENCE})
        if not value:
            seen = await self.evaluate("document.body.innerText")
            message = f"never true: {expression}\n{self.complaints}\n{seen}"
            raise AssertionError(message)
        return value

    async def appears(self, element: str) -> None:
        """Wait until a JavaScript expression finds an element."""
        await self.until(f"Boolean({element})")

    async def click(self, element: str) -> None:
        """Press the mouse on the element that a JavaScript expression finds, once it is there, has
        stood still from one look to the next, and nothing lies over it. (Menus open in motion.)"""
        x, y = await self.until(
            f"(() => {{ const e = {element}; if (!e || e.disabled) return null;"
            " e.scrollIntoView({block: 'nearest'}); const r = e.getBoundingClientRect();"
            " const at = [r.x + r.width / 2, r.y + r.height / 2];"
            " const stood = window.stood ??= new WeakMap(), before = stood.get(e);"
            " stood.set(e, String(at)); if (!r.width || before !== String(at)) return null;"
            " return e.contains(document.elementFromPoint(...at)) && at; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.send(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    async def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """Be a window of this size, in a light or a dark environment."""
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", features=[scheme])

    async def screenshot(self, path: Path) -> bytes:
        """Save what is seen as PNG; its bytes."""
        answer = await self.send("Page.captureScreenshot", format="png")
        picture = base64.b64decode(answer["data"])
        await asyncio.to_thread(path.write_bytes, picture)
        return picture


@asynccontextmanager
async def browser(executable: str, folder: Path) -> AsyncIterator[Devtools]:
    """A browser with an empty profile in `folder`."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    process = await asyncio.create_subprocess_exec(
        executable,
        *_FLAGS,
        *sandbox,
        f"--user-data-dir={folder}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        address = await asyncio.wait_for(_address(process), _PATIENCE)
        async with connect(address, max_size=None, proxy=None) as socket:
            devtools = Devtools(socket)
            tasks = [asyncio.create_task(devtools.listen()), asyncio.create_task(_drain(process))]
            yield devtools
            with suppress(ConnectionClosed, TimeoutError):  # it may be gone before it answers
                await asyncio.wait_for(devtools.send("Browser.close"), 5)
            await asyncio.gather(*tasks)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def new_page(devtools: Devtools) -> Page:
    """A new window of its own: nothing stored, nothing remembered from another."""
    context = await devtools.send("Target.createBrowserContext")
    target = await devtools.send("Target.createTarget", url="about:blank", **context)
    attached = await devtools.send(
        "Target.attachToTarget", targetId=target["targetId"], flatten=True
    )
    page = Page(devtools=devtools, session=attached["sessionId"])
    devtools.pages[page.session] = page
    for domain in ("Page", "Runtime", "Network", "Log"):
        await page.send(f"{domain}.enable")
    await page.size(1440, 900)
    return page


async def _address(process: asyncio.subprocess.Process) -> str:
    """Where the browser listens: it says so on its standard error."""
    assert process.stderr
    async for line in process.stderr:
        _, found, address = line.decode().partition("DevTools listening on ")
        if found:
            return address.strip()
    message = "The browser ended before it listened."
    raise RuntimeError(message)


async def _until_closed(socket: ClientConnection) -> AsyncIterator[str | bytes]:
    """What arrives on a socket whose other end may just hang up."""
    with suppress(ConnectionClosed):
        while True:
            yield await socket.recv()


async def _drain(process: asyncio.subprocess.Process) -> None:
    """Read on, so that the browser never waits for somebody to read what it says."""
    assert process.stderr
    async for _ in process.stderr:
        pass
