"""Expansion: macros, loops, conditions, files and expressions, until only numbers are left.

``expand`` walks the lines of a file with a stack of its own, so that no text can exhaust Python's,
and hands each line to the module for its kind. Everything wrong is collected; a line with an error says
nothing, and a name whose definition failed is not reported again where it is used.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from lpuasm.asm import define, files, gather, macros
from lpuasm.asm.block import Block
from lpuasm.asm.blocks import Loop, Macro, Node
from lpuasm.asm.expressions import Evaluator
from lpuasm.asm.frames import Frame
from lpuasm.asm.include import include_file, lines_of
from lpuasm.asm.problems import Problem
from lpuasm.asm.scope import Scope, Unbound
from lpuasm.asm.state import MAX_ERRORS, File, State, Step, Stop
from lpuasm.asm.syntax import NOTES, Flow, Source, UnitSection
from lpuasm.asm.tree import Directive, FlowLine, Line, StatementLine, TensorLine
from lpuasm.isa.errors import AssemblyError, Diagnostic, error
from lpuasm.isa.suggest import did_you_mean

MAX_LINES = 2_000_000
"""Lines after expansion."""


def expand(
    text: str,
    name: str = "<text>",
    *,
    defines: Mapping[str, int | float] | None = None,
    include: Sequence[Path] = (),
    library: Sequence[Path] = (),
    target: str | None = None,
    symbols_of: Callable[[str | None], Mapping[str, int]] = lambda target: {},
    sources: dict[str, str] | None = None,
) -> Source:
    """A source, expanded and evaluated; raises AssemblyError with up to MAX_ERRORS diagnostics.

    ``name`` is the main file's in all places, and where its .include looks first. ``target`` is the
    one the caller wants; ``symbols_of`` gives the symbols of the target that the text or the caller
    names (None: the default one), and may raise LpuError. ``sources`` is filled with the text of
    every file read, by its name in spans, for :func:`lpuasm.asm.render.render`.
    """
    texts = {} if sources is None else sources
    state = State(defines or {}, include, library, target, symbols_of, texts)
    with without_collector():
        return _run(state, text, name)


@contextmanager
def without_collector() -> Iterator[None]:
    """Trees have no cycles, and looking for some takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _run(state: State, text: str, name: str) -> Source:
    folder = files.beside(name)
    found = None if folder is None else files.Found(Path(name), Path(name).name)
    if found is not None:
        state.read.add(found.path.resolve())
    try:
        nodes = lines_of(state, text, name, ())
        if state.diagnostics:
            raise Stop
        _walk(state, Step(iter(nodes), state.top, (), File(found, False)))
        _finish(state)
    except Stop:
        pass
    if state.diagnostics:
        order = {file: i for i, file in enumerate(state.sources)}
        raise AssemblyError(*sorted(state.diagnostics.values(), key=lambda d: _place(d, order))[:MAX_ERRORS])
    return Source(
        state.target, state.target_span, tuple(state.names.tensors.values()), tuple(state.sections), state.params,
        state.equs, state.externs, state.labels, _unused(state), tuple(state.notes),
    )  # fmt: skip


def _walk(state: State, first: Step) -> None:
    stack = [first]
    while stack:
        step = stack[-1]
        node = next(step.nodes, None)
        if node is None:
            stack.pop()
            continue
        state.lines += 1
        if state.lines > MAX_LINES:
            _too_large(state, step, node)
        if isinstance(node, Step):
            stack.append(node)
            continue
        try:
            entered = _node(state, node, step)
        except Problem as e:
            state.report(e.diagnostic, step.frames)
            continue
        if entered is not None:
            stack.append(entered)


def _node(state: State, node: Node, step: Step) -> Step | None:
    if isinstance(node, Line):
        return _line(state, node, step)
    if isinstance(node, Block):
        return _block(state, node, step)
    state.meaning = None
    if isinstance(node, Macro):
        macros.define(state, node, step)
        return None
    if isinstance(node, Loop):
        return _loop(state, node, step)
    for line, body in node.branches:
        directive = line.template.body
        assert isinstance(directive, Directive)
        condition = directive.values[0] if directive.values else None
        if condition is None or Evaluator(line, step.scope, state.names).number(condition):
            return Step(iter(body), step.scope, step.frames, step.file)
    return None


def _block(state: State, node: Block, step: Step) -> Step | None:
    state.lines += len(node.rows) - 1
    if state.lines <= MAX_LINES and gather.block(state, node, step):
        return None
    state.lines -= len(node.rows)
    return Step(iter(node.lines()), step.scope, step.frames, step.file)


def _line(state: State, line: Line, step: Step) -> Step | None:
    template = line.template
    evaluator = Evaluator(line, step.scope, state.names)
    cycle: int | None = None
    if template.prefix is not None:
        if state.open is not None and state.open.kind == "unit":
            cycle = evaluator.integer(template.prefix)
        else:
            gather.label(state, evaluator, template.prefix)
    body = template.body
    if isinstance(body, StatementLine):
        return _statement(state, evaluator, body, cycle, step)
    if cycle is not None:
        assert template.prefix is not None
        help_ = "write `cycle: statement`"
        raise evaluator.problem("LPU0109", "a cycle stands before a statement", template.prefix, help_)
    if isinstance(body, Directive):
        return _directive(state, evaluator, body, step)
    if isinstance(body, FlowLine):
        gather.flow(state, evaluator, body, step)
    elif isinstance(body, TensorLine):
        state.meaning = None
        define.declare(state, evaluator, body, step)
    return None


def _statement(state: State, evaluator: Evaluator, body: StatementLine, cycle: int | None, step: Step) -> Step | None:
    mnemonic = evaluator.text(body.mnemonic)
    definition = state.macros.get(mnemonic)
    if definition is None:
        gather.add(state, evaluator, body, mnemonic, cycle, step)
        return None
    if cycle is not None:
        message = f"`{mnemonic}` is a macro; the lines inside it have the cycles"
        raise evaluator.problem("LPU0109", message, body.mnemonic, "give the cycle as an argument")
    return macros.call(state, evaluator, body, mnemonic, definition, step)


def _directive(state: State, evaluator: Evaluator, body: Directive, step: Step) -> Step | None:
    if body.kind not in ("unit", "queue"):
        state.meaning = None
    match body.kind:
        case "target":
            define.target(state, evaluator, body)
        case "param":
            define.param(state, evaluator, body, step)
        case "equ":
            define.equ(state, evaluator, body, step)
        case "def":
            define.function(state, evaluator, body, step)
        case "extern":
            define.extern(state, evaluator, body)
        case "include" | "import":
            return include_file(state, evaluator, body, step)
        case "unit" | "queue":
            gather.unit(state, evaluator, body, step)
        case kind if kind in NOTES:
            gather.note(state, evaluator, body)
    return None


def _loop(state: State, node: Loop, step: Step) -> Step | None:
    body = node.line.template.body
    assert isinstance(body, Directive)
    evaluator = Evaluator(node.line, step.scope, state.names)
    variable = evaluator.text(body.names[0], dotted=False)
    first, last, *steps = [evaluator.integer(value) for value in body.values if value is not None]
    pace = steps[0] if steps else 1
    place = evaluator.span(body.names[0])
    span = evaluator.line.span(body.start, body.end)
    if pace == 0:
        assert body.values[2] is not None
        raise evaluator.problem("LPU0217", "a step of 0 never ends", body.values[2], "leave it out for steps of 1")
    turns = range(first, last, pace)
    size = max(len(node.body), 1)
    if max(0, -(-(last - first) // pace)) * size > MAX_LINES - state.lines:
        help_ = "is one of its bounds wrong? `repeat` says the same in one line"
        message = f"this loop alone expands to more than {MAX_LINES} lines"
        state.report(error("LPU0210", message, span, help=help_), step.frames)
        raise Stop

    def iterations() -> Iterator[Step]:
        for i in turns:
            scope = Scope(step.scope, step.scope.macro, {variable: i}, {variable: place})
            frames = (*step.frames, Frame("for", f"{variable} = {i}", span))
            yield Step(iter(node.body), scope, frames, step.file)

    return Step(iterations(), step.scope, step.frames, step.file)


def _too_large(state: State, step: Step, node: Node | Step) -> None:
    span = step.frames[-1].span if step.frames else None
    if isinstance(node, Line):
        span = node.span(0, 1)
    state.report(error("LPU0210", f"the source expands to more than {MAX_LINES} lines", span), step.frames)
    raise Stop


def _finish(state: State) -> None:
    gather.end(state)
    for other, span, frames in state.relations:
        if other not in state.flows:
            help_ = did_you_mean(other, state.flows, "a flow refers to those that stand before it")
            state.report(error("LPU0219", f"there is no flow `{other}`", span, help=help_), frames)
    if state.scalar is not None and len(state.sections) > 1:
        help_ = "open a section before it: .queue, .unit or flow"
        state.report(error("LPU0109", "a statement outside of a section", state.scalar.span, help=help_), ())
    _undefined_defines(state)
    state.symbols()
    if any(isinstance(section, Flow) for section in state.sections):  # which see the lines before them one by one
        state.sections = [replace(s, items=s.lines) if isinstance(s, UnitSection) else s for s in state.sections]


def _undefined_defines(state: State) -> None:
    if state.scalar is not None:
        return
    known = {
        **state.params,
        **state.externs,
        **dict.fromkeys(n for n, b in state.top.names.items() if isinstance(b, Unbound)),
    }
    for name in state.defines:
        if name in state.params or name in state.externs:
            continue
        help_ = did_you_mean(name, known)
        if not help_:
            help_ = "its parameters are " + ", ".join(known) if known else "it has no parameters"
        state.report(error("LPU0211", f"-D {name}: the source has no parameter `{name}`", help=help_), ())


def _unused(state: State) -> dict[str, int | float]:
    if state.scalar is None:
        return {}
    return {name: value for name, value in state.defines.items() if name not in state.params}


def _place(diagnostic: Diagnostic, order: Mapping[str, int]) -> tuple[int, int, int]:
    span = diagnostic.span
    return (order.get(span.file, 1 << 30), span.line, span.column) if span else (-1, 0, 0)
