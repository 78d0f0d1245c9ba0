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
    """A terminal in which the conversation runs."""

    def __init__(self, folder: Path, width: int, height: int) -> None:
        self.tmux = ["tmux", "-S", str(folder / "socket"), "-f", "/dev/null"]
        environment = f"XDG_STATE_HOME={folder} TERM=screen PYTHONPATH={os.environ.get('PYTHONPATH', '')}"
        self._call("new-session", "-d", "-x", f"{width}", "-y", f"{height}", "-c", str(folder),
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

    def ask(self, line: str, *wanted: str) -> str:
        """What a cleared screen shows once a line is answered."""
        self.send("C-l")
        self.type(line)
        return self.wait(*wanted)

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
def screen(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Screen]:
    one = Screen(tmp_path, *getattr(request, "param", (110, 40)))
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


FLOAT = (
    ".target mini", ".input A : f32 [8, 32] at mem.w[0..3]", ".output B : f32 [8, 32] at mem.e[0..3]",
    "flow root:", "read A -> sg4.e[0]", "rsqrt.f32 sg4.e[0] -> sg4.e[1]", "write sg4.e[1] -> B", "",
)  # fmt: skip


@pytest.mark.parametrize("screen", [(80, 24)], indirect=True)
def test_a_run_is_debugged_on_a_small_screen(screen: Screen) -> None:
    """Every kind of breakpoint, every way to move, every way to look, once; no line is longer than the screen."""
    screen.wait("lpu>")
    for line in FLOAT:
        screen.type(line)
    screen.wait("root: cycle 0", "gap 0")
    screen.send("-l", "flow root:")
    screen.send("Enter")
    screen.send("-l", "read A -> ")
    screen.send("Tab")
    screen.wait("s8.e", "free for the whole program")
    screen.send("C-c")
    screen.ask("? rsqrt", "Meaning", "Timing", "lpu>")
    screen.ask("A = arange - 3", "A: f32 [8, 32]")
    places = ("2", "root", "line 8", "vxm", "mem.e1[3]", "B nan", "B > 0.9")
    for k, place in enumerate(places, 1):
        screen.ask(f"break {place}", f"breakpoint {k}:", "lpu")
    screen.ask("run", "cycle 0: breakpoint 2, flow root", "lpu @0>")
    screen.ask("c", "cycle 2: breakpoint 1, cycle 2")
    screen.ask("c", "cycle 3: breakpoint 4, vxm")
    screen.ask("c", "breakpoint 3, line 8")
    stored = screen.ask("c", "breakpoint 6, B nan").split("cycle ")[1].split(":")[0]
    screen.ask("who wrote mem.e0[0]", f"mem.e0[0x0000] changed in cycle {stored}, by", "write")
    screen.ask("rc", "breakpoint 3, line 8")
    for k in range(1, len(places) + 1):
        screen.ask(f"delete {k}", f"breakpoint {k} gone")
    screen.ask("break mem.e1[3]", "breakpoint 1: a write to mem.e1[0x0003]")
    screen.ask("c", "breakpoint 1, a write to mem.e1[0x0003]")
    screen.ask("streams", "a>", "VXM", "rsqrt.f32")
    screen.ask("where A[5, 7]", "A[5, 7] at cycle", "as it was given")
    screen.ask("step", "lpu @")
    screen.ask("next", "cycle")
    screen.ask("back 2 dispatch", "cycle")
    screen.ask("goto 1", "lpu @1>")
    screen.ask("step 3", "lpu @4>")
    screen.ask("back", "lpu @3>")
    screen.ask("reverse B > 100", "before the first cycle", "lpu @-1>")
    screen.ask("step flow", "lpu @0>")
    screen.ask("queues", "mem.e0", "write", "word")
    screen.ask("weights mxm.e0", "array of mxm.e0: 0 of 32 rows are not zero")
    screen.ask("delete 1", "breakpoint 1 gone")
    screen.ask("c", ": the end")
    screen.ask("mem mem.e1[3]", "B[3, 0:32], byte 1 of 4", "lane  16")
    screen.ask("why B[3, 7]", "B[3, 7] = 0.1 at", "given: A[3, 0:32]", "rsqrt.f32")
    screen.ask("what-if flow root + 2", "yes: flow root may start at cycle 2")
    screen.ask("explain", "lower bounds", "lpu @")
    screen.ask("kill", "no run is stopped", "lpu>")
    screen.send("-l", "expl")
    screen.send("Right")
    screen.wait("lpu> explain")
