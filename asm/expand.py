"""Expansion: macros, loops, conditions, files and expressions, until only numbers are left.

``expand`` walks the lines of a file with a stack of its own, so that no text can exhaust Python's,
and hands each line to :class:`Expansion`. Everything wrong is collected; a line with an error says
nothing, and a name whose definition failed is not reported again where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lpuasm.asm import files
from lpuasm.asm.blocks import Loop, Macro, Node, nest
from lpuasm.asm.declare import tensor
from lpuasm.asm.expressions import Evaluator, Problem
from lpuasm.asm.parser import Parser
from lpuasm.asm.scope import Bound, Extern, Names, Scope, Unbound, similar
from lpuasm.asm.sections import Open
from lpuasm.asm.statements import statement
from lpuasm.asm.syntax import (
    After,
    At,
    Frame,
    Number,
    Operand,
    Param,
    ScalarSection,
    Section,
    Source,
    UnitRef,
    With,
)
from lpuasm.asm.tree import (
    Directive,
    Expr,
    FlowLine,
    Keyword,
    Line,
    LocalName,
    Name,
    StatementLine,
    Str,
    TensorLine,
)
from lpuasm.isa.errors import AssemblyError, Diagnostic, LpuError, Related, Span, error

MAX_DEPTH = 100
"""Macros and files within each other."""
MAX_LINES = 5_000_000
"""Lines after expansion."""
MAX_ERRORS = 20
"""Errors reported in one run."""


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
    return Expansion(defines or {}, include, library, target, symbols_of, texts).run(text, name)


class _Stop(Exception):
    """Enough errors, or no use in going on."""


@dataclass(frozen=True, slots=True)
class _Enter:
    """A step of the walk: expand these nodes in that scope."""

    nodes: Iterator[Node | _Enter]
    scope: Scope
    frames: tuple[Frame, ...]
    file: _File


@dataclass(frozen=True, slots=True)
class _File:
    """The file that lines are from; ``found`` is None for text that is no file."""

    found: files.Found | None
    imported: bool


@dataclass(frozen=True, slots=True)
class _Definition:
    macro: Macro
    parameters: Mapping[str, Expr | None]
    span: Span
    file: _File


class Expansion:
    """The state of one expansion."""

    def __init__(
        self,
        defines: Mapping[str, int | float],
        include: Sequence[Path],
        library: Sequence[Path],
        target: str | None,
        symbols_of: Callable[[str | None], Mapping[str, int]],
        sources: dict[str, str],
    ) -> None:
        self.defines = defines
        self.include = include
        self.library = library
        self.wanted = target
        self.target: str | None = None
        self.target_span: Span | None = None
        self.symbols_of = symbols_of
        self.symbols: Mapping[str, int] | None = None
        self.sources = sources
        self.parser = Parser()
        self.names = Names(self._symbols)
        self.top = Scope(None, 0)
        self.macros: dict[str, _Definition] = {}
        self.params: dict[str, Param] = {}
        self.equs: dict[str, int | float] = {}
        self.externs: dict[str, Span] = {}
        self.labels: dict[str, Span] = {}
        self.flows: dict[str, Span] = {}
        self.relations: list[tuple[str, Span, tuple[Frame, ...]]] = []
        self.sections: list[Section] = []
        self.scalar: Open | None = None
        self.open: Open | None = None
        self.pending: list[str] = []
        self.read: set[Path] = set()
        self.diagnostics: dict[tuple[str, Span | None], Diagnostic] = {}
        self.lines = 0
        self.expansions = 0

    # The walk

    def run(self, text: str, name: str) -> Source:
        """Expand the main file."""
        folder = files.beside(name)
        found = None if folder is None else files.Found(Path(name), Path(name).name)
        if found is not None:
            self.read.add(found.path.resolve())
        try:
            nodes = self._file(text, name, ())
            if self.diagnostics:
                raise _Stop
            self._walk(_Enter(iter(nodes), self.top, (), _File(found, False)))
            self._finish()
        except _Stop:
            pass
        if self.diagnostics:
            order = {file: i for i, file in enumerate(self.sources)}
            raise AssemblyError(*sorted(self.diagnostics.values(), key=lambda d: _place(d, order))[:MAX_ERRORS])
        return Source(
            self.target, self.target_span, tuple(self.names.tensors.values()), tuple(self.sections), self.params,
            self.equs, self.externs, self.labels, self._unused(),
        )  # fmt: skip

    def _file(self, text: str, name: str, frames: tuple[Frame, ...]) -> list[Node]:
        self.sources[name] = text
        lines, problems = self.parser.parse(text, name)
        for problem in problems:
            self.report(problem, frames)
        nodes, problems = nest(lines)
        if not any(p.span and p.span.file == name for p in self.diagnostics.values()):
            for problem in problems:
                self.report(problem, frames)
        return nodes

    def _walk(self, first: _Enter) -> None:
        stack = [first]
        while stack:
            step = stack[-1]
            node = next(step.nodes, None)
            if node is None:
                stack.pop()
                continue
            self.lines += 1
            if self.lines > MAX_LINES:
                self._too_large(step, node)
            if isinstance(node, _Enter):
                stack.append(node)
                continue
            try:
                entered = self._node(node, step)
            except Problem as e:
                self.report(e.diagnostic, step.frames)
                continue
            if entered is not None:
                stack.append(entered)

    def _node(self, node: Node, step: _Enter) -> _Enter | None:
        if isinstance(node, Line):
            return self._line(node, step)
        if isinstance(node, Macro):
            self._macro(node, step)
            return None
        if isinstance(node, Loop):
            return self._loop(node, step)
        for line, body in node.branches:
            directive = line.template.body
            assert isinstance(directive, Directive)
            condition = directive.values[0] if directive.values else None
            if condition is None or Evaluator(line, step.scope, self.names).number(condition):
                return _Enter(iter(body), step.scope, step.frames, step.file)
        return None

    def _too_large(self, step: _Enter, node: Node | _Enter) -> None:
        span = step.frames[-1].span if step.frames else None
        if isinstance(node, Line):
            span = node.span(0, 1)
        self.report(error("LPU0210", f"the source expands to more than {MAX_LINES} lines", span), step.frames)
        raise _Stop

    def report(self, diagnostic: Diagnostic | None, frames: tuple[Frame, ...]) -> None:
        """Collect an error; the same one at the same place, from another turn of a loop, is not collected."""
        if diagnostic is None:
            return
        shown = tuple(frame.related() for frame in reversed(frames))
        if len(shown) > 8:
            shown = (*shown[:4], Related(f"… {len(shown) - 7} more …"), *shown[-3:])
        key = diagnostic.code, diagnostic.span
        if key not in self.diagnostics:
            self.diagnostics[key] = Diagnostic(
                diagnostic.code, diagnostic.message, diagnostic.span, diagnostic.label,
                diagnostic.related + shown, diagnostic.help, diagnostic.severity,
            )  # fmt: skip
        if len(self.diagnostics) >= MAX_ERRORS:
            raise _Stop

    # Lines

    def _line(self, line: Line, step: _Enter) -> _Enter | None:
        template = line.template
        evaluator = Evaluator(line, step.scope, self.names)
        cycle: int | None = None
        if template.prefix is not None:
            if self.open is not None and self.open.kind == "unit":
                cycle = evaluator.integer(template.prefix)
            else:
                self._label(evaluator, template.prefix)
        body = template.body
        if isinstance(body, StatementLine):
            return self._statement(evaluator, body, cycle, step)
        if cycle is not None:
            assert template.prefix is not None
            help_ = "write `cycle: statement`"
            raise evaluator.problem("LPU0109", "a cycle stands before a statement", template.prefix, help_)
        if isinstance(body, Directive):
            return self._directive(evaluator, body, step)
        if isinstance(body, FlowLine):
            self._flow(evaluator, body, step)
        elif isinstance(body, TensorLine):
            self._tensor(evaluator, body, step)
        return None

    def _label(self, evaluator: Evaluator, prefix: Expr) -> None:
        span = evaluator.span(prefix)
        if isinstance(prefix, LocalName):
            name = evaluator.local(prefix.name, prefix)
        elif isinstance(prefix, Name):
            name = evaluator.text(prefix, dotted=False)
        else:
            message = "a line begins with a cycle only in a .unit section"
            raise evaluator.problem("LPU0109", message, prefix, "open one with `.unit mem.w0`, or give a label")
        self._once("label", name, span, self.labels.get(name))
        self.labels[name] = span
        self.pending.append(name)

    def _statement(self, evaluator: Evaluator, body: StatementLine, cycle: int | None, step: _Enter) -> _Enter | None:
        mnemonic = evaluator.text(body.mnemonic)
        definition = self.macros.get(mnemonic)
        if definition is not None:
            if cycle is not None:
                message = f"`{mnemonic}` is a macro; the lines inside it have the cycles"
                raise evaluator.problem("LPU0109", message, body.mnemonic, "give the cycle as an argument")
            return self._call(evaluator, body, mnemonic, definition, step)
        section = self._section(evaluator.line)
        made = statement(evaluator, body, mnemonic, step.frames, tuple(self.pending))
        self.pending.clear()
        if section.kind != "unit":
            section.statements.append(made)
        elif cycle is None:
            message = "a line of a .unit section begins with its cycle"
            raise evaluator.problem("LPU0109", message, body.mnemonic, f"write `0: {mnemonic} …`")
        else:
            section.lines.append((cycle, made))
        return None

    def _section(self, line: Line) -> Open:
        if self.open is None:
            self.open = self.scalar = Open("scalar", line.span(0, 1))
        return self.open

    def _directive(self, evaluator: Evaluator, body: Directive, step: _Enter) -> _Enter | None:
        match body.kind:
            case "target":
                self._target(evaluator, body)
            case "param":
                self._param(evaluator, body, step)
            case "equ":
                self._equ(evaluator, body, step)
            case "extern":
                self._extern(evaluator, body)
            case "include" | "import":
                return self._include(evaluator, body, step)
            case "unit" | "queue":
                self._unit(evaluator, body, step)
        return None

    # Sections

    def _begin(self, section: Open) -> None:
        self._end()
        self.open = section

    def _end(self) -> None:
        if self.open is not None:
            labels = tuple(self.pending) if self.open.kind == "scalar" else ()
            closed = self.open.close(labels)
            if closed is not None:
                self.sections.append(closed)
        elif self.pending:
            self.sections.append(ScalarSection((), tuple(self.pending), self.labels[self.pending[0]]))
        if self.open is None or self.open.kind == "scalar":
            self.pending.clear()

    def _unit(self, evaluator: Evaluator, body: Directive, step: _Enter) -> None:
        value = body.values[0]
        assert value is not None
        span = evaluator.line.span(body.start, body.end)
        unit = evaluator.operand(value)
        if isinstance(unit, Number) or not isinstance(unit, UnitRef):
            name = value.text if isinstance(value, Name) and value.pieces is None else ""
            if not name or evaluator.scope.get(name) is not None or name in self.names.tensors:
                raise evaluator.problem("LPU0215", f".{body.kind} needs the name of a unit, such as mem.w17", value)
            unit = UnitRef(name, None, None, evaluator.span(value))
        if unit.address is not None or (body.kind == "queue" and unit.range is not None):
            raise evaluator.problem("LPU0215", f".{body.kind} takes one unit, without an address", value)
        self._begin(Open(body.kind, span, step.frames, unit.name, unit if body.kind == "unit" else None))

    def _flow(self, evaluator: Evaluator, body: FlowLine, step: _Enter) -> None:
        span = evaluator.line.span(body.start, body.end)
        name = evaluator.text(body.name, dotted=False)
        section = Open("flow", span, step.frames, name)
        self._begin(section)
        if body.relation == "@":
            assert body.cycle is not None
            section.start = At(evaluator.integer(body.cycle), evaluator.span(body.cycle))
        elif body.other is not None:
            other, place = evaluator.text(body.other, dotted=False), evaluator.span(body.other)
            offset = sum(evaluator.integer(e) * (1 if sign == "+" else -1) for sign, e in body.offsets)
            section.start = (After if body.relation == "after" else With)(other, offset, place)
            self.relations.append((other, place, step.frames))
        self._once("flow", name, evaluator.span(body.name), self.flows.get(name))
        self.flows[name] = evaluator.span(body.name)

    def _tensor(self, evaluator: Evaluator, body: TensorLine, step: _Enter) -> None:
        name, span = evaluator.text(body.name, dotted=False), evaluator.span(body.name)
        before = self.names.tensors.get(name)
        self._once("tensor", name, span, before.span if before else self.top.places.get(name))
        try:
            self.names.tensors[name] = tensor(evaluator, body, name, step.frames)
        except Problem:
            self.top.names.setdefault(name, Unbound(reported=True))
            raise

    # Names

    def _symbols(self) -> Mapping[str, int]:
        if self.symbols is None:
            try:
                self.symbols = self.symbols_of(self.target or self.wanted)
            except LpuError as e:
                self.symbols = {}
                for diagnostic in e.diagnostics:
                    self.report(diagnostic.at(self.target_span), ())
        return self.symbols

    def _target(self, evaluator: Evaluator, body: Directive) -> None:
        name, span = evaluator.text(body.names[0]), evaluator.span(body.names[0])
        if self.target is not None and self.target != name:
            related = (Related(f"the target is {self.target} since here", self.target_span),)
            raise Problem(error("LPU0214", f"a second target, {name}", span, related=related))
        if self.wanted is not None and self.wanted != name:
            message = f"the source is for {name}, but {self.wanted} was asked for"
            raise Problem(error("LPU0214", message, span, help=f"build it with --target {name}, or without it"))
        if self.symbols is not None and self.target is None and self.wanted is None:
            message = "the target was needed before this line"
            raise Problem(error("LPU0214", message, span, help="make .target the first line"))
        self.target, self.target_span = name, span
        self._symbols()

    def _bind(self, scope: Scope, name: str, value: Bound, span: Span) -> None:
        scope.names[name] = value
        scope.places[name] = span

    def _once(self, what: str, name: str, span: Span, before: Span | None) -> None:
        if before is None:
            return
        related = (Related(f"`{name}` is defined here", before),)
        help_ = f"make the name unique, such as `{name}_{{i}}`" if before == span else "give one of them another name"
        raise Problem(error("LPU0202", f"the {what} `{name}` is defined twice", span, related=related, help=help_))

    def _free(self, what: str, name: str, span: Span, scope: Scope) -> None:
        before = scope.places.get(name)
        if before is None and scope is self.top and name in self.names.tensors:
            before = self.names.tensors[name].span
        self._once(what, name, span, before)

    def _param(self, evaluator: Evaluator, body: Directive, step: _Enter) -> None:
        name, span = evaluator.text(body.names[0], dotted=False), evaluator.span(body.names[0])
        if step.file.imported and isinstance(self.top.names.get(name), (int, float)):
            return  # whoever imports a kernel sets its parameters by defining them first
        self._free("parameter", name, span, self.top)
        default = body.values[0] if body.values else None
        self._bind(self.top, name, Unbound(reported=True), span)
        if name in self.defines:
            value = self.defines[name]
        elif default is not None:
            value = evaluator.number(default)
        else:
            self._bind(self.top, name, Unbound(reported=False), span)
            return
        self._bind(self.top, name, value, span)
        self.params[name] = Param(name, value, span)

    def _equ(self, evaluator: Evaluator, body: Directive, step: _Enter) -> None:
        name, span = evaluator.text(body.names[0], dotted=False), evaluator.span(body.names[0])
        self._free("constant", name, span, step.scope)
        value = body.values[0]
        assert value is not None
        self._bind(step.scope, name, Unbound(reported=True), span)
        self._bind(step.scope, name, evaluator.number(value), span)
        if step.scope is self.top:
            bound = self.top.names[name]
            assert isinstance(bound, (int, float))
            self.equs[name] = bound

    def _extern(self, evaluator: Evaluator, body: Directive) -> None:
        for node in body.names:
            name, span = evaluator.text(node, dotted=False), evaluator.span(node)
            self._free("extern", name, span, self.top)
            self.externs[name] = span
            self._bind(self.top, name, Extern(self.defines.get(name)), span)

    # Blocks

    def _macro(self, node: Macro, step: _Enter) -> None:
        body = node.line.template.body
        assert isinstance(body, Directive)
        evaluator = Evaluator(node.line, step.scope, self.names)
        name, span = evaluator.text(body.names[0]), evaluator.span(body.names[0])
        before = self.macros.get(name)
        self._once("macro", name, span, before.span if before else None)
        places: dict[str, Span] = {}
        parameters: dict[str, Expr | None] = {}
        for node_ in body.parameters:
            parameter, place = evaluator.text(node_.name, dotted=False), evaluator.span(node_.name)
            self._once("parameter", parameter, place, places.get(parameter))
            places[parameter], parameters[parameter] = place, node_.default
        self.macros[name] = _Definition(node, parameters, span, step.file)

    def _call(
        self, evaluator: Evaluator, body: StatementLine, name: str, definition: _Definition, step: _Enter
    ) -> _Enter:
        span = evaluator.line.span(body.start, body.end)
        frames = self._deeper(Frame("macro", name, span), step)
        if body.outputs or body.tail:
            related = (Related(f"the macro `{name}`", definition.span),)
            message = f"`{name}` is a macro: it takes arguments, no `->`, clause or pin"
            raise Problem(error("LPU0208", message, span, related=related))
        self.expansions += 1
        scope = Scope(self.top, self.expansions)
        wanted = list(definition.parameters)
        for i, argument in enumerate(body.inputs):
            keyword = evaluator.text(argument.name) if isinstance(argument, Keyword) else None
            value = argument.value if isinstance(argument, Keyword) else argument
            if keyword is None and i >= len(wanted):
                raise self._argument(evaluator, f"`{name}` takes {_count(wanted)}", value, definition)
            parameter = wanted[i] if keyword is None else keyword
            if parameter not in wanted:
                help_ = similar(parameter, iter(wanted))
                raise self._argument(evaluator, f"`{name}` has no parameter `{parameter}`", value, definition, help_)
            if parameter in scope.names:
                raise self._argument(evaluator, f"`{parameter}` is given twice", value, definition)
            scope.names[parameter] = _bare(evaluator.operand(value))
        inner = Evaluator(definition.macro.line, scope, self.names)
        for parameter, default in definition.parameters.items():
            if parameter not in scope.names:
                if default is None:
                    raise self._argument(evaluator, f"`{name}` needs `{parameter}`", body.mnemonic, definition)
                scope.names[parameter] = _bare(inner.operand(default))
        return _Enter(iter(definition.macro.body), scope, frames, definition.file)

    def _argument(
        self, evaluator: Evaluator, message: str, node: Expr, definition: _Definition, help_: str = ""
    ) -> Problem:
        related = (Related("the macro", definition.span),)
        return Problem(error("LPU0208", message, evaluator.span(node), related=related, help=help_))

    def _deeper(self, frame: Frame, step: _Enter) -> tuple[Frame, ...]:
        frames = (*step.frames, frame)
        if sum(f.kind != "for" for f in frames) > MAX_DEPTH:
            message = f"more than {MAX_DEPTH} macros and files within each other"
            self.report(error("LPU0209", message, frame.span, help="something expands itself without end"), step.frames)
            raise _Stop
        return frames

    def _loop(self, node: Loop, step: _Enter) -> _Enter | None:
        body = node.line.template.body
        assert isinstance(body, Directive)
        evaluator = Evaluator(node.line, step.scope, self.names)
        variable = evaluator.text(body.names[0], dotted=False)
        first, last, *steps = [evaluator.integer(value) for value in body.values if value is not None]
        pace = steps[0] if steps else 1
        span = evaluator.line.span(body.start, body.end)
        if pace == 0:
            assert body.values[2] is not None
            raise evaluator.problem("LPU0217", "a step of 0 never ends", body.values[2])
        turns = range(first, last, pace)
        size = max(len(node.body), 1)
        if max(0, -(-(last - first) // pace)) * size > MAX_LINES - self.lines:
            help_ = "is one of its bounds wrong? `repeat` says the same in one line"
            message = f"this loop alone expands to more than {MAX_LINES} lines"
            self.report(error("LPU0210", message, span, help=help_), step.frames)
            raise _Stop

        def iterations() -> Iterator[_Enter]:
            for i in turns:
                scope = Scope(step.scope, step.scope.macro, {variable: i})
                frames = (*step.frames, Frame("for", f"{variable} = {i}", span))
                yield _Enter(iter(node.body), scope, frames, step.file)

        return _Enter(iterations(), step.scope, step.frames, step.file)

    # Files

    def _include(self, evaluator: Evaluator, body: Directive, step: _Enter) -> _Enter | None:
        span = evaluator.line.span(body.start, body.end)
        if body.kind == "import":
            wanted = evaluator.text(body.names[0], dotted=False)
            found = files.find_import(wanted, self.library)
            help_ = similar(wanted, iter(files.kernels(self.library)))
        else:
            name = body.values[0]
            assert isinstance(name, Str)
            found = files.find_include(name.text, step.file.found, self.include)
            help_ = "it is looked for beside this file, then in the folders given with -I"
        if isinstance(found, str):
            raise Problem(error("LPU0213", found, span, help=help_))
        path = found.path.resolve()
        if path in self.read:
            return None
        frames = self._deeper(Frame(body.kind, found.name, span), step)
        self.read.add(path)
        while found.name in self.sources:
            found = files.Found(found.path, f"{found.name}'")
        try:
            text = files.read(found)
        except AssemblyError as e:
            raise Problem(e.diagnostics[0].at(span)) from None
        before = len(self.diagnostics)
        nodes = self._file(text, found.name, frames)
        if len(self.diagnostics) > before:
            return None
        return _Enter(iter(nodes), self.top, frames, _File(found, step.file.imported or body.kind == "import"))

    # The end

    def _finish(self) -> None:
        self._end()
        for other, span, frames in self.relations:
            if other not in self.flows:
                help_ = similar(other, self.flows)
                self.report(error("LPU0219", f"there is no flow `{other}`", span, help=help_), frames)
        if self.scalar is not None and len(self.sections) > 1:
            help_ = "open a section before it: .queue, .unit or flow"
            self.report(error("LPU0109", "a statement outside of a section", self.scalar.span, help=help_), ())
        self._undefined_defines()
        self._symbols()

    def _unused(self) -> dict[str, int | float]:
        if self.scalar is None:
            return {}
        return {name: value for name, value in self.defines.items() if name not in self.params}

    def _undefined_defines(self) -> None:
        if self.scalar is not None:
            return
        known = {
            **self.params,
            **self.externs,
            **dict.fromkeys(n for n, b in self.top.names.items() if isinstance(b, Unbound)),
        }
        for name in self.defines:
            if name in self.params or name in self.externs:
                continue
            help_ = similar(name, known)
            if not help_:
                help_ = "its parameters are " + ", ".join(known) if known else "it has no parameters"
            self.report(error("LPU0211", f"-D {name}: the source has no parameter `{name}`", help=help_), ())


def _bare(operand: Operand) -> Bound:
    return operand.value if isinstance(operand, Number) else operand


def _count(wanted: Sequence[str]) -> str:
    if not wanted:
        return "no arguments"
    return f"{len(wanted)} argument{'s' * (len(wanted) > 1)}: {', '.join(wanted)}"


def _place(diagnostic: Diagnostic, order: Mapping[str, int]) -> tuple[int, int, int]:
    span = diagnostic.span
    return (order.get(span.file, 1 << 30), span.line, span.column) if span else (-1, 0, 0)
