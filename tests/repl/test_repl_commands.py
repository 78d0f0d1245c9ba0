"""The conversation's commands: what they change, say, and refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from transcripts import Conversation

from lpuasm.front import build
from lpuasm.isa.core import table as instructions
from lpuasm.repl.commands import find, groups, table
from lpuasm.repl.items import Item, incomplete, split

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.s")), ids=lambda p: str(p.relative_to(EXAMPLES)))
def test_the_items_of_a_source_are_the_source(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "".join(item.text for item in split(text)) == text


def test_items_have_the_names_by_which_they_are_replaced() -> None:
    head = "; head\n.target mini\n.param M = 3 ; rows\n\n"
    text = f"{head}; first\nflow a:\n    read A -> s0.e\n.for k in 0..2\nflow b_{{k}}:\n.endfor\n"
    assert [(i.kind, i.name) for i in split(text)] == [("target", "target"), ("param", "M"), ("flow", "a"), ("for", "")]
    assert split(text)[2] == Item("flow", "a", "; first\nflow a:\n    read A -> s0.e\n")


@pytest.mark.parametrize(
    ("text", "open_"),
    [
        ("flow f:", True), ("flow f:\n    read A -> s0.e", True), ("flow f:\n    read A -> s0.e\n", False),
        (".macro m a\n\n", True), (".macro m a\nflow x_{a}:\n.endm", False), (".macro m a\n.endm", False),
        ("run", False), (".input A : i8 [4, 32] at mem.w0", False), (".unit mem.w0\n 0: read A -> s0.e", True),
    ],
)  # fmt: skip
def test_when_a_typed_text_is_whole(text: str, open_: bool) -> None:
    assert incomplete(text) == open_


def test_every_command_is_listed_and_has_help(talk: Conversation) -> None:
    listed = talk.good("help")
    for commands in groups().values():
        for command in commands:
            assert command.usage in listed and command.summary in talk.good(f"help {command.name}")
    short = [find(name) for name in ("b", "c", "s", "n", "rc", "x", "p", "q", "exp")]
    assert all(short) and {command.name for command in short if command} >= {"break", "explain"}
    assert not set(table()) & {d.mnemonic for d in instructions()}


def test_help_of_the_machine_comes_from_the_manual(talk: Conversation) -> None:
    assert "Release every queue" in talk.good("? notify")
    assert talk.good("? mem.e4") and talk.good("help LPU0301") and "nothing of" not in talk.good("?acc")
    assert "LPU0805" in talk.wrong("? frobnicate")


def test_what_is_no_command_is_said_with_what_comes_near(talk: Conversation) -> None:
    assert "did you mean `explain`?" in talk.wrong("explein")
    assert "`re` may be back, reverse, reverse-next" in talk.wrong("re")
    assert "begin with a line `flow NAME:`" in talk.wrong("    read A -> s0.e")


def test_a_flow_takes_the_place_of_its_namesake_and_undo_brings_it_back(copy: Conversation) -> None:
    before = copy.console.session.version.text
    said = copy.good("flow copy:\n    read A -> s1.e\n    add s1.e, 1 -> s5.e\n    write s5.e -> B\n")
    assert "length 20 (+3)" in said and "cycles 21 (+3), floor 21 (+3)" in said
    assert copy.console.session.version.text.count("flow copy") == 1
    copy.good("undo")
    assert copy.console.session.version.text == before


def test_an_indented_statement_goes_on_with_the_last_flow(copy: Conversation) -> None:
    assert "length 18" in copy.good("    write s0.e -> mem.e4[0]  repeat 8")
    assert copy.console.session.version.text.endswith("    write s0.e -> mem.e4[0]  repeat 8\n")


def test_what_does_not_assemble_changes_nothing_and_is_shown_in_place(copy: Conversation) -> None:
    before = copy.console.session.version
    said = copy.wrong("flow bad:\n    read A -> s0.e\n    wriite s0.e -> B\n")
    assert "error[" in said and "    wriite" in said and "^^^^^^" in said
    assert copy.console.session.version == before
    assert copy.console.session.rejected.startswith("flow bad")


def test_a_collision_is_told(copy: Conversation) -> None:
    said = copy.wrong("flow other @ 0:\n    read A -> s8.e\n    write s8.e -> mem.e4[0] repeat 8\n")
    assert "LPU1109" in said and "flow copy" in said


def test_deleting_what_is_needed_is_refused(copy: Conversation) -> None:
    assert "error[" in copy.wrong("delete A")
    assert "flow copy is gone" in copy.good("delete flow copy")
    assert "has no part 'copy'" in copy.wrong("delete copy")


def test_parameters_and_targets_are_kept_in_the_text(talk: Conversation) -> None:
    talk.good(".param M = 8 ; rows", ".input A : i8 [M, 16] at mem.w0", "flow f:\n    read A -> s0.e\n")
    assert "cycles" in talk.good("param M = 4")
    assert ".param M = 4 ; rows" in talk.good("list")
    assert "M = 4" in talk.good("param")
    assert "target mini" in talk.good("target mini")
    assert talk.console.session.version.text.startswith(".target mini\n")
    assert "LPU0803" in talk.wrong("target maxi") and "write param NAME = VALUE" in talk.wrong("param M")


def test_a_session_is_saved_as_a_file_that_builds_and_loaded_again(copy: Conversation, tmp_path: Path) -> None:
    file = tmp_path / "kernel.s"
    copy.good(f"save {file}")
    assert build(file).cycles == 18
    other = Conversation()
    assert "cycles 18" in other.good(f"load {file}")
    assert (other.console.tensors["A"].array == copy.console.tensors["A"].array).all()
    other.good("run", "check B = A", f"save {file}")
    assert "no file" in other.wrong(f"load {tmp_path / 'none.s'}")


def test_a_broken_file_can_be_mended(talk: Conversation, tmp_path: Path) -> None:
    file = tmp_path / "broken.s"
    file.write_text(".target mini\n.input A : i8 [8, 32] at mem.w0\nflow f:\n    reed A -> s0.e\n")
    assert "reed" in talk.wrong(f"load {file}")
    assert "does not assemble yet" in talk.wrong("run")
    assert "f: cycle 0" in talk.good("flow f:\n    read A -> s0.e\n")


def test_an_object_file_is_looked_at_and_not_changed(tmp_path: Path, talk: Conversation) -> None:
    file = tmp_path / "add.lpu"
    build(EXAMPLES / "02_add.s", defines={"M": 4}).save(str(file))
    talk.good(f"load {file}", "X = randn", "Y = randn", "run", "check Z = X + Y")
    assert "LPU1205" in talk.wrong("flow f:\n    read X -> sg4.e[0]\n")
    assert ".queue" in talk.good("list") and talk.good("explain")


def test_runs_and_checks(copy: Conversation, tmp_path: Path) -> None:
    np.save(tmp_path / "ref.npy", copy.console.tensors["A"].array)
    assert "18 cycles" in copy.good("run") and "equals" in copy.good(f"check B = {tmp_path / 'ref.npy'}")
    copy.good("run reference", "check B = A")
    said = copy.wrong("check B = A + 1")
    assert "256 of 256 elements" in said and "write s0.e -> B" in said
    assert "B[0, 0:4]: i8 [4]" in copy.good("show B[0, 0:4]")
    assert "made no tensor 'Q'" in copy.wrong("check Q = A")
    assert "no tensor 'Q'" in copy.wrong("show Q") and "does not fit the shape" in copy.wrong("show B[99]")
    assert "legal, 18 cycles" in copy.good("check")


def test_a_tensor_follows_its_declaration(copy: Conversation) -> None:
    copy.good(".input A : i8 [4, 32] at mem.w0\n.output B : i8 [4, 32] at mem.e0", "run", "check B = A")
    assert copy.console.tensors["A"].array.shape == (4, 32)
    copy.good("forget A")
    assert "input A is missing" in copy.wrong("run")


def test_scalar_code_runs_and_is_not_stopped(talk: Conversation) -> None:
    talk.console.execute(f"load {EXAMPLES / '01_matmul_scalar.s'}")
    talk.good("A = integers(-5, 5, 4, 4) i8", "B = integers(-5, 5, 4, 4) i8", "run", "check C = A @ B")
    assert "LPU1209" in talk.wrong("break 4") and "LPU1209" in talk.wrong("step")


def test_the_debugger_in_the_conversation(copy: Conversation) -> None:
    assert "breakpoint 1: flow copy" in copy.good("break copy")
    assert "breakpoint 2: a write to mem.e0[0x0003]" in copy.good("b mem.e0[3]")
    assert "cycle 0: breakpoint 1, flow copy" in copy.good("run")
    assert "cycle 12: breakpoint 2" in copy.good("c")
    assert "cycle 11" in copy.good("back") and "cycle 14" in copy.good("s 3")
    assert "cycle 12: breakpoint 2" in copy.good("rc") and "before the first cycle" in copy.good("rc", "rc")
    assert "cycle 14" in copy.good("goto 14") and "breakpoint 2" in copy.good("info b")
    assert "stored in cycle" in copy.good("where B[3, 4]") and "read 0x0" in copy.good("why B[3, 4]")
    assert "nothing has written mem.w0[0x0000]" in copy.good("who wrote mem.w0[0]")
    assert "A[0, 0:32]" in copy.good("mem mem.w0[0]") and "0 of 32 rows" in copy.good("weights mxm.e0")
    assert "no run is stopped" in copy.good("kill") and "gone" in copy.good("delete breakpoints")
    assert "18 cycles" in copy.good("run")
    for text in ("step x", "goto", "goto x", "where", "who", "mem", "weights", "what-if copy", "info x", "delete 9"):
        assert "error[LPU12" in copy.wrong(text)


def test_what_if_says_what_would_be_and_changes_nothing(copy: Conversation) -> None:
    before = copy.console.session.version
    assert "yes: flow copy may start at cycle 5" in copy.good("what-if flow copy + 5")
    copy.good("flow again:\n    read A -> s8.e\n    write s8.e -> mem.e4[0]  repeat 8\n")
    assert "no: flow again cannot start at cycle 2" in copy.good("what-if again @ 2")
    copy.good("undo")
    assert copy.console.session.version == before


def test_what_if_of_a_flow_that_a_loop_makes(copy: Conversation) -> None:
    copies = "flow more_{k}:\n    read A -> s{8 + k}.e\n    write s{8 + k}.e -> mem.e{4 + k}[0]  repeat 8\n"
    copy.good(f".for k in 0..2\n{copies}.endfor\n")
    said = copy.good("what-if flow more_1 + 40")
    assert "yes: flow more_1 may start at cycle" in said
    assert "did you mean `more_1`?" in copy.wrong("what-if flow more_7 + 1")


def test_a_fault_is_shown_where_it_happens(talk: Conversation) -> None:
    """A map that leads out of its slice is known only when it runs."""
    talk.good(
        ".target mini", ".input T : i8 [16, 32] at mem.e0 address 0", ".input M : u8 [4, 32] at mem.w0",
        ".output Y : i8 [4, 32] at mem.e4",
        "flow f:\n    read M -> s0.e\n    gather T, s0.e -> s1.e\n    write s1.e -> Y\n", "T = zeros", "M = full(255)",
    )  # fmt: skip
    assert "LPU0701" in talk.wrong("run")
    talk.good("start")
    assert "a fault" in talk.wrong("continue")
    assert "cycle" in talk.good("back")
