"""Faults in time: what breaks a rule, where and when, and how it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lpuasm.isa.core import table, vxm_reach
from lpuasm.isa.errors import Diagnostic, Related, error
from lpuasm.isa.operands import OperandError, Streams
from lpuasm.isa.program import Program


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule of time that a program breaks, charged to a word of a queue (by number) in a cycle.

    ``other_queue``, ``other_word``: the other party, −1 where there is none. ``operand``: of the charged word.
    ``direction``, ``stream``, ``register``: the stream register; ``bank``: of the slice; ``value``: the address, group,
    lane or link. ``late_by``: of an operand that hears nothing, or not what was meant, by how many cycles its dispatch
    comes after the nearest value that it could hear (negative: before it); None where there is none.
    """

    cycle: int
    queue: int
    word: int
    code: str
    other_queue: int = -1
    other_word: int = -1
    operand: str = ""
    direction: str = ""
    stream: int = -1
    register: int = -1
    bank: int = -1
    value: int = -1
    late_by: int | None = None

    @property
    def order(self) -> tuple[int, int, str, int]:
        """Faults come in the order of cycle, number of the queue, code; then of words."""
        return self.cycle, self.queue, self.code, self.word

    @property
    def place(self) -> str:
        """The stream register, as text."""
        return f"s{self.stream}.{self.direction} at SR{self.register}"


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told of a fault: the message, what stands under the charged word, before the other one, the way out."""

    message: str
    label: str = ""
    other: str = ""
    help: str = ""


def describe(program: Program, violation: Violation) -> Diagnostic:
    """The diagnostic of a violation: both parties with their places in the source, the cell, the cycle, the way out."""
    v, queue = violation, program.target.queues[violation.queue].name
    telling = TELLINGS[v.code](program, v)
    related = []
    if v.other_queue >= 0:
        name = program.target.queues[v.other_queue].name
        text = f"{telling.other}: {named(program, v.other_queue, v.other_word)}"
        related.append(Related(text, program.span(name, v.other_word)))
    message = f"{telling.message}: {named(program, v.queue, v.word)}"
    return error(
        v.code,
        message,
        program.span(queue, v.word),
        label=telling.label,
        related=tuple(related),
        help=telling.help,
    )


def named(program: Program, queue: int, word: int) -> str:
    """A word as a reader knows it: its text, where it is, and the flow that it belongs to."""
    name = program.target.queues[queue].name
    try:
        text = str(table(program.target).decode(program.word(name, word)))
    except OperandError:
        text = f"{program.word(name, word):#034x}"
    flow = program.flow(name, word)
    return f"`{text}` (word {word} of {name}{f', flow {flow}' if flow else ''})"


def _twice(program: Program, v: Violation) -> Telling:
    return Telling(
        f"two values enter {v.place} in cycle {v.cycle}",
        f"this value enters SR{v.register} in cycle {v.cycle}",
        "so does that of",
        "dispatch one of them in another cycle, or use another stream",
    )


def _silent(program: Program, v: Violation) -> Telling:
    help = "drive the stream upstream of it first: a value moves one register a cycle"
    if v.late_by:
        help = f"the nearest value is there in cycle {v.cycle - v.late_by}: dispatch this {_shift(v.late_by)}"
    return Telling(
        f"nothing is on {v.place} in cycle {v.cycle}", f"operand {v.operand} is sampled in cycle {v.cycle}", "", help
    )


def _banks(program: Program, v: Violation) -> Telling:
    return Telling(
        f"bank {v.bank} of {program.target.queues[v.queue].name} is used twice in cycle {v.cycle}",
        f"this holds the bank in cycle {v.cycle}",
        "so does",
        "use the other bank, or dispatch one of them in another cycle; a read holds its bank in the cycle of its "
        "dispatch, a write three cycles later, gather and scatter hold both banks",
    )


def _generator(program: Program, v: Violation) -> Telling:
    return Telling(
        f"the address generator is still issuing in cycle {v.cycle}",
        "this would start it again",
        "it issues",
        "start this after the last issue of the other, or put the data in another slice",
    )


def _repeat(program: Program, v: Violation) -> Telling:
    help = "`repeat` follows the instruction that it repeats; instructions of MEM have `repeat` clauses of their own"
    return Telling("there is no instruction before it that can be repeated so", "", "", help)


def _pair(program: Program, v: Violation) -> Telling:
    if v.other_queue < 0:
        queue = program.target.queues[v.queue]
        return Telling(
            f"an instruction of the pair of planes stands in {queue.name}", "", "", "put it in the queue of plane 0"
        )
    return Telling(
        f"{program.target.queues[v.queue].name} is claimed in cycle {v.cycle}",
        f"this dispatches in cycle {v.cycle}",
        "an instruction of the pair of planes claims the queue in that cycle",
        "dispatch one of them in another cycle",
    )


def _result(program: Program, v: Violation) -> Telling:
    queue = program.target.queues[v.queue]
    what = f"an ALU has no result for operand {v.operand}" if v.operand else "no result of the plane reaches ACC"
    help = "dispatch it when the result is there: an ALU's comes at a fixed time after its dispatch and does not wait"
    if v.late_by:
        help = f"the nearest result is there in cycle {v.cycle - v.late_by}: dispatch this {_shift(v.late_by)}"
    return Telling(f"{what} in cycle {v.cycle}", f"{queue.name} takes it in cycle {v.cycle}", "", help)


def _links(program: Program, v: Violation) -> Telling:
    return Telling(
        f"the links of this pass do not go one way, or join rows that are not wired, in cycle {v.cycle}",
        "",
        "it takes the result of",
        "all links of a pass lead to higher columns of ALUs (number modulo 4), or all to lower ones, between rows that "
        "share a group of four streams",
    )


def _sync(program: Program, v: Violation) -> Telling:
    return Telling(
        "no notification ever releases this sync",
        f"the queue waits here from cycle {v.cycle}",
        "",
        f"let a queue `notify` so that it arrives after cycle {v.cycle}; earlier notifications are lost",
    )


def _beyond(program: Program, v: Violation) -> Telling:
    mnemonic = _mnemonic(program, v)
    what, of = {"lw": ("group", "plane"), "iw": ("group", "plane"), "broadcast": ("lane", "vector")}.get(
        mnemonic, ("address", f"slice, which has words 0 … {program.target.words - 1}")
    )
    message = f"{what} {v.value} is outside the {of}"
    return Telling(message, f"reached in cycle {v.cycle}", "", "repeat fewer times, or start elsewhere")


def _reach(program: Program, v: Violation) -> Telling:
    target, queue = program.target, program.target.queues[v.queue]
    instruction = table(target).decode(program.word(queue.name, v.word))
    group = instruction.values.get(v.operand)
    help = f"`lpuasm isa {instruction.mnemonic}` says what the unit reaches"
    if not isinstance(group, Streams):
        if instruction.definition.large:
            large = ", ".join(str(alu) for alu in sorted(vxm_reach()[1]))
            return Telling(f"{queue.name} is not a large ALU", help=f"large ALUs are {large}")
        return Telling(f"{target.name} has no such link", help=f"its links are 0 … {target.geometry.links - 1}")
    out = instruction.definition.operand[v.operand].role == "out"
    tap = (target.drive_tap if out else target.read_tap)(queue, group.direction)
    if tap is None:
        return Telling(f"{queue.name} {'drives' if out else 'hears'} no streams to the {group.direction}", help=help)
    if queue.kind == "vxm":
        groups = ", ".join(str(g) for g in vxm_reach()[0][queue.index // 4])
        help = f"the row of {queue.name} reaches the groups {groups} of four streams; use one of them, or another ALU"
    return Telling(f"{queue.name} does not reach {group}", help=help)


def _busy(program: Program, v: Violation) -> Telling:
    return Telling(
        f"link {v.value} is still busy in cycle {v.cycle}",
        f"this would send in cycle {v.cycle}",
        "with the vector of",
        f"a link takes a vector every {program.target.c2c.packet_cycles} cycles",
    )


def _arrived(program: Program, v: Violation) -> Telling:
    return Telling(
        f"no vector has arrived over link {v.value} in cycle {v.cycle}",
        "",
        "",
        f"a vector arrives {program.target.c2c.latency} cycles after it was sent on link "
        f"{program.target.c2c.loopback.index(v.value)}",
    )


def _meant(program: Program, v: Violation) -> Telling:
    if v.late_by is None:
        why, help = "what was meant never comes there", "give the value that is meant a way to this operand"
    elif v.late_by == 0:
        why, help = "what was meant was driven over on the way", "use another stream for one of them"
    else:
        early = "early" if v.late_by < 0 else "late"
        why = f"this comes {abs(v.late_by)} cycles too {early} for what was meant"
        help = f"dispatch this {_shift(v.late_by)}"
    return Telling(
        f"{v.place} holds another value than was meant in cycle {v.cycle}: {why}",
        f"operand {v.operand} is sampled in cycle {v.cycle}",
        "it hears",
        help,
    )


def _shift(late_by: int) -> str:
    return f"{abs(late_by)} cycle{'s' if abs(late_by) != 1 else ''} {'earlier' if late_by > 0 else 'later'}"


def _mnemonic(program: Program, v: Violation) -> str:
    word = program.word(program.target.queues[v.queue].name, v.word)
    return table(program.target).by_opcode[word & 0xFF].mnemonic


#: How each code is told.
TELLINGS: Mapping[str, Callable[[Program, Violation], Telling]] = {
    "LPU0301": _twice,
    "LPU0302": _silent,
    "LPU0303": _banks,
    "LPU0304": _generator,
    "LPU0305": _repeat,
    "LPU0306": _pair,
    "LPU0307": _result,
    "LPU0308": _links,
    "LPU0309": _sync,
    "LPU0310": _beyond,
    "LPU0311": _reach,
    "LPU0312": _busy,
    "LPU0313": _arrived,
    "LPU0314": _meant,
}
