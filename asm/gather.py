"""Statements, labels and headers put into sections."""

from __future__ import annotations

from lpuasm.asm.block import Block
from lpuasm.asm.chunk import Chunk, Meaning
from lpuasm.asm.expressions import Evaluator
from lpuasm.asm.sections import Open
from lpuasm.asm.state import State, Step
from lpuasm.asm.statements import statement
from lpuasm.asm.syntax import After, At, Note, UnitRef, With
from lpuasm.asm.tree import Directive, Expr, FlowLine, LocalName, Name, StatementLine


def label(state: State, evaluator: Evaluator, prefix: Expr) -> None:
    """Keep a label for the next statement; raises Problem."""
    span = evaluator.span(prefix)
    if isinstance(prefix, LocalName):
        name = evaluator.local(prefix.name, prefix)
    elif isinstance(prefix, Name):
        name = evaluator.text(prefix, dotted=False)
    else:
        message = "a line begins with a cycle only in a .unit section"
        raise evaluator.problem("LPU0109", message, prefix, "open one with `.unit mem.w0`, or give a label")
    state.once("label", name, span, state.labels.get(name))
    state.labels[name] = span
    state.pending.append(name)


def add(state: State, evaluator: Evaluator, body: StatementLine, mnemonic: str, cycle: int | None, step: Step) -> None:
    """Put a statement into the section that is open; raises Problem where it has no place there."""
    if state.open is None:
        state.open = state.scalar = Open("scalar", evaluator.line.span(0, 1))
    made = statement(evaluator, body, mnemonic, step.frames, tuple(state.pending))
    state.pending.clear()
    if state.open.kind == "queue":
        state.open.words.append(made)
    elif state.open.kind != "unit":
        state.open.statements.append(made)
    elif cycle is None:
        message = "a line of a .unit section begins with its cycle"
        raise evaluator.problem("LPU0109", message, body.mnemonic, f"write `0: {mnemonic} …`")
    else:
        state.open.lines.append((cycle, made))


def block(state: State, lines: Block, step: Step) -> bool:
    """Put a block into the .unit or .queue section that is open; whether it was, for not every block can be there."""
    if state.open is None or state.open.kind not in ("unit", "queue") or state.pending or step.scope is not state.top:
        return False
    timed = state.open.kind == "unit"
    if (lines.kinds.timed[lines.kinds.kind[lines.rows]] != timed).any():
        return False
    meaning = state.meaning
    if meaning is None or meaning.kinds is not lines.kinds or meaning.frames != step.frames:
        meaning = state.meaning = Meaning(lines.kinds, step.scope, state.names, step.frames)
    if not meaning.learn(lines, state.macros):
        return False
    chunk = Chunk(lines, meaning)
    if timed:
        state.open.lines.append(chunk)
    else:
        state.open.words.append(chunk)
    return True


def _begin(state: State, section: Open) -> None:
    end(state)
    state.open = section


def end(state: State) -> None:
    """Close the section that is open."""
    labels = tuple(state.pending)
    state.pending.clear()
    if state.open is None and labels:
        state.open = state.scalar = Open("scalar", state.labels[labels[0]])
    if state.open is not None:
        state.sections.append(state.open.close(labels))


def unit(state: State, evaluator: Evaluator, body: Directive, step: Step) -> None:
    """Open a .unit or .queue section; raises Problem."""
    value = body.values[0]
    assert value is not None
    span = evaluator.line.span(body.start, body.end)
    named = evaluator.operand(value)
    if not isinstance(named, UnitRef):
        name = value.text if isinstance(value, Name) and value.pieces is None else ""
        if not name or evaluator.scope.get(name) is not None or name in state.names.tensors:
            raise evaluator.problem("LPU0215", f".{body.kind} needs the name of a unit, such as mem.w17", value)
        named = UnitRef(name, None, None, evaluator.span(value))
    if named.address is not None or (body.kind == "queue" and named.range is not None):
        raise evaluator.problem("LPU0215", f".{body.kind} takes one unit, without an address", value)
    _begin(state, Open(body.kind, span, step.frames, named.name, named if body.kind == "unit" else None))


def note(state: State, evaluator: Evaluator, body: Directive) -> None:
    """Keep what a listing states of its object file; raises Problem."""
    operands = tuple(evaluator.operand(value) for value in body.values if value is not None)
    state.notes.append(Note(body.kind, operands, evaluator.line.span(body.start, body.end)))


def flow(state: State, evaluator: Evaluator, body: FlowLine, step: Step) -> None:
    """Open a flow; raises Problem."""
    span = evaluator.line.span(body.start, body.end)
    name = evaluator.text(body.name, dotted=False)
    section = Open("flow", span, step.frames, name)
    _begin(state, section)
    place = evaluator.span(body.name)
    state.once("flow", name, place, state.flows.get(name))
    state.flows[name] = place
    if body.relation == "@":
        assert body.cycle is not None
        section.start = At(evaluator.integer(body.cycle), evaluator.span(body.cycle))
    elif body.other is not None:
        other, named = evaluator.text(body.other, dotted=False), evaluator.span(body.other)
        offset = sum(evaluator.integer(e) * (1 if sign == "+" else -1) for sign, e in body.offsets)
        section.start = (After if body.relation == "after" else With)(other, offset, named)
        state.relations.append((other, named, step.frames))
