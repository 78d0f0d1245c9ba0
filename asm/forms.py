"""Flows of one form: a loop makes many that differ in nothing but the addresses that they read and write.

Such a flow is lowered once. The bodies of the others are the first one's with
the addresses of each statement moved; what they claim of the chip and which
words they are is the same. What addresses decide besides, the banks, is part of
the form; whether two statements reach the same word is looked at each time.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace

from lpuasm.asm.alone import Near, check_memory, near
from lpuasm.asm.body import Access, Body, Region, Word
from lpuasm.asm.flow_regions import region
from lpuasm.asm.flows import Lowering, lower
from lpuasm.asm.plain import plain
from lpuasm.asm.syntax import Flow, Statement, StreamRef, TensorRef
from lpuasm.isa.core import table
from lpuasm.isa.errors import AssemblyError
from lpuasm.isa.program import Tensor
from lpuasm.isa.target import Target


@dataclass(frozen=True, slots=True)
class Form:
    """The first body of a form: ``bases`` are the addresses of its statements, ``source`` the index of each word's."""

    body: Body
    bases: list[int]
    source: list[int]
    pairs: list[Near]
    passed: set[tuple[int, int, int]]

    def again(self, flow: Flow, bases: list[int]) -> Body:
        """The body of another flow of this form. Raises AssemblyError LPU1112."""
        first = self.body
        moves = [base - own for base, own in zip(bases, self.bases, strict=True)]
        words, accesses = first.words, first.accesses
        if any(moves):
            words = [_moved_word(word, moves[k]) for word, k in zip(words, self.source, strict=True)]
            accesses = [_moved_access(access, moves[self.source[access.word]]) for access in accesses]
        statements = [flow.statements[k] for k in self.source]
        body = replace(first, flow=flow, words=words, statements=statements, accesses=accesses)
        check_memory(body, self.pairs, [moves[self.source[access.word]] for access in accesses], self.passed)
        return body


def _moved_word(word: Word, move: int) -> Word:
    steps = word.definition.steps
    if not move or steps not in word.values:
        return word
    address = word.values[steps]
    assert isinstance(address, int)
    return Word(word.queue, word.definition, {**word.values, steps: address + move}, word.time, word.dims, word.also)


def _moved_access(access: Access, move: int) -> Access:
    if not move:
        return access
    return Access(access.slice, access.write, access.addresses + move, access.cycles, access.word)


@dataclass(slots=True)
class Forms:
    """The forms of the flows of a program so far."""

    target: Target
    tensors: Mapping[str, Tensor]
    known: dict[Hashable, Form] = field(default_factory=dict)
    regions: dict[Hashable, Region] = field(default_factory=dict)

    def lower(self, flow: Flow) -> Body:
        """The body of a flow. Raises AssemblyError as :func:`lpuasm.asm.flows.lower` does, and LPU1112."""
        lowering = Lowering(flow, self.target, self.tensors, table(self.target), regions=self.regions)
        described = self._described(lowering)
        form = None if described is None else self.known.get(described[0])
        if described is not None and form is not None:
            return form.again(flow, described[1])
        body = lower(lowering)
        pairs = near(body)
        passed: set[tuple[int, int, int]] = set()
        check_memory(body, pairs, [0] * len(body.accesses), passed)
        number = {id(statement): k for k, statement in enumerate(flow.statements)}
        if described is not None and len(number) == len(flow.statements):
            body.form = len(self.known)
            source = [number[id(statement)] for statement in body.statements]
            self.known[described[0]] = Form(body, described[1], source, pairs, passed)
        return body

    def _described(self, lowering: Lowering) -> tuple[Hashable, list[int]] | None:
        """What the form of a flow is, and the address of each statement; None where something is wrong with one."""
        key: list[Hashable] = []
        bases: list[int] = []
        for statement in lowering.flow.statements:
            base, places = 0, None
            try:
                places = _region(lowering, statement)
            except AssemblyError:
                return None
            inputs, outputs = statement.inputs, statement.outputs
            said: list[Hashable] = [statement.mnemonic, statement.suffixes, plain(statement.pin)]
            if statement.clauses:
                said.append(plain(statement.clauses))
            if places is None:
                said += [plain(inputs), plain(outputs)]
            else:
                base = places.base
                said += [plain((*inputs, *outputs)[statement.mnemonic == "read"]), self._bank(places), places.pattern]
            key.append(tuple(said))
            bases.append(base)
        return tuple(key), bases

    def _bank(self, places: Region) -> tuple[str, int]:
        """The bank of a region; its address, where it lies in both."""
        low, high = places.ends
        later = self.target.geometry.words_per_bank
        return ("bank", int(low >= later)) if high < later or low >= later else ("base", places.base)


def _region(lowering: Lowering, statement: Statement) -> Region | None:
    """The part of a tensor that a statement reads or writes; None if it does neither, or nothing."""
    ends = (*statement.inputs, *statement.outputs)
    if len(statement.inputs) != 1 or len(ends) != 2 or statement.mnemonic not in ("read", "write"):
        return None
    operand, ref = ends if statement.mnemonic == "read" else reversed(ends)
    if not isinstance(operand, TensorRef) or not isinstance(ref, StreamRef):
        return None
    found = region(lowering, statement, operand, ref)
    return found if found.rows else None
