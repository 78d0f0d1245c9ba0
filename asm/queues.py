"""Level (a): the words of a queue, in order, as they are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from lpuasm.asm.columns import Chunks
from lpuasm.asm.dims import nest
from lpuasm.asm.encode import Site, bound, encode, find
from lpuasm.asm.frames import Frame
from lpuasm.asm.problems import Problems
from lpuasm.asm.rows import Row, Run
from lpuasm.asm.syntax import QueueSection, Statement
from lpuasm.isa.core import Definition
from lpuasm.isa.errors import AssemblyError, Diagnostic, Span, error
from lpuasm.isa.operands import OperandError
from lpuasm.isa.suggest import did_you_mean
from lpuasm.isa.target import Queue


@dataclass(slots=True)
class Image:
    """The words of one queue so far as rows without cycles, and the first section that they are from."""

    queue: Queue
    span: Span
    items: list[Row | Run] = field(default_factory=list)


def images(sections: list[QueueSection], site: Site, problems: Problems) -> dict[str, Image]:
    """The words of all ``.queue`` sections, those of several sections of one queue after each other."""
    found: dict[str, Image] = {}
    chunks = Chunks(site)
    for section in sections:
        queue = site.target.queue.get(section.name)
        if queue is None:
            problems.add(_no_queue(section, site))
            continue
        image = found.setdefault(queue.name, Image(queue, section.span))
        encode = partial(_rows, queue=queue, site=site)
        for item in section.items:
            if isinstance(item, Statement):
                one_by_one = [item]
            elif run := chunks.words(item, queue, encode):
                image.items.append(run)
                continue
            else:
                one_by_one = [statement for _, statement in item.lines()]
            for statement in one_by_one:
                with problems:
                    image.items += encode(statement)
    return found


def _rows(statement: Statement, queue: Queue, site: Site) -> list[Row]:
    return [Row(queue, 0, _word(statement, queue, site), 0, 1, statement)]


def _word(statement: Statement, queue: Queue, site: Site) -> int:
    definition = find(statement, site, (queue.kind,), queue.name)
    if statement.pin is not None:
        message = "a word stands in the queue of its section"
        raise AssemblyError(statement.error("LPU0416", message, statement.pin.span, help="leave the `@` out"))
    if definition.mnemonic == "repeat":
        return repeat_word(statement, definition)
    operands = bound(statement, definition, queue, site, statement.inputs, "plane")
    encoded = encode(statement, operands, queue, site)
    if encoded.repeat:
        message = "a word a line: the repeat is a word of its own"
        raise AssemblyError(
            statement.error("LPU0408", message, statement.repeats[0].span, help="write it on the next line")
        )
    return encoded.word


def repeat_word(statement: Statement, definition: Definition) -> int:
    """The word of ``repeat n [every d] [step s]`` written as a statement; more dimensions follow in the same way."""
    if not any(repeat.count > 1 for repeat in statement.repeats):
        message = "a repeat of one issue repeats nothing"
        raise AssemblyError(statement.error("LPU0408", message, help="leave it out"))
    try:
        return definition.encode({"repeat": nest(statement, 0)})
    except OperandError as e:
        raise AssemblyError(statement.error("LPU0408", e.message)) from None


def _no_queue(section: QueueSection, site: Site) -> Diagnostic:
    names = [q.name for q in site.target.queues]
    help_ = did_you_mean(section.name, names)
    within = [q.name for q in site.target.queues if section.name in (q.unit, q.name.rpartition(".")[0])]
    if within and len(within) <= 16:
        help_ = f"its queues are {', '.join(within)}; lines with cycles go to `.unit {section.name}`"
    message = f"{site.target.name} has no queue `{section.name}`"
    return framed(error("LPU0417", message, section.span, help=help_), section.frames)


def framed(diagnostic: Diagnostic, frames: tuple[Frame, ...]) -> Diagnostic:
    """A diagnostic of a section, with the macros and loops it is from."""
    return Diagnostic(
        diagnostic.code, diagnostic.message, diagnostic.span, diagnostic.label,
        (*diagnostic.related, *(f.related() for f in reversed(frames))), diagnostic.help, diagnostic.severity,
    )  # fmt: skip
