"""What is still to happen, by cycle."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpuasm.vm.chip import Issue
    from lpuasm.vm.icu import InstructionQueue
    from lpuasm.vm.mem import Generator


@dataclass(slots=True)
class Moment:
    """What falls due in one cycle, in the order in which it happens.

    ``commits``: results that reach their registers and state that changes, with the identity of the word that did it;
    ``notified``: a barrier notification arrives; ``queues`` whose next word may go; ``generators`` that issue;
    ``operations``: issues that sample their operands; ``holds``: banks that issues use, as a mask.
    """

    commits: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    notified: bool = False
    queues: list[InstructionQueue] = field(default_factory=list)
    generators: list[Generator] = field(default_factory=list)
    operations: list[Issue] = field(default_factory=list)
    holds: list[tuple[Issue, int]] = field(default_factory=list)

    def copy(self) -> Moment:
        """The same things to happen; what they happen to is shared."""
        return Moment(
            self.commits.copy(),
            self.notified,
            self.queues.copy(),
            self.generators.copy(),
            self.operations.copy(),
            self.holds.copy(),
        )


class Agenda:
    """Moments by cycle; cycles in which nothing happens have none."""

    def __init__(self) -> None:
        self._moments: dict[int, Moment] = {}
        self._cycles: list[int] = []

    def at(self, cycle: int) -> Moment:
        """The moment of ``cycle``, to add to it."""
        moment = self._moments.get(cycle)
        if moment is None:
            moment = self._moments[cycle] = Moment()
            heapq.heappush(self._cycles, cycle)
        return moment

    def copy(self) -> Agenda:
        """An agenda of the same moments, which goes its own way from here on."""
        other = Agenda()
        other._moments = {cycle: moment.copy() for cycle, moment in self._moments.items()}
        other._cycles = self._cycles.copy()
        return other

    @property
    def next(self) -> int | None:
        """The first cycle in which something happens."""
        return self._cycles[0] if self._cycles else None

    def done(self, cycle: int) -> None:
        """Forgets ``cycle``, which is the first."""
        assert heapq.heappop(self._cycles) == cycle
        del self._moments[cycle]
