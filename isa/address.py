"""Scalar addresses: ``[A + r4 * m + r7]`` as an operand, and how it lies in an instruction word.

An address is written in ten slots of eleven bits: two bits say what a slot holds (nothing, a
register, a name, a digit of a number), one whether it ends its product, eight hold the value. A
product is its coefficient (digits of base 256, the least first, two's complement; left out where it
is 1), its registers, its names. The first product of an address with a tensor is the tensor's name,
the last one of an address with an offset is the offset, a number alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from lpuasm.isa.values import Address, Context, Product, Value

SLOTS = 10
NAMES = 256
_SLOT_BITS = 11
_REGISTER, _NAME, _DIGIT = 1, 2, 3
_KINDS = {_REGISTER: "register", _NAME: "name", _DIGIT: "digit"}


class Memory:
    """A scalar address, of the attributes none."""

    def parts(self, a: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
        return tuple((f"slot{k}", _SLOT_BITS) for k in range(SLOTS))

    def pack(self, value: Value, a: Mapping[str, object], c: Context) -> tuple[int, ...]:
        if not isinstance(value, Address):
            raise ValueError("an address is wanted here, such as [A + r4 * m + r7]")
        _check(value)
        slots: list[int] = []
        for product in _products(value):
            own = list(_slots(product))
            slots += [*own[:-1], own[-1] | 1 << 2]
        if len(slots) > SLOTS:
            raise ValueError(
                f"this address takes {len(slots)} places and a word has {SLOTS}: one for each name and register, "
                "one for each eight bits of a number"
            )
        return (*slots, *[0] * (SLOTS - len(slots)))

    def unpack(self, parts: tuple[int, ...], a: Mapping[str, object], c: Context) -> Value:
        used = [p for p in parts if p]
        if not used or tuple(used) != parts[: len(used)]:
            raise ValueError("an address is empty, or has a gap")
        products: list[Product] = []
        first = 0
        for end, slot in enumerate(used):
            if slot & 4:
                products.append(_product(used[first : end + 1]))
                first = end + 1
        if first != len(used):
            raise ValueError("a product of an address has no end")
        name = offset = None
        if products[0].registers == () and len(products[0].names) == 1 and products[0].coefficient == 1:
            name = products.pop(0).names[0]
        if products and not products[-1].registers and not products[-1].names:
            offset = products.pop().coefficient
        address = Address(name, tuple(products), offset or 0)
        _check(address)
        if self.pack(address, a, c) != parts:
            raise ValueError("an address that is not written in the one way there is")
        return address

    def text(self, value: Value, a: Mapping[str, object]) -> str:
        assert isinstance(value, Address)
        return address_text(value)


def address_text(address: Address, names: Sequence[str] | None = None) -> str:
    """The address as it is written; ``names`` are those of its program (without them, name 3 is ``name3``)."""
    out = ""
    for product in _products(address):
        factors = [f"r{r}" for r in product.registers]
        factors += [f"name{n}" if names is None else names[n] for n in product.names]
        size = abs(product.coefficient)
        if size != 1 or not factors:
            factors.insert(0, str(size))
        sign = "-" if product.coefficient < 0 else "+"
        out += f" {sign} {' * '.join(factors)}" if out else f"{sign if sign == '-' else ''}{' * '.join(factors)}"
    return f"[{out}]"


def _products(address: Address) -> Iterator[Product]:
    if address.name is not None:
        yield Product(1, (), (address.name,))
    yield from address.products
    if address.offset or (address.name is None and not address.products):
        yield Product(address.offset)


def _check(address: Address) -> None:
    """Raises ValueError unless the address is multiplied out and added up."""
    factors = [(tuple(sorted(p.registers)), tuple(sorted(p.names))) for p in address.products]
    if address.name is None and address.products:
        raise ValueError("an address with registers begins with a tensor, as in [A + r4 * m + r7]")
    if ((), ()) in factors or len(set(factors)) < len(factors) or any(p.coefficient == 0 for p in address.products):
        raise ValueError("an address is a sum of different products")
    if any(not -(1 << 63) <= n < 1 << 63 for n in (address.offset, *(p.coefficient for p in address.products))):
        raise ValueError("a number in an address does not fit 64 bits")


def _slots(product: Product) -> Iterator[int]:
    if product.coefficient != 1 or not (product.registers or product.names):
        value = product.coefficient
        for k in range((value if value >= 0 else ~value).bit_length() // 8 + 1):
            yield _DIGIT | (value >> 8 * k & 255) << 3
    for kind, values, limit in ((_REGISTER, product.registers, 32), (_NAME, product.names, NAMES)):
        for value in values:
            if not 0 <= value < limit:
                raise ValueError(f"an address has {limit} {_KINDS[kind]}s to choose from, and not {value}")
            yield kind | value << 3


def _product(slots: Sequence[int]) -> Product:
    groups = {kind: [s >> 3 for s in group] for kind, group in groupby(slots, lambda s: s & 3)}
    if list(groups) != sorted(groups, key=[_DIGIT, _REGISTER, _NAME, 0].index) or 0 in groups:
        raise ValueError("a product of an address is not in order")
    coefficient = 1
    if digits := groups.get(_DIGIT):
        coefficient = int.from_bytes(bytes(digits), "little", signed=True)
    registers, names = (tuple(groups.get(kind, ())) for kind in (_REGISTER, _NAME))
    if any(r > 31 for r in registers):
        raise ValueError("no such register in an address")
    return Product(coefficient, registers, names)
