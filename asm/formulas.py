"""Constants by formula: ``.const Eye : i8 [320, 320] at mem.w0 = for i, j: i == j``.

The meaning is that of the expression evaluated for one element after another, in row-major order, with the indices as
names. :mod:`lpuasm.asm.grids` evaluates many elements at once; where it cannot, or meets what may be an error, the
elements are taken one by one, which also says which of them is wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import prod

import numpy as np

from lpuasm.asm import grids
from lpuasm.asm.constants import DTYPES, element_bits, unsigned
from lpuasm.asm.expressions import Evaluator
from lpuasm.asm.grids import Ints, Octets, Unsure
from lpuasm.asm.problems import Problem
from lpuasm.asm.queues import framed
from lpuasm.asm.scope import Scope
from lpuasm.asm.syntax import TensorDecl
from lpuasm.asm.tree import Expr, FormulaPart
from lpuasm.isa.errors import AssemblyError, Related, error

CHUNK = 1 << 16
"""Elements that are evaluated at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """An expression and the names of its indices; ``evaluator`` knows what its other names stood for at its line."""

    indices: tuple[str, ...]
    body: Expr
    evaluator: Evaluator

    def data(self, declaration: TensorDecl) -> bytes:
        """The elements of the tensor, row-major and little-endian; raises AssemblyError."""
        count = prod(declaration.dims)
        made = np.empty(count, DTYPES[declaration.dtype])
        for first in range(0, count, CHUNK):
            part = made[first : first + CHUNK]
            where = np.unravel_index(np.arange(first, first + len(part)), declaration.dims)
            points = dict(zip(self.indices, where, strict=True))
            try:
                grids.fill(self.evaluator, self.body, points, part, declaration.dtype)
            except Unsure:
                self._one_by_one(declaration, points, part.view(unsigned(declaration.dtype)))
        return made.tobytes()

    def _one_by_one(self, declaration: TensorDecl, points: dict[str, Ints], bits: Octets) -> None:
        names = self.evaluator.scope.names
        for k, place in enumerate(zip(*(p.tolist() for p in points.values()), strict=True)):
            names.update(zip(self.indices, place, strict=True))
            try:
                value = self.evaluator.number(self.body)
                bits[k] = element_bits(math.nan if value != value else value, declaration.dtype)
            except (Problem, ValueError) as e:
                raise self._wrong(declaration, place, e) from None

    def _wrong(self, declaration: TensorDecl, place: tuple[int, ...], cause: Problem | ValueError) -> AssemblyError:
        code, message, help_ = "LPU0508", str(cause), ""
        related: tuple[Related, ...] = ()
        span = self.evaluator.span(self.body)
        if isinstance(cause, Problem):
            assert cause.diagnostic is not None, "names without a value end the phase before this one"
            code, message, help_ = cause.diagnostic.code, cause.diagnostic.message, cause.diagnostic.help
            span, related = cause.diagnostic.span or span, cause.diagnostic.related
        element = f"{declaration.name}[{', '.join(map(str, place))}]"
        told = error(code, f"{element}: {message}", span, related=related, help=help_)
        return AssemblyError(framed(told, declaration.frames))


def formula(evaluator: Evaluator, part: FormulaPart, dims: tuple[int, ...]) -> Formula:
    """The formula of a declaration, with the names of its line; raises Problem."""
    indices: list[str] = []
    for node in part.indices:
        name = evaluator.text(node, dotted=False)
        if name in indices:
            raise evaluator.problem("LPU0202", f"the index `{name}` is named twice", node, "name each dimension's own")
        indices.append(name)
    if len(indices) != len(dims):
        message = f"{len(indices)} {'indices are' if len(indices) > 1 else 'index is'} named"
        message += f", and the tensor has {len(dims)} dimension{'s' * (len(dims) != 1)}"
        raise evaluator.problem("LPU0508", message, part.indices[0], "name one index for each dimension")
    outer = evaluator.scope.frozen()
    scope = Scope(outer, evaluator.scope.macro)
    return Formula(tuple(indices), part.body, Evaluator(evaluator.line, scope, evaluator.names))
