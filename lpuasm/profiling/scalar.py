"""Where two programs part of which one at least is scalar code: its words, and once they ran cycles and outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from lpuasm.asm.listing import word_text
from lpuasm.isa.program import SCALAR_QUEUE, Program
from lpuasm.profiling.difference import Party, change, party_json, said
from lpuasm.profiling.outcome import counted, differing, outputs_in_words
from lpuasm.vm.result import Run


@dataclass(frozen=True, slots=True)
class ScalarDifference:
    """Two programs compared. ``word``: the first that differs, None where none does or one program has no such words.

    ``runs``: what each gave, None where they did not run.
    """

    programs: tuple[Program, Program]
    word: int | None
    runs: tuple[Run, Run] | None

    @property
    def same(self) -> bool:
        """Whether both are scalar code of the same words."""
        return self.word is None and all(p.scalar for p in self.programs)

    def to_json(self) -> dict[str, Any]:
        """The keys of `lpuasm diff --json` beside the programs; the words have no cycles of their own."""
        runs = self.runs and {"first": None, "outputs": counted(differing(*(r.outputs for r in self.runs)))}
        return {"same": self.same, "first": None, "changes": [], "runs": runs, "word": self._word()}

    def _word(self) -> dict[str, Any] | None:
        if self.word is None:
            return None
        before, after = (party_json(_party(p, self.word)) for p in self.programs)
        return {"number": self.word, "before": before, "after": after}

    def __str__(self) -> str:
        return "\n".join(_lines(self)) + "\n"


def compare_scalar(programs: tuple[Program, Program], runs: tuple[Run, Run] | None) -> ScalarDifference:
    """Compares two programs word by word, where both are scalar code, and what they gave if they ran."""
    word = None
    if all(p.scalar for p in programs):
        rows = zip_longest(*([word_text(p, SCALAR_QUEUE, n) for n in range(_words(p))] for p in programs))
        word = next((n for n, (one, other) in enumerate(rows) if one != other), None)
    return ScalarDifference(programs, word, runs)


def _party(program: Program, word: int) -> Party | None:
    if word >= _words(program):
        return None
    return Party(
        word_text(program, SCALAR_QUEUE, word), program.flow(SCALAR_QUEUE, word), program.span(SCALAR_QUEUE, word)
    )


def _words(program: Program) -> int:
    return len(program.queues.get(SCALAR_QUEUE, ()))


def _lines(d: ScalarDifference) -> Iterator[str]:
    if d.runs:
        yield f"cycles        {change(*(r.cycles for r in d.runs))}"
        executed = [r.instructions for r in d.runs if r.instructions is not None]
        if len(executed) == 2:
            yield f"instructions  {change(*executed)}"
    else:
        yield "the cycles of scalar code are known when it has run: give its tensors with -i, or --run if it has none"
    if d.same:
        yield "both are the same words"
    elif d.word is None:
        yield "one is scalar code, the other is not"
    else:
        yield f"they part in word {d.word:,}"
        for which, program in zip(("first ", "second"), d.programs, strict=True):
            yield f"  {which}  {said(_party(program, d.word))}"
    if d.runs:
        yield from outputs_in_words(differing(*(r.outputs for r in d.runs)))
