"""The pass that lowers flows: to rigid bodies, to places in time, to rows."""

from __future__ import annotations

from lpuasm.asm.body import Word
from lpuasm.asm.draft import Draft, Meant
from lpuasm.asm.forms import Forms
from lpuasm.asm.frames import Frame
from lpuasm.asm.lines import body_of, stretches
from lpuasm.asm.place import Placed, Placement
from lpuasm.asm.rows import Row
from lpuasm.asm.syntax import After, Flow, Statement, UnitSection, With
from lpuasm.isa.core import table
from lpuasm.isa.errors import AssemblyError, Span
from lpuasm.isa.operands import OperandError, Value

Known = tuple[int, int, Value]
Encoded = tuple[int, int, int]


def flows(draft: Draft) -> None:
    """Places the flows of the source among its schedule lines, in the order of the text."""
    if not any(isinstance(section, Flow) for section in draft.source.sections):
        return
    placement = Placement.empty(draft.target)
    rows = [*draft.rows, *(row for run in draft.runs for row in run.rows())]
    lines: dict[tuple[Span, tuple[Frame, ...]], list[Row]] = {}
    for row in rows:
        lines.setdefault((row.statement.span, row.statement.frames), []).append(row)
    # What lines hold is known from the outset: a flow that comes before them in the text leaves it free.
    for row in rows:
        placement.hold(body_of(row, draft.target), row.cycle)
    if rows:
        placement.occupancy.take(stretches(rows, draft.target), 0)
    forms = Forms(draft.target, {tensor.name: tensor for tensor in draft.tensors})
    unplaced: set[str] = set()
    encoded: dict[Known, Encoded] = {}
    for section in draft.source.sections:
        with draft.problems:
            if isinstance(section, Flow):
                unplaced.add(section.name)
                body = forms.lower(section)
                if isinstance(section.start, After | With) and section.start.flow in unplaced - {section.name}:
                    continue  # what is wrong with the other one has been said
                _add(draft, placement.place(body), len(draft.flows), encoded)
                unplaced.discard(section.name)
            elif isinstance(section, UnitSection):
                for _, statement in section.lines:
                    for row in lines.get((statement.span, statement.frames), ()):
                        placement.line(body_of(row, draft.target), row.cycle)
    draft.placed = placement.placed


def _add(draft: Draft, placed: Placed, number: int, known: dict[Known, Encoded]) -> None:
    """Adds the rows of a flow. ``known``: words that bodies of one form share, by form, index and stepped operand."""
    body, start = placed.body, placed.start
    rows = []
    for k, (word, statement) in enumerate(zip(body.words, body.statements, strict=True)):
        key = body.form, k, word.values.get(word.definition.steps)
        encoded = known.get(key)
        if encoded is None:
            encoded = _encoded(draft, word, statement)
            if body.form >= 0:
                known[key] = encoded
        rows.append(Row(word.queue, start + word.time, *encoded, statement, number))
    draft.rows += rows
    draft.meant += [
        Meant(rows[reader], operand, stream, rows[writer]) for reader, operand, stream, writer in body.intent
    ]
    draft.flows.append(body.flow.name)
    draft.starts.append(placed.start)


def _encoded(draft: Draft, word: Word, statement: Statement) -> Encoded:
    """The instruction word, the `repeat` after it, and for how many cycles they hold the queue."""
    definition, values = word.definition, {k: v for k, v in word.values.items() if k != "immediate"}
    own = definition.operand.get("repeat")
    repeat = 0
    try:
        if own is not None:
            values["repeat"] = word.dims
        elif word.dims:
            again = table(draft.target).find(definition.queues[0], "repeat")
            assert again is not None
            repeat = again.encode({"repeat": word.dims})
        encoded = definition.encode(values)
    except OperandError as e:
        raise AssemblyError(statement.error("LPU0407", e.message)) from None
    return encoded, repeat, 1 if own is not None else word.last - word.time + 1
