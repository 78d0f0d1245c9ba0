"""A source as items: what is typed, replaced and deleted as one.

An item is a flow, a section, a declaration, or a block from ``.macro``, ``.for`` or ``.if`` to its end, with the
comments that stand before it. The texts of all items, one after the other, are the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: Directives that open a block, with those that close it.
CLOSING = {".macro": ".endm", ".for": ".endfor", ".if": ".endif"}
_CLOSERS = frozenset(CLOSING.values())
#: Directives that begin a section, to which the lines after them belong.
SECTIONS = (".unit", ".queue")
_TENSORS = (".input", ".weight", ".output", ".const", ".temp")
_FLOW = re.compile(r"flow\s+([A-Za-z_{][A-Za-z0-9_{}]*)")
_NAMED = re.compile(r"(\.[a-z]+)\s+([A-Za-z_][A-Za-z0-9_]*)")
_WORD = re.compile(r"\.[a-z]+|flow(?=\s)")


@dataclass(frozen=True, slots=True)
class Item:
    """A part of a source: ``kind`` and ``name`` say what it is; name is "" where it has none. Text ends its line."""

    kind: str
    name: str
    text: str

    @property
    def key(self) -> tuple[str, str] | None:
        """What another item must have to take its place; None if nothing replaces it."""
        return (self.kind, self.name) if self.name else None

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}".strip()


def first_word(line: str) -> str:
    """The directive, or ``flow``, that a line begins with; "" if with neither."""
    match = _WORD.match(line.lstrip())
    return match.group() if match else ""


def split(text: str) -> list[Item]:
    """The items of a source; the texts of all of them joined are ``text``, with its last line ended."""
    items: list[Item] = []
    before: list[str] = []
    current: list[str] = []
    depth = 0
    for line in text.splitlines():
        word = first_word(line)
        begins = depth == 0 and _begins(line, word, bool(current) and _open(current))
        if begins:
            _close(items, current, before)
            current, before = [*before, line], []
        elif current and (depth or _belongs(line)):
            current += [*before, line]
            before = []
        else:
            before.append(line)
        depth += (word in CLOSING) - (word in _CLOSERS)
    _close(items, current, before)
    if before:
        items.append(Item("comment", "", _joined(before)))
    return items


def _begins(line: str, word: str, within: bool) -> bool:
    """Whether a line outside of blocks begins an item."""
    if word in ("", *_CLOSERS):
        return not within and bool(line.strip()) and not _comment(line)
    return not (within and line[:1].isspace() and word in CLOSING)


def _open(lines: Sequence[str]) -> bool:
    """Whether an item takes further statements."""
    word = next((w for line in lines if (w := first_word(line))), "")
    return word == "flow" or word in SECTIONS


def _belongs(line: str) -> bool:
    return bool(line.strip()) and (not _comment(line) or line[:1].isspace())


def _comment(line: str) -> bool:
    return line.lstrip().startswith((";", "//"))


def _close(items: list[Item], current: list[str], before: list[str]) -> None:
    """Ends an item; blank lines that follow it are its own, comments belong to what comes after."""
    while current and before and not before[0].strip():
        current.append(before.pop(0))
    if current:
        items.append(_item(current))


def _item(lines: Sequence[str]) -> Item:
    head = next(line for line in lines if line.strip() and not _comment(line))
    word = first_word(head)
    kind, name = word.removeprefix(".") or "line", ""
    flow = _FLOW.match(head.lstrip())
    named = _NAMED.match(head.lstrip())
    if flow:
        name = flow[1]
    elif word == ".target":
        name = "target"
    elif word in _TENSORS and named:
        kind, name = "tensor", named[2]
    elif word in (".param", ".equ", ".macro") and named:
        name = named[2]
    return Item(kind, name, _joined(lines))


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def incomplete(text: str) -> bool:
    """Whether what has been typed is the beginning of an item whose end is still to come.

    A block ends with its closing directive, a flow or section with an empty line.
    """
    lines = text.split("\n")
    depth = sum((w in CLOSING) - (w in _CLOSERS) for w in map(first_word, lines))
    if depth > 0:
        return True
    return opens(lines) and not (len(lines) > 1 and not lines[-1].strip())


def opens(lines: Sequence[str]) -> bool:
    """Whether typed lines are a flow or section, which takes further lines until one is empty."""
    last = [w for line in lines if (w := first_word(line))]
    return bool(last) and (last[-1] == "flow" or last[-1] in SECTIONS)


def flows(items: Sequence[Item]) -> Iterator[Item]:
    return (item for item in items if item.kind == "flow")
