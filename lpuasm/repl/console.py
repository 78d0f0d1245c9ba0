"""Takes what is typed: assembly goes to the session, a binding to the tensors, the rest to its command."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpuasm.isa.errors import Diagnostic, LpuError
from lpuasm.repl import commands
from lpuasm.repl.errors import TYPED
from lpuasm.repl.items import first_word
from lpuasm.repl.report import change_report
from lpuasm.repl.session import Built, Session

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpuasm.isa.program import Program
    from lpuasm.vm.debug import Debugger
    from lpuasm.vm.result import Run

_BINDING = re.compile(r"\s*([A-Za-z_]\w*)\s*=(?!=)")
_MACRO = re.compile(r"\.macro\s+([A-Za-z_]\w*)")

Say = Callable[[str], None]


class Leave(Exception):
    """The conversation is over."""


@dataclass(frozen=True)
class Bound:
    """A tensor that was given: its array, what was typed for it, the type and shape that were declared then."""

    array: NDArray[Any]
    text: str
    declared: tuple[str, tuple[int, ...]] | None


@dataclass
class Console:
    """One conversation. ``say`` takes what is answered, ``complain`` what is wrong, both whole lines of text.

    ``ran`` is the last run with the program that it ran.
    """

    session: Session
    say: Say
    complain: Say
    color: bool = False
    #: Characters of a line of the screen; None where there is none.
    width: int | None = None
    interactive: bool = False
    seed: int = 0
    tensors: dict[str, Bound] = field(default_factory=dict)
    ran: tuple[Program, Run] | None = None
    debugger: Debugger | None = None
    #: Breakpoints by their numbers, as they were typed.
    breaks: dict[int, str] = field(default_factory=dict)
    progress: Callable[[int], None] | None = None
    #: Text that is to stand in the next prompt.
    proposed: str = ""
    typed: str = ""

    def execute(self, text: str) -> bool:
        """Does what was typed; whether it was right. Raises Leave."""
        self.typed = text
        try:
            self._do(text)
        except LpuError as e:
            self.fail(e.diagnostics, getattr(e, "sources", None))
            return False
        return True

    def fail(self, diagnostics: tuple[Diagnostic, ...], sources: Callable[[str], str | None] | None = None) -> None:
        """Says what is wrong, with carets into the program or the typed line."""
        from lpuasm.asm.render import render

        def lookup(name: str) -> str | None:
            if name == TYPED:
                return self.typed
            found = sources(name) if sources else None
            return found if found is not None else self.session.source(name)

        self.complain(render(diagnostics, lookup, self.color).rstrip("\n"))

    @property
    def columns(self) -> int:
        """Characters that arrays and memory are shown in."""
        return self.width or 110

    def _do(self, text: str) -> None:
        line = text.strip()
        if not line or line.startswith((";", "//", "#")):
            return
        if self.is_assembly(text):
            self.assemble(text)
            return
        if line.startswith("?"):
            commands.table()["help"].run(self, line[1:].strip())
            return
        if match := _BINDING.match(text):
            from lpuasm.repl.running import bind

            bind(self, match[1], text[match.end() :].rstrip(), match.end())
            return
        word, _, rest = line.partition(" ")
        name, slash, options = word.partition("/")
        command = commands.find(name)
        if command is None:
            raise commands.unknown(name)
        command.run(self, f"{slash}{options} {rest}".strip() if slash else rest.strip())

    def is_assembly(self, text: str) -> bool:
        """Whether a typed text is part of a program: it is indented, or begins with a directive, `flow` or a macro."""
        if first_word(text) or text[:1].isspace():
            return True
        return bool(text.split()) and text.split()[0] in self.macros()

    def macros(self) -> set[str]:
        """The macros of the program."""
        texts = self.session.built.texts.values() if self.session.built else [self.session.version.text]
        return {name for text in texts for name in _MACRO.findall(text)}

    def assemble(self, text: str) -> None:
        """Takes typed items, and says what they cost."""
        before = self.session.built
        items = self.session.add(text)
        assert self.session.built is not None
        self.changed(before, items)

    def changed(self, before: Built | None, items: list[Any]) -> None:
        """Says what a change has made of the program."""
        assert self.session.built is not None
        if self.debugger is not None:
            self.debugger = None
            self.say("the run that was stopped is over: the program is another one")
        for line in change_report(items, before, self.session.built):
            self.say(line)

    def preview(self, text: str) -> str:
        """What a half-typed flow would cost, in a line; "" where that cannot be told."""
        from lpuasm.repl.report import totals

        trial = self._copy()
        try:
            items = trial.add(text)
        except LpuError as e:
            return f"{e.diagnostics[0].message}"
        new = trial.built.explanation if trial.built else None
        if new is None:
            return ""
        typed = {item.name for item in items if item.kind == "flow"}
        flows = [f"{f.name}: cycle {f.start:,}, length {f.length:,}" for f in new.flows if f.name in typed]
        cycles, floor, gap = totals(new)
        return "   ".join([*flows[:1], f"cycles {cycles:,}  floor {floor:,}  gap {gap:,}"])

    def trial(self, text: str) -> Session | None:
        """The session as it would be after ``text``; None where that does not assemble."""
        trial = self._copy()
        try:
            trial.add(text)
        except LpuError:
            return None
        return trial

    def _copy(self) -> Session:
        copy = Session(self.session.version.defines, self.session.version.target, self.session.include)
        copy.version, copy.name = self.session.version, self.session.name
        return copy


def program_of(console: Console) -> Program:
    """The program of the conversation. Raises ReplError where it does not assemble, or there is none."""
    from lpuasm.repl.errors import wrong

    session = console.session
    if session.program is None:
        try:
            session.start()
        except LpuError:
            raise wrong("LPU1206", "the program does not assemble yet", "`check` says why; `edit` a flow") from None
    assert session.program is not None
    if not session.program.queues:
        raise wrong("LPU1206", "there is no program yet", "write a flow, or `load FILE.s`")
    return session.program


def defines_of(console: Console) -> Mapping[str, int | float]:
    """Values that were given from outside, of scalar code: its dimensions."""
    return console.session.version.defines
