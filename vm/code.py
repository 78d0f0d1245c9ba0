"""Words decoded once: what a queue needs to issue an instruction again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lpuasm.isa.core import Definition, Instruction, table, vxm_reach
from lpuasm.isa.errors import ObjectError, error
from lpuasm.isa.operands import Dim, OperandError, Streams, Value
from lpuasm.isa.program import Program
from lpuasm.isa.target import DIRECTIONS, Queue, Target
from lpuasm.vm.state import identity


@dataclass(frozen=True, slots=True)
class Port:
    """A stream operand: its direction (index into DIRECTIONS) and group, and the SR that the unit reads or drives.

    ``tap`` is None where the unit has none. ``meant``: for each stream the words that it is to hear; None: any.
    """

    operand: int
    way: int
    streams: Streams
    tap: int | None
    meant: tuple[frozenset[int] | None, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Code:
    """One word of a queue.

    ``illegal``: what is wrong with the word whenever it dispatches: (code, message). ``sibling``: the number of the
    queue that a pair instruction claims besides its own. ``func``, ``skew``, ``banks`` are those of its timing.
    """

    queue: Queue
    word: int
    identity: int
    instruction: Instruction
    definition: Definition
    values: Mapping[str, Value]
    ports: Mapping[str, Port]
    illegal: tuple[tuple[str, str], ...]
    sibling: int | None
    func: int = field(init=False)
    skew: int = field(init=False)
    banks: tuple[bool, int] | None = field(init=False)

    def __post_init__(self) -> None:
        for name in ("func", "skew", "banks"):
            object.__setattr__(self, name, getattr(self.definition.timing, name))

    @property
    def nest(self) -> tuple[Dim, ...]:
        """The dimensions of its `repeat` operand; none if it has no such operand."""
        dims = self.values.get("repeat", ())
        assert isinstance(dims, tuple)
        return dims

    def number(self, name: str) -> int:
        """The value of a number or flag."""
        value = self.values[name]
        assert isinstance(value, int)
        return value


Intent = Mapping[tuple[int, int, int, int], frozenset[int]]


def intent(program: Program) -> Intent:
    """The intent table by (reader queue, word, operand, stream): the identities of the words that it may hear."""
    found: dict[tuple[int, int, int, int], set[int]] = {}
    for *reader, queue, word in program.intent.tolist():
        found.setdefault((reader[0], reader[1], reader[2], reader[3]), set()).add(identity(queue, word))
    return {reader: frozenset(writers) for reader, writers in found.items()}


def decode(program: Program) -> dict[str, list[Code]]:
    """The words of every queue of a streaming program, decoded.

    Raises:
        ObjectError: a word is not one of an instruction that its queue takes.
    """
    target, instructions, meant = program.target, table(program.target), intent(program)
    siblings = {(q.kind, q.hemisphere, q.index): q.number for q in target.queues}
    out: dict[str, list[Code]] = {}
    for name in program.queues:
        queue = target.queue[name]
        codes = out[name] = []
        for word in range(len(program.queues[name])):
            try:
                instruction = instructions.decode(program.word(name, word), queue.kind)
            except OperandError as e:
                message = f"word {word} of {name} is not an instruction: {e.message}"
                raise ObjectError(error("LPU0602", message, program.span(name, word))) from None
            sibling = siblings.get((queue.kind, queue.hemisphere, 1)) if instruction.paired else None
            codes.append(_code(target, queue, word, instruction, sibling, meant))
    return out


def _code(
    target: Target, queue: Queue, word: int, instruction: Instruction, sibling: int | None, meant: Intent
) -> Code:
    definition, values = instruction.definition, instruction.values
    ports: dict[str, Port] = {}
    for index, operand in enumerate(definition.operands):
        value = values[operand.name]
        if not isinstance(value, Streams):
            continue
        find = target.drive_tap if operand.role == "out" else target.read_tap
        wanted = tuple(
            meant.get((queue.number, word, index, stream)) for stream in range(value.base, value.base + value.size)
        )
        ports[operand.name] = Port(
            index,
            DIRECTIONS.index(value.direction),
            value,
            find(queue, value.direction),
            wanted if any(wanted) else (),
        )
    illegal = [("LPU0311", message) for message in _unreachable(target, queue, instruction, ports)]
    if sibling is not None and queue.index:
        illegal.append(("LPU0306", "an instruction of the pair of planes stands in a queue of plane 0"))
    return Code(
        queue, word, identity(queue.number, word), instruction, definition, values, ports, tuple(illegal), sibling
    )


def _unreachable(target: Target, queue: Queue, instruction: Instruction, ports: Mapping[str, Port]) -> list[str]:
    """What the instruction asks of its unit that the unit is not wired for."""
    found = []
    for port in ports.values():
        if port.tap is None:
            found.append(f"{queue} has no tap for {port.streams}")
    if queue.kind == "vxm" and instruction.definition.unit == "vxm":
        rows, large = vxm_reach()
        reach = rows[queue.index // 4]
        for port in ports.values():
            if port.streams.base // 4 not in reach:
                groups = ", ".join(str(group) for group in reach)
                found.append(f"{queue} reaches the groups {groups} of four streams, not {port.streams}")
        if instruction.definition.large and queue.index not in large:
            found.append(f"{instruction.mnemonic} needs a large ALU, which {queue} is not")
    if instruction.mnemonic == "distribute":
        for port in ports.values():
            if port.streams.size == 8 and port.streams.base != 8 * queue.index:
                found.append(f"{queue} serves sg8.{port.streams.direction}[{queue.index}], not {port.streams}")
    link = instruction.values.get("link")
    if isinstance(link, int) and link >= target.geometry.links:
        found.append(f"{target.name} has no link {link}")
    return found
