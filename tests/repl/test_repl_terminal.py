"""The conversation on a terminal, driven through a pipe: editing, completion, history, interruption."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from transcripts import Conversation

from lpuasm.repl.completion import candidates
from lpuasm.repl.terminal import converse, history, prompt, prompt_session

FLOW = (
    ".target mini\r.input A : i8 [8, 32] at mem.w0\r.output B : i8 [8, 32] at mem.e0\r"
    "flow f:\rread A -> s0.e\rwrite s0.e -> B\r\r"
)


def typed(talk: Conversation, keys: str, **options: Any) -> list[str]:
    """What is answered to keys, with Ctrl-D after them."""
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        pipe.send_text(keys + "\x04")
        converse(talk.console, history=options.pop("history", InMemoryHistory()), **options)
    return talk.said


def test_a_flow_is_typed_line_by_line_and_indented(talk: Conversation) -> None:
    said = typed(talk, FLOW)
    assert any(line.startswith("f: cycle 0, length 17") for line in said) and "cycles 18, floor 18, gap 0" in said
    assert "flow f:\n    read A -> s0.e\n    write s0.e -> B\n" in talk.console.session.version.text


def test_edit_puts_a_flow_on_the_prompt(talk: Conversation) -> None:
    typed(talk, FLOW + "edit f\r" + "\r    write s0.e -> mem.e4[0] repeat 8\r\r")
    assert talk.console.session.version.text.endswith("write s0.e -> mem.e4[0] repeat 8\n")
    said = typed(talk, "flow g:\rreed A -> s0.e\r\r" + "edit\r" + "\x03" + "list\r")
    assert any("reed" in line for line in said) and "reed" not in talk.console.session.version.text


def test_tab_completes(talk: Conversation) -> None:
    said = typed(talk, FLOW + "A = integers(-5, 5)\rexpl\t\rru\t\r")
    assert any(line.startswith("flow ") for line in said) and any("fast engine" in line for line in said)


def test_ctrl_c_gives_up_a_line_and_keeps_the_session(talk: Conversation) -> None:
    said = typed(talk, FLOW + "frobnicate\x03list\r")
    assert not any("frobnicate" in line for line in said) and any("flow f:" in line for line in said)


def test_ctrl_c_stops_a_run_between_two_cycles(talk: Conversation) -> None:
    """A run of a million cycles is interrupted; it stands where it was, and goes on."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests that run in the background ignore it
    talk.console.interactive = True
    talk.good(
        ".target mini",
        ".output B : i8 [64, 32] at mem.e0",
        "flow f:\n    read mem.w0[0] -> s0.e  repeat 64 repeat 2000 every 64 step 0\n"
        "    write s0.e -> mem.e0[0]  repeat 64 repeat 2000 every 64 step 0\n",
        "start",
    )
    timer = threading.Timer(0.6, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    began = time.monotonic()
    assert "interrupted" in talk.good("continue") and time.monotonic() - began < 20
    debugger = talk.console.debugger
    assert debugger is not None and 0 < debugger.cycle < 128_000
    at = debugger.cycle
    assert f"cycle {at + 1:,}" in talk.good("step") and f"cycle {at:,}" in talk.good("back")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_history_is_kept_across_conversations(
    talk: Conversation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    typed(talk, "seed 7\rseed 9\r", history=None)
    file = tmp_path / "lpuasm" / "history"
    assert "+seed 7" in file.read_text() and file.stat().st_mode & 0o077 == 0
    assert list(history().load_history_strings()) == ["seed 9", "seed 7"]
    before = InMemoryHistory()
    before.append_string("seed 31")
    talk.said.clear()
    assert "seed 31" in typed(talk, "\x12ed 3\r\r", history=before), "found by Ctrl-R, taken, and entered"
    assert isinstance(history(), FileHistory)
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/x")
    assert isinstance(history(), InMemoryHistory)


def test_a_suggestion_is_taken_with_the_right_arrow(talk: Conversation) -> None:
    before = InMemoryHistory()
    before.append_string("seed 42")
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        session = prompt_session(talk.console, history=before)
        assert session.auto_suggest is not None
        suggested = session.auto_suggest.get_suggestion(session.default_buffer, _document("se"))
    assert suggested is not None and suggested.text == "ed 42"


def _document(text: str) -> Any:
    from prompt_toolkit.document import Document

    return Document(text)


def test_the_toolbar_says_target_cycles_floor_and_gap(copy: Conversation) -> None:
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        session = prompt_session(copy.console, history=InMemoryHistory())
        assert callable(session.bottom_toolbar)
        text = "".join(part[1] for part in session.bottom_toolbar())  # type: ignore[union-attr, misc]
        assert "mini" in text and "cycles 18" in text and "floor 18" in text and "gap 0" in text
    copy.good("goto 3")
    assert prompt(copy.console) == "lpu @3> "


def test_a_half_typed_flow_is_costed(copy: Conversation) -> None:
    assert "g: cycle 1, length 1" in copy.console.preview("flow g:\n    read A -> s1.e") or "g: cycle" in (
        copy.console.preview("flow g:\n    read A -> s1.e")
    )
    assert "nothing in flow" in copy.console.preview("flow g:\n    write s9.e -> B")
    assert "flow g" not in copy.console.session.version.text


def names(talk: Conversation, text: str) -> list[str]:
    return [candidate for candidate, _, _ in candidates(talk.console, text)]


def test_what_completes_where(copy: Conversation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.npy").touch()
    monkeypatch.chdir(tmp_path)
    assert {"run", "reverse"} <= set(names(copy, "r")) and "A = " in names(copy, "A")
    metas = {c: meta for c, _, meta in candidates(copy.console, "flow f:\n    wr")}
    assert metas == {"write": "write data -> address [repeat n [every d] [step s]]"}
    streams = names(copy, "flow f:\n    read A -> s")
    assert "s1.e" in streams and "s0.w" in streams and "s0.e" not in streams, "s0.e is taken"
    assert "sg4.e[1]" in names(copy, "    x -> sg4.") and "sg4.e[0]" not in names(copy, "    x -> sg4.")
    assert names(copy, "    read mem.e") and set(names(copy, "    write s0.e -> B")) == set()
    assert names(copy, "A = load a") == ["a.npy"] and "integers" in names(copy, "A = int")
    assert names(copy, "show B") == [] and names(copy, "show ") == ["A", "B"]
    assert names(copy, "edit c") == ["copy"] and "mini" in names(copy, "target m") and "notify" in names(copy, "? noti")
    assert "mxm.e0" in names(copy, "break mxm.e")


def test_streams_complete_that_are_free_while_the_flow_runs(talk: Conversation) -> None:
    """A group is taken as a whole; what another flow holds at another time is free, and says when."""
    talk.good(
        ".target tsp1",
        ".input A : i8 [8, 320] at mem.w0",
        ".input W : i8 [16, 320] at mem.e[28..43]",
        "flow load:\n    read W -> sg16.e[0]\n    lw mxm.e0, sg16.e[0]\n    iw mxm.e0\n",
        "flow later @ 1000:\n    read A -> s20.e\n    write s20.e -> mem.e9[0] repeat 8\n",
    )
    typed = "flow new:\n    read A -> s18.e\n    write s18.e -> mem.e8[0] repeat 8\n"
    program_wide = {name for name, _, _ in candidates(talk.console, "    read A -> s")}
    assert program_wide & {f"s{k}.e" for k in range(24)} == {f"s{k}.e" for k in (16, 17, 18, 19, 21, 22, 23)}
    metas = {name: meta for name, _, meta in candidates(talk.console, typed + "    read A -> ")}
    assert metas["s17.e"] == "free for the whole program" and "s18.e" not in metas, "the flow itself holds s18.e"
    assert "when the flow runs" in metas["s20.e"], "the other flow has it a thousand cycles later"
    assert "s3.e" not in metas, "inside a group that is on its way at that moment"
    metas = {name: meta for name, _, meta in candidates(talk.console, "flow new @ 500:\n    read A -> s18.e\n    sh s")}
    assert "when the flow runs" in metas["s3.e"] and "when the flow runs" in metas["s20.e"]
