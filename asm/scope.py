"""Names that have a value: parameters, constants, loop variables, arguments, symbols of the target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from lpuasm.asm.syntax import Operand, TensorDecl
from lpuasm.asm.tree import Expr, Line
from lpuasm.isa.errors import Span


@dataclass(frozen=True, slots=True)
class Unbound:
    """A parameter without a value; or any name whose definition failed and was ``reported``."""

    reported: bool


@dataclass(frozen=True, slots=True)
class Extern:
    """A dimension that is bound when the program runs; -D may have given its value already."""

    value: int | float | None


@dataclass(frozen=True, slots=True)
class Group:
    """Several operands under one name, or in parentheses; a statement takes them one after another."""

    items: tuple[Operand, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Function:
    """``.def``: what a call stands for, an expression over its parameters and the names of the scope it is defined in.

    ``height``: how many parts of the expression lie within each other.
    """

    name: str
    parameters: tuple[str, ...]
    body: Expr
    line: Line
    scope: Scope
    span: Span
    height: int


Bound = int | float | Operand | Group | Unbound | Extern | Function


@dataclass(slots=True)
class Scope:
    """Names of one expansion of a macro or one turn of a loop, inside those of ``parent``.

    A macro's parent is the global scope, not its caller's: its arguments are values, computed by
    the caller, so no name of one can be mistaken for a name of the other. ``macro`` numbers the
    expansion, for labels of its own.
    """

    parent: Scope | None
    macro: int
    names: dict[str, Bound] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)

    def get(self, name: str) -> Bound | None:
        """What ``name`` stands for here; None if nothing."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def frozen(self) -> Scope:
        """A scope of its own with what every name stands for here; definitions that follow do not reach it."""
        outer = self.parent.frozen() if self.parent is not None else Scope(None, self.macro)
        return Scope(None, self.macro, {**outer.names, **self.names}, {**outer.places, **self.places})

    def visible(self) -> Iterator[str]:
        """Every name that has a value here."""
        scope: Scope | None = self
        while scope is not None:
            yield from scope.names
            scope = scope.parent


@dataclass(slots=True)
class Names:
    """What is known in the whole source: tensors declared so far, and the target's symbols, asked for when needed.

    ``calls`` counts those of functions.
    """

    symbols_of: Callable[[], Mapping[str, int]]
    tensors: dict[str, TensorDecl] = field(default_factory=dict)
    calls: int = 0

    def symbol(self, name: str) -> int | None:
        """The target's symbol of that name."""
        return self.symbols_of().get(name)
