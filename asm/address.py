"""Scalar memory operands: ``[A + r4 * m + r7]`` as a sum of products.

Names without a value stay names: they are tensors, or dimensions that are bound when the program runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpuasm.asm import arithmetic
from lpuasm.asm.scope import Extern
from lpuasm.asm.syntax import Memory, Number, Operand, Register, Symbol, TensorRef, Term
from lpuasm.asm.tree import Binary, Expr, MemoryOf, Name, Unary
from lpuasm.isa.errors import Span

if TYPE_CHECKING:
    from lpuasm.asm.expressions import Evaluator

MAX_TERMS = 64
"""Terms of one address, multiplied out."""


def memory(evaluator: Evaluator, node: MemoryOf) -> Memory:
    """The operand that a bracketed expression stands for; raises Problem."""
    span = evaluator.span(node)
    added: dict[tuple[tuple[int, ...], tuple[str, ...]], Term] = {}
    for term in _terms(evaluator, node.inner):
        key = tuple(sorted(term.registers)), tuple(sorted(term.names))
        before = added.get(key)
        added[key] = _checked(evaluator, node, term, term.coefficient + before.coefficient) if before else term
    terms = [term for term in added.values() if term.coefficient]
    base = next((t for t in terms if t.coefficient == 1 and not t.registers and len(t.names) == 1), None)
    return Memory(base.names[0] if base else None, tuple(term for term in terms if term is not base), span)


def _terms(evaluator: Evaluator, node: Expr) -> list[Term]:
    span = evaluator.span(node)
    match node:
        case Binary("+", left, right):
            terms = _terms(evaluator, left) + _terms(evaluator, right)
        case Binary("-", left, right):
            terms = _terms(evaluator, left) + [_product(evaluator, node, _MINUS, t) for t in _terms(evaluator, right)]
        case Binary("*", left, right):
            a, b = _terms(evaluator, left), _terms(evaluator, right)
            if len(a) * len(b) > MAX_TERMS:
                raise evaluator.problem("LPU0107", f"this address has more than {MAX_TERMS} terms", node)
            terms = [_product(evaluator, node, x, y) for x in a for y in b]
        case Unary("-", operand):
            terms = [_product(evaluator, node, _MINUS, t) for t in _terms(evaluator, operand)]
        case Unary("+", operand):
            terms = _terms(evaluator, operand)
        case Name():
            terms = [_factor(evaluator, node)]
        case _:
            terms = [Term(evaluator.integer(node), (), (), span)]
    if len(terms) > MAX_TERMS:
        raise evaluator.problem("LPU0107", f"this address has more than {MAX_TERMS} terms", node)
    return terms


_MINUS = Term(-1, (), (), Span("", 1))


def _product(evaluator: Evaluator, node: Expr, a: Term, b: Term) -> Term:
    both = Term(1, a.registers + b.registers, a.names + b.names, evaluator.span(node))
    return _checked(evaluator, node, both, a.coefficient * b.coefficient)


def _checked(evaluator: Evaluator, node: Expr, term: Term, coefficient: int) -> Term:
    try:
        arithmetic.fit(coefficient)
    except arithmetic.Arithmetic as e:
        raise evaluator.problem(e.code, e.message, node, e.help) from None
    return Term(coefficient, term.registers, term.names, term.span)


def _factor(evaluator: Evaluator, node: Name) -> Term:
    span = evaluator.span(node)
    name = evaluator.text(node)
    if isinstance(evaluator.scope.get(name), Extern):
        return Term(1, (), (name,), span)
    operand: Operand = evaluator.operand(node)
    match operand:
        case Number(int() as value):
            return Term(value, (), (), span)
        case Register(number):
            return Term(1, (number,), (), span)
        case Symbol(name) | TensorRef(name, None, _):
            return Term(1, (), (name,), span)
        case _:
            message = "an address is made of registers, integers, tensors and dimensions"
            raise evaluator.problem("LPU0206", message, node)
