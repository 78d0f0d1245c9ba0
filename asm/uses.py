"""What the words of a flow do to the state of the chip besides memory, and how long they take."""

from __future__ import annotations

from collections.abc import Iterable

from lpuasm.asm.body import StateUse, Word
from lpuasm.isa.target import Target

_OF_PLANES = ("buffer", "array")


def length(words: Iterable[Word]) -> int:
    """Cycles from the first dispatch to the last change of state or result, that cycle included."""
    return max((w.last + max(w.definition.timing.func, w.definition.timing.skew) + 1 for w in words), default=0)


def state_uses(words: Iterable[Word], target: Target) -> list[StateUse]:
    """Uses of weight buffers, arrays, latches and links, in the order of the words."""
    uses: list[StateUse] = []
    for word in words:
        definition, values = word.definition, word.values
        used = [(verb, what) for verb, what, unless in definition.state if not unless or values.get(unless) is None]
        for plane in (word.queue,) if word.also is None else (word.queue, word.also):
            uses += [_use(f"{plane.unit}.{what}", verb, word) for verb, what in used if what in _OF_PLANES]
        if any(str(values.get(o.name)) == "latch" for o in definition.operands if o.kind == "source"):
            uses.append(_use(f"{word.queue.name}.latch", "reads", word))
        if values.get("keep"):
            uses.append(_use(f"{word.queue.name}.latch", "writes", word))
        link = values.get("link")
        if isinstance(link, int):
            for verb in (verb for verb, what in used if what == "link"):
                to = target.c2c.loopback[link] if verb == "writes" else link
                uses.append(StateUse(f"link {to}", verb, word.time, word.last, word.dims, to))
    return uses


def _use(resource: str, verb: str, word: Word) -> StateUse:
    return StateUse(resource, verb, word.time, word.last)
