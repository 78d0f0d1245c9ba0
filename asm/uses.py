"""What the words of a flow do to the state of the chip besides memory, and how long they take."""

from __future__ import annotations

from collections.abc import Iterable

from lpuasm.asm.body import StateUse, Word
from lpuasm.isa.target import Target


def length(words: Iterable[Word]) -> int:
    """Cycles from the first dispatch to the last change of state or result, that cycle included."""
    return max((w.last + max(w.definition.timing.func, w.definition.timing.skew) + 1 for w in words), default=0)


def state_uses(words: Iterable[Word], target: Target) -> list[StateUse]:
    """Uses of weight buffers, arrays, latches and links, in the order of the words."""
    uses: list[StateUse] = []
    for word in words:
        mnemonic, values = word.definition.mnemonic, word.values
        for plane in (word.queue,) if word.also is None else (word.queue, word.also):
            if mnemonic == "lw":
                uses.append(_use(f"{plane.unit}.buffer", "write", word))
            elif mnemonic in ("iw", "clear"):
                if mnemonic == "iw" and values.get("rows") is None:
                    uses.append(_use(f"{plane.unit}.buffer", "read", word))
                uses.append(_use(f"{plane.unit}.array", "write", word))
            elif mnemonic == "abc":
                uses.append(_use(f"{plane.unit}.array", "read", word))
        if word.definition.unit == "vxm":
            if "latch" in map(str, (values.get("a"), values.get("b"))):
                uses.append(_use(f"{word.queue.name}.latch", "read", word))
            if values.get("keep"):
                uses.append(_use(f"{word.queue.name}.latch", "write", word))
        link = values.get("link")
        if mnemonic in ("send", "receive") and isinstance(link, int):
            use, to = ("write", target.c2c.loopback[link]) if mnemonic == "send" else ("read", link)
            uses.append(StateUse(f"link {to}", use, word.time, word.last, word.dims, to))
    return uses


def _use(resource: str, use: str, word: Word) -> StateUse:
    return StateUse(resource, use, word.time, word.last)
