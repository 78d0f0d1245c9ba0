"""The program of a conversation: its items, what is given to it from outside, and what it assembles to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lpuasm.isa.errors import LpuError
from lpuasm.repl.errors import wrong
from lpuasm.repl.items import Item, first_word, incomplete, split

if TYPE_CHECKING:
    from lpuasm.asm.explain import Explanation
    from lpuasm.isa.program import Program

#: Versions that `undo` goes back over.
_UNDO = 200


@dataclass(frozen=True, slots=True)
class Version:
    """The text of a program as items, and what is given to it from outside: parameters, target."""

    items: tuple[Item, ...] = ()
    defines: Mapping[str, int | float] = field(default_factory=dict)
    target: str | None = None

    @property
    def text(self) -> str:
        return "".join(item.text for item in self.items)

    def find(self, kind: str, name: str) -> int | None:
        """The index of an item."""
        return next((k for k, item in enumerate(self.items) if item.key == (kind, name)), None)


@dataclass(frozen=True)
class Built:
    """What a version assembles to: a program, with its explanation where it is no scalar code."""

    program: Program
    explanation: Explanation | None
    texts: Mapping[str, str]


class Session:
    """A version, and what it was before.

    ``built`` is None where the text does not assemble, which only a file that was loaded so can bring about: changes
    that break a good program are refused. ``fixed`` is set where the program came from an object file.
    """

    def __init__(
        self, defines: Mapping[str, int | float] | None = None, target: str | None = None, include: Sequence[str] = ()
    ) -> None:
        self.version = Version((), dict(defines or {}), target)
        self.include = tuple(include)
        self.name = "session"
        self.fixed = False
        self.built: Built | None = None
        self.rejected = ""
        self._before: list[Version] = []
        self._last = ""

    @property
    def program(self) -> Program | None:
        return self.built.program if self.built else None

    def source(self, name: str) -> str | None:
        """The text that a diagnostic points into."""
        return self.version.text if name == self.name else None

    def start(self) -> None:
        """Builds what there is; raises LpuError where that is not right."""
        self.built = self._build(self.version)

    def load(self, text: str, name: str) -> None:
        """Takes a source in place of the program. It stays where it does not assemble; raises LpuError then."""
        self._keep()
        self.fixed, self.name, self.built = False, name, None
        self.version = replace(self.version, items=tuple(split(text)))
        self.built = self._build(self.version)

    def fix(self, program: Program) -> None:
        """Takes the program of an object file, which cannot be changed."""
        from lpuasm.asm.explain import explain

        self.fixed = True
        self.built = Built(program, None if program.scalar else explain(program), {})

    def add(self, text: str) -> list[Item]:
        """Takes items that were typed: each takes the place of the one of its kind and name, or comes last.

        An indented statement by itself goes on with the flow that was changed last. Raises LpuError, and then nothing
        has changed.
        """
        self.rejected = text
        items = list(self.version.items)
        if text[:1].isspace() and not first_word(text):
            added = [self._continued(items, text)]
        else:
            added = [self._placed(items, item) for item in split(text.rstrip() + "\n")]
        self.change(replace(self.version, items=tuple(items)))
        self.rejected = ""
        self._last = next((item.name for item in reversed(added) if item.kind == "flow"), self._last)
        return added

    def _continued(self, items: list[Item], text: str) -> Item:
        at = self.version.find("flow", self._last)
        if at is None:
            raise wrong("LPU1204", "a statement stands in a flow, and there is none yet",
                        "begin with a line `flow NAME:`")  # fmt: skip
        old = items[at]
        items[at] = replace(old, text=old.text.rstrip("\n") + "\n" + text.rstrip() + "\n")
        return items[at]

    def _placed(self, items: list[Item], item: Item) -> Item:
        at = next((k for k, old in enumerate(items) if item.key is not None and old.key == item.key), None)
        if at is not None:
            item = replace(item, text=_lead(items[at].text, item.text) + item.text + _tail(items[at].text))
            items[at] = item
        elif item.kind == "target":
            items.insert(0, item)
        else:
            gap = "\n" if item.kind in ("flow", "macro", "unit", "queue", "for") and items else ""
            if gap and items[-1].text.endswith("\n\n"):
                gap = ""
            items.append(replace(item, text=gap + item.text))
        return item

    def delete(self, kind: str, name: str) -> Item:
        """Takes an item out. Raises LpuError where there is none, or the program needs it."""
        at = self.version.find(kind, name)
        if at is None:
            known = [item.name for item in self.version.items if item.kind == kind and item.name]
            have = f"there are {', '.join(known[:12])}" if known else f"there is no {kind}"
            raise wrong("LPU1204", f"the program has no {kind} '{name}' of its own", have)
        items = self.version.items
        self.change(replace(self.version, items=items[:at] + items[at + 1 :]))
        return items[at]

    def param(self, name: str, value: int | float) -> None:
        """Gives a parameter its value: in the text where it is declared there, else as -D does. Raises LpuError."""
        at = self.version.find("param", name)
        items, defines = list(self.version.items), dict(self.version.defines)
        if at is None:
            defines[name] = value
        else:
            defines.pop(name, None)
            pattern = rf"(\.param\s+{re.escape(name)}\b[ \t]*)(=[ \t]*[^;/\n]*?)?([ \t]*(?:;|//|$))"
            text = re.sub(pattern, lambda m: f"{m[1].rstrip()} = {value}{m[3]}", items[at].text, count=1, flags=re.M)
            items[at] = replace(items[at], text=text)
        self.change(replace(self.version, items=tuple(items), defines=defines))

    def change(self, version: Version) -> None:
        """Takes another version. Raises LpuError where a program that assembled would no longer."""
        if self.fixed:
            raise wrong("LPU1205", "the program came from an object file, which has no text to change",
                        "start from its source, or save what `dis` prints")  # fmt: skip
        try:
            built = self._build(version)
        except LpuError:
            if self.built is not None:
                raise
            self._keep()
            self.version = version
            raise
        self._keep()
        self.version, self.built = version, built

    def undo(self) -> None:
        """Goes back to the version before the last change. Raises ReplError where there is none."""
        if not self._before:
            raise wrong("LPU1204", "there is nothing to undo")
        self.version = self._before.pop()
        self.built = None
        self.built = self._build(self.version)

    def tried(self, version: Version, pins: Mapping[str, int] | None = None) -> Built:
        """What a version would assemble to, with flows pinned to cycles; raises LpuError. Nothing changes."""
        return self._build(version, pins)

    def _keep(self) -> None:
        self._before.append(self.version)
        del self._before[:-_UNDO]

    def _build(self, version: Version, pins: Mapping[str, int] | None = None) -> Built:
        from lpuasm.asm.explain import explain
        from lpuasm.front import build
        from lpuasm.programs import pointing_into

        texts: dict[str, str] = {self.name: version.text}
        with pointing_into(texts.get):
            program = build(
                text=version.text if version.text.strip() else ".target " + (version.target or "tsp1"),
                name=self.name,
                defines=version.defines,
                target=version.target,
                include=self.include,
                sources=texts,
                pins=pins,
            )
            return Built(program, None if program.scalar else explain(program), texts)


def _lead(old: str, new: str) -> str:
    """The comments and blank lines before an item, kept where what takes its place has none of its own."""
    if not first_word(new.split("\n", 1)[0]):
        return ""
    lines = old.splitlines(keepends=True)
    first = next(k for k, line in enumerate(lines) if first_word(line))
    return "".join(lines[:first])


def _tail(old: str) -> str:
    """The blank lines after an item."""
    return "\n" * (len(old) - len(old.rstrip("\n")) - 1)


__all__ = ["Built", "Session", "Version", "incomplete"]
