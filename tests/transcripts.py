"""Sessions as text: `lpu> ` before what is typed, `...> ` before lines that go on with it, answers without a sign."""

from __future__ import annotations

from collections.abc import Iterator

from lpuasm.repl.console import Console
from lpuasm.repl.session import Session

FIRST, NEXT = "lpu> ", "...> "


class Conversation:
    """A console that keeps what it says."""

    def __init__(self, **options: object) -> None:
        self.said: list[str] = []
        self.console = Console(Session(), self.said.append, self.said.append, **options)  # type: ignore[arg-type]

    def type(self, text: str) -> str:
        """What is answered to a typed text."""
        self.said.clear()
        self.console.execute(text)
        return "\n".join(self.said)

    def good(self, *texts: str) -> str:
        """What is answered to the last of some texts, all of which must be right."""
        for text in texts:
            self.said.clear()
            assert self.console.execute(text), self.said
        return "\n".join(self.said)

    def wrong(self, text: str) -> str:
        """What is answered to a text that must be wrong."""
        self.said.clear()
        assert not self.console.execute(text), self.said
        return "\n".join(self.said)


def typed(transcript: str) -> Iterator[str]:
    """What is typed in a transcript, without its answers."""
    block: list[str] = []
    for line in transcript.splitlines():
        if line.startswith(NEXT) or line == NEXT.rstrip():
            block.append(line[len(NEXT) :])
            continue
        if block:
            yield "\n".join(block)
            block = []
        if line.startswith(FIRST):
            block = [line[len(FIRST) :]]
    if block:
        yield "\n".join(block)


def replayed(transcript: str, conversation: Conversation) -> str:
    """A transcript as it really goes."""
    lines: list[str] = []
    for text in typed(transcript):
        first, *others = text.split("\n")
        lines += [FIRST + first, *((NEXT + other).rstrip() if not other else NEXT + other for other in others)]
        answer = conversation.type(text)
        lines += [line.rstrip() for line in answer.split("\n")] if answer else []
    return "\n".join(lines) + "\n"
