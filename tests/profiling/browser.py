"""A headless Chromium, driven by the WebDriver protocol; nothing beyond the standard library."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: What is missing for a browser, "" where nothing is.
MISSING = ", ".join(name for name in ("chromium", "chromedriver") if shutil.which(name) is None)
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--hide-scrollbars", "--window-size=1500,950",
)  # fmt: skip


class Browser:
    """A session of a browser."""

    def __init__(self, address: str, profile: Path) -> None:
        self.address = address
        options = {"args": [*_FLAGS, f"--user-data-dir={profile}"], "binary": shutil.which("chromium")}
        wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
        self.address += f"/session/{self._call('/session', {'capabilities': wanted})['sessionId']}"

    def _call(self, path: str, body: Any = None, method: str = "POST") -> Any:
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, page: Path) -> None:
        """Opens a page from disk and waits until it is drawn."""
        self._call("/url", {"url": page.as_uri()})
        end = time.monotonic() + 60
        while not self.run("return Boolean(window.lpuasm)"):
            assert time.monotonic() < end, f"{page.name} did not load"
            time.sleep(0.05)

    def run(self, script: str) -> Any:
        """What a script returns."""
        return self._call("/execute/sync", {"script": script, "args": []})

    def point(self, x: int, y: int, click: bool = False) -> None:
        """Moves the pointer there, and clicks."""
        moves: list[dict[str, Any]] = [{"type": "pointerMove", "duration": 0, "x": x, "y": y}]
        moves += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}] if click else []
        self._call("/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": moves}]})

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("/screenshot", method="GET")))

    def close(self) -> None:
        self._call("", method="DELETE")


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser whose own files are in ``folder``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port)
        session = Browser(f"http://127.0.0.1:{port}", folder)
        try:
            yield session
        finally:
            session.close()
    finally:
        driver.terminate()
        driver.wait(timeout=10)


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("chromedriver did not start")
