"""The conversation without a terminal: lines from a script, answers on standard output, nothing asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lpuasm.repl.console import Console, Leave
from lpuasm.repl.items import CLOSING, first_word, incomplete, opens

_CLOSERS = frozenset(CLOSING.values())


def parts(lines: Iterable[str]) -> Iterator[str]:
    """Lines put together to what is typed as one.

    A flow or section ends with an empty line, and before a line that is not indented; other blocks where they close.
    """
    block: list[str] = []
    for raw in lines:
        line = raw.rstrip("\r\n")
        if block and _ends(block, line):
            yield "\n".join(block)
            block = []
        if not block and not line.strip():
            continue
        block.append(line)
        if not incomplete("\n".join(block)):
            yield "\n".join(block)
            block = []
    if block:
        yield "\n".join(block)


def _ends(block: list[str], line: str) -> bool:
    """Whether a line cannot go on with a block that still takes lines."""
    depth = sum((w in CLOSING) - (w in _CLOSERS) for w in map(first_word, block))
    comment = line.lstrip().startswith((";", "//"))
    return depth == 0 and opens(block) and bool(line.strip()) and not line[:1].isspace() and not comment


def converse(console: Console, lines: Iterable[str]) -> bool:
    """Does what the lines say, to the end; whether all of them were right."""
    good = True
    try:
        for part in parts(lines):
            good = console.execute(part) and good
    except Leave:
        pass
    return good
