"""The conversation on a real terminal, by tmux: what stands on the screen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
SECONDS = 30.0


class Screen:
    """A terminal of 110 × 40 in which the conversation runs."""

    def __init__(self, folder: Path) -> None:
        self.tmux = ["tmux", "-S", str(folder / "socket"), "-f", "/dev/null"]
        environment = f"XDG_STATE_HOME={folder} TERM=screen PYTHONPATH={os.environ.get('PYTHONPATH', '')}"
        self._call("new-session", "-d", "-x", "110", "-y", "40", "-c", str(folder),
                   f"env {environment} {sys.executable} -m lpuasm repl; sleep 60")  # fmt: skip

    def _call(self, *args: str) -> str:
        return subprocess.run([*self.tmux, *args], capture_output=True, text=True, check=True, timeout=20).stdout

    def send(self, *keys: str) -> None:
        self._call("send-keys", *keys)

    def type(self, line: str) -> None:
        self._call("send-keys", "-l", line)
        self.send("Enter")

    def text(self) -> str:
        return self._call("capture-pane", "-p")

    def wait(self, *wanted: str) -> str:
        """The screen, once all of some texts are on it."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            text = self.text()
            if all(w in text for w in wanted):
                return text
            time.sleep(0.05)
        raise AssertionError(f"{wanted} not on the screen:\n{text}")


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    one = Screen(tmp_path)
    yield one
    subprocess.run([*one.tmux, "kill-server"], capture_output=True)


def test_a_session(screen: Screen) -> None:
    screen.wait("`help` lists the commands", "lpu>", "nothing is written yet")
    for line in (".target mini", ".input A : i8 [8, 32] at mem.w0", ".output B : i8 [8, 32] at mem.e0"):
        screen.type(line)
    screen.wait("B: i8 [8, 32] in mem.e0", "mini")
    screen.type("flow copy:")
    screen.wait("...>")
    screen.type("read A -> s0.e")
    screen.wait("copy: cycle 0, length")  # the line at the bottom
    screen.send("-l", "write s")
    screen.send("Tab")
    screen.wait("s1.e")
    screen.send("C-c")
    screen.type("flow copy:")
    screen.type("read A -> s0.e")
    screen.type("write s0.e -> B")
    screen.type("")
    screen.wait("copy: cycle 0, length 17", "cycles 18", "floor 18", "gap 0")
    screen.type("A = integers(-5, 5)")
    screen.type("run")
    screen.wait("18 cycles, 20 ns at 900 MHz")
    screen.type("goto 8")
    screen.wait("lpu @8>", "stopped at cycle 8")
    screen.send("C-l")
    screen.type("streams")
    text = screen.wait("a>a>", "VXM")
    assert "s0.e" in text and "flow copy, line" in text
    screen.send("C-r")
    screen.send("-l", "integ")
    screen.wait("A = integers(-5, 5)")
    screen.send("C-g")
    screen.type("frobnicate")
    screen.wait("error[LPU1201]", "^^^^^^^^^^")
    screen.send("C-d")
