"""What the specification's entries may state: keys, the condition on the value of each, and which must be there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Check = Callable[[object], bool]
#: Keys with their conditions; a star before a key marks one that must be there.
Schema = Mapping[str, Check]

SIZES = (1, 2, 4, 8, 16, 32)
DIMENSIONS = 3
#: Operands of kind type that a ``size`` may name.
TYPE_OPERANDS = ("type", "to")


def whole(low: int, high: int) -> Check:
    """A whole number in ``low`` … ``high``."""
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high


def matching(pattern: str) -> Check:
    """A text that ``pattern`` matches as a whole."""
    return lambda v: isinstance(v, str) and re.fullmatch(pattern, v, re.DOTALL) is not None


def truth(value: object) -> bool:
    return isinstance(value, bool)


#: The confidence codes of the fact sheet, and "ours"; what is from elsewhere says after it from where.
provenance = matching(r"(P\*?|H|I|W|ours)\b.*")
words = matching(r"\S.*")
identifier = matching(r"[a-z][a-z0-9_]*")
_USE = re.compile(r"(reads|writes) (sram|buffer|array|link)(?: unless ([a-z][a-z0-9_]*))?")


def uses(value: object) -> bool:
    """A list of uses of state, each once: `reads buffer unless rows`."""
    texts = value if isinstance(value, list) else [None]
    return all(isinstance(t, str) and _USE.fullmatch(t) for t in texts) and 0 < len(texts) == len(set(texts))


def use(text: str) -> tuple[str, str, str]:
    """A use of state as (`reads` or `writes`, what, the operand with which it is not made)."""
    match = _USE.fullmatch(text)
    assert match is not None
    return match[1], match[2], match[3] or ""


def problems_of(entry: Mapping[str, object], schema: Schema, what: str) -> list[str]:
    """What is wrong with the keys and values of ``entry``; ``what`` says what it is."""
    rules = {key.lstrip("*"): check for key, check in schema.items()}
    known = {key: value for key, value in entry.items() if key in rules}
    return [
        *(f"'{key}' is not a key of {what}" for key in entry if key not in rules),
        *(f"{what} needs '{key[1:]}'" for key in schema if key[0] == "*" and key[1:] not in entry),
        *(f"{key} = {value!r} is not possible" for key, value in known.items() if not rules[key](value)),
    ]


def _size(value: object) -> bool:
    return value in TYPE_OPERANDS if isinstance(value, str) else whole(1, 32)(value) and value in SIZES


def _sizes(value: object) -> bool:
    if isinstance(value, list):
        return len(value) > 1 and all(whole(1, 32)(v) and v in SIZES for v in value) and value == sorted(set(value))
    return _size(value)


def _widths(value: object) -> bool:
    """Widths of count, interval and step of each dimension of a nest."""
    return (
        isinstance(value, list)
        and len(value) == DIMENSIONS
        and all(isinstance(w, list) and len(w) == 3 and all(map(whole(1, 40), w)) for w in value)
    )


_LIMIT = whole(0, 1 << 64)

#: The attributes of each kind of operand.
ATTRIBUTES: Mapping[str, Schema] = {
    "number": {
        "*width": whole(1, 64), "signed": truth, "hex": truth, "label": truth, "always": truth,
        "least": _LIMIT, "most": _LIMIT, "scale": whole(1, 1 << 16),
    },
    "flag": {},
    "type": {},
    "streams": {"*size": _sizes},
    "source": {"*size": _size},
    "dims": {"*widths": _widths, "step": whole(0, 1), "least": whole(0, 1)},
    "register": {},
    "scalar": {},
    "memory": {},
}  # fmt: skip

#: The kinds of operands that may stand in each role.
ROLES: Mapping[str, tuple[str, ...]] = {
    "suffix": ("type", "flag"),
    "in": ("number", "streams", "source", "dims", "register", "scalar", "memory"),
    "out": ("number", "streams"),
    "clause": ("number", "flag", "dims"),
    "hidden": ("number",),
}


def attribute_problems(kind: str, attributes: Mapping[str, object]) -> list[str]:
    """What is wrong with the attributes of an operand of ``kind``."""
    problems = problems_of(attributes, ATTRIBUTES[kind], f"a {kind}")
    if problems or kind != "number":
        return problems
    least, most = attributes.get("least", 0), attributes.get("most", 1 << 64)
    assert isinstance(least, int) and isinstance(most, int)
    if attributes.get("signed", False) and "least" in attributes:
        return ["a signed number has no 'least'"]
    if "scale" in attributes and not attributes.get("signed", False):
        return ["'scale' is for signed numbers"]
    return [f"most = {most} is less than least = {least}"] if most < least else []
