"""Level (d): scalar code as words of the sequencer.

A source without any section is scalar code. Labels become numbers of words, names in addresses indices into the names
of the program; which of them are tensors and which dimensions is settled when tensors are bound, except for what the
text says itself: a name that is stored to, or that an address goes on after, is a tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lpuasm.asm import tensors as declared
from lpuasm.asm.constants import Files
from lpuasm.asm.link import file_name
from lpuasm.asm.problems import Problems
from lpuasm.asm.syntax import (
    Memory,
    Number,
    Operand,
    Register,
    ScalarSection,
    Source,
    Statement,
    TensorDecl,
    TensorRef,
    UnitRef,
)
from lpuasm.asm.syntax import Symbol as Name
from lpuasm.asm.usage import mnemonics, syntax
from lpuasm.isa.core import Definition, table
from lpuasm.isa.errors import AssemblyError, Diagnostic, Span, error
from lpuasm.isa.operands import Operand as Wanted
from lpuasm.isa.operands import OperandError, immediate_bits
from lpuasm.isa.program import PLACE_COLUMNS, SCALAR_QUEUE, Program, Symbol
from lpuasm.isa.suggest import did_you_mean
from lpuasm.isa.target import HEMISPHERES, Target
from lpuasm.isa.values import Address, Factor, Product, Value

_KINDS = {
    "register": "a register, r0 … r31",
    "scalar": "a register or a number",
    "memory": "an address, such as [A + r4 * m + r7]",
    "number": "a label",
}


def lower_scalar(source: Source, target: Target, files: Files | None = None, names: Sequence[str] = ()) -> Program:
    """The program of scalar code. ``files`` is where the text's own files are, ``names`` are the first names of its
    addresses, where they are known; raises AssemblyError."""
    files = files or Files()
    code = _Code(source, target, names={name: k for k, name in enumerate(names)})
    sections = [s for s in source.sections if isinstance(s, ScalarSection)]
    for section in sections:
        code.place_labels(section)
    for statement in (s for section in sections for s in section.statements):
        with code.problems:
            code.words.append(code.word(statement))
    tensors = declared.tensors([_placed(d, target) for d in source.tensors], target, files, code.problems)
    for declaration in source.tensors:
        if declaration.name in code.factors:
            code.problems.add(_both(declaration.name, code.factors[declaration.name], declaration.span))
    defines = code.defines()
    code.problems.stop()
    statements = [s for section in sections for s in section.statements]
    names = list(dict.fromkeys(s.span.file for s in statements))
    places = [(names.index(s.span.file), s.span.line, s.span.column, -1) for s in statements]
    symbols = [Symbol(label, "label", word, SCALAR_QUEUE) for label, word in code.labels.items()]
    halves = [(word & (1 << 64) - 1, word >> 64) for word in code.words]
    return Program(
        target,
        {SCALAR_QUEUE: np.array(halves, np.uint64).reshape(-1, 2)},
        tensors,
        tuple(sorted(symbols, key=lambda s: (s.value, s.name))),
        tuple(code.names),
        defines,
        tuple(file_name(name, files.main) for name in names),
        places={SCALAR_QUEUE: np.array(places, np.int32).reshape(-1, len(PLACE_COLUMNS))},
    )


def _placed(declaration: TensorDecl, target: Target) -> TensorDecl:
    """A declaration with a place: over all slices where the text states none, for scalar code does not care."""
    if declaration.placement:
        return declaration
    everywhere = (0, target.geometry.slices - 1)
    places = tuple(UnitRef(f"mem.{h}", everywhere, None, declaration.span) for h in HEMISPHERES)
    return replace(declaration, placement=places)


def _both(name: str, factor: Statement, span: Span | None) -> Diagnostic:
    message = f"{name} is a tensor, and cannot be a number of an address too"
    return factor.error("LPU1005", message, span, help="give the dimension another name")


@dataclass(slots=True)
class _Code:
    source: Source
    target: Target
    problems: Problems = field(default_factory=Problems)
    count: int = 0
    words: list[int] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    #: Names that the text makes tensors or factors of, with the first statement that does.
    tensors: dict[str, Statement] = field(default_factory=dict)
    factors: dict[str, Statement] = field(default_factory=dict)

    def place_labels(self, section: ScalarSection) -> None:
        """Numbers the words that labels stand before; those at the end are one word further, where the program ends."""
        for word, statement in enumerate(section.statements):
            self.labels.update(dict.fromkeys(statement.labels, word))
        self.count = len(section.statements)
        self.labels.update(dict.fromkeys(section.end_labels, self.count))

    def word(self, statement: Statement) -> int:
        """The instruction word of a statement."""
        definition = table(self.target).find(SCALAR_QUEUE, statement.mnemonic)
        if definition is None:
            known = mnemonics(table(self.target), [SCALAR_QUEUE])
            help_ = did_you_mean(statement.mnemonic, known, f"scalar code has {', '.join(known)}")
            message = f"`{statement.mnemonic}` is no scalar instruction"
            if table(self.target).named(statement.mnemonic):
                help_ = "streaming instructions stand in a section: .queue, .unit or flow"
            raise AssemblyError(statement.error("LPU1001", message, statement.mnemonic_span, help=help_))
        extra = [*statement.outputs, *statement.clauses, *([statement.pin] if statement.pin else [])]
        wanted = [o for o in definition.operands if o.role == "in"]
        if extra or statement.suffixes or len(statement.inputs) != len(wanted):
            raise self._shape(statement, definition, extra[0].span if extra else None)
        try:
            values = {
                o.name: self._value(statement, o, written, definition)
                for o, written in zip(wanted, statement.inputs, strict=True)
            }
            return definition.encode(values)
        except OperandError as e:
            place = next((w.span for o, w in zip(wanted, statement.inputs, strict=True) if o.name == e.operand), None)
            code = "LPU1004" if definition.operand[e.operand].kind == "memory" else "LPU1002"
            raise AssemblyError(statement.error(code, e.message, place)) from None

    def _shape(self, statement: Statement, definition: Definition, span: Span | None) -> AssemblyError:
        count = sum(o.role == "in" for o in definition.operands)
        message = f"{definition.mnemonic} takes {count or 'no'} operand{'s' * (count != 1)} and nothing else"
        return AssemblyError(statement.error("LPU1002", message, span, help=f"write `{syntax(definition)}`"))

    def _value(self, statement: Statement, wanted: Wanted, written: Operand, definition: Definition) -> Value:
        match wanted.kind, written:
            case "register" | "scalar", Register(number):
                return Factor("register", number)
            case "scalar", Number(int() as number):
                return Factor("integer", number)
            case "scalar", Number(float() as number):
                try:
                    return Factor("float", immediate_bits(number, "f32"))
                except ValueError as e:
                    raise OperandError(wanted.name, str(e)) from None
            case "memory", Memory():
                return self._address(statement, written, definition.mnemonic == "st")
            case "number", Name(name) if name in self.labels:
                return self.labels[name]
            case "number", Number(int() as number):
                if not 0 <= number <= self.count:
                    raise OperandError(wanted.name, f"there is no word {number} to jump to")
                return number
            case "number", Name(name) | TensorRef(name, None, _):
                help_ = did_you_mean(name, self.labels, "a label stands on a line of its own, with a colon")
                raise AssemblyError(statement.error("LPU1003", f"there is no label `{name}`", written.span, help=help_))
        help_ = f"write `{syntax(definition)}`"
        message = f"{_KINDS[wanted.kind]} is wanted here"
        raise AssemblyError(statement.error("LPU1002", message, written.span, help=help_))

    def _address(self, statement: Statement, memory: Memory, stores: bool) -> Address:
        factors = [t for t in memory.terms if t.registers or t.names]
        offset = sum(t.coefficient for t in memory.terms if not t.registers and not t.names)
        if memory.base is None and (factors or stores):
            message = "an address begins with a tensor"
            raise AssemblyError(
                statement.error("LPU1004", message, memory.span, help="write it as in [A + r4 * m + r7]")
            )
        base = None
        if memory.base is not None:
            base = self.names.setdefault(memory.base, len(self.names))
            if stores or factors or offset:
                self.tensors.setdefault(memory.base, statement)
        products = []
        for term in factors:
            for name in term.names:
                self.factors.setdefault(name, statement)
            indices = tuple(self.names.setdefault(name, len(self.names)) for name in term.names)
            products.append(Product(term.coefficient, term.registers, indices))
        both = [n for n in self.tensors if n in self.factors]
        if both and both[0] in (memory.base, *(n for t in factors for n in t.names)):
            raise AssemblyError(_both(both[0], self.factors[both[0]], memory.span))
        return Address(base, tuple(products), offset)

    def defines(self) -> dict[str, int]:
        """The numbers that are fixed now: parameters, and dimensions with -D. Complains of names that are neither."""
        found = {p.name: p.value for p in self.source.params.values() if isinstance(p.value, int)}
        known: Sequence[str] = [*self.source.params, *(n for n in self.names if n not in self.tensors)]
        for name, value in self.source.unused.items():
            if name in self.tensors or any(d.name == name for d in self.source.tensors):
                self.problems.add(error("LPU1005", f"-D {name}: {name} is a tensor, not a dimension"))
            elif name not in self.names:
                help_ = did_you_mean(name, known, f"its dimensions are {', '.join(known)}" if known else "it has none")
                self.problems.add(error("LPU0211", f"-D {name}: the source has no dimension `{name}`", help=help_))
            elif not isinstance(value, int):
                self.problems.add(error("LPU0206", f"-D {name}: a dimension is a whole number, not {value}"))
            else:
                found[name] = value
        return found
