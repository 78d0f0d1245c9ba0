"""A text looked at whole: the shape of every line, and its numbers.

The parser needs to see a line only if its shape is new (see :mod:`lpuasm.asm.parser`). Here the shapes of all lines of
a text are found at once, in arrays over its bytes. Only *plain* lines are: printable ASCII, no strings, braces, holes
or continuations, and no numbers but decimal and hexadecimal integers below 10¹⁵. Of the others nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Octets = NDArray[np.uint8]

LONGEST = 15
"""Digits of a number."""
_NOT = 255
_NEWLINE, _BLANK, _SEMICOLON, _SLASH, _POINT, _ZERO = b"\n ;/.0"


_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PLAIN = _LETTERS + b"0123456789_ \t\n!#$%&'()*+,-./:;<=>@[]^|~"


def _table(text: bytes) -> bytes:
    """For `translate`: 1 for the octets of ``text``, 0 for the others."""
    return bytes(octet in text for octet in range(256))


_WORD = _table(_LETTERS + b"0123456789_")
_IN_WORD = np.frombuffer(_WORD, bool)
_DIGIT = np.frombuffer(_table(b"0123456789"), bool)
_VALUE = np.full(256, _NOT, np.uint8)
_VALUE[list(b"0123456789abcdef")] = range(16)
_VALUE[list(b"ABCDEF")] = range(10, 16)


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """The lines of a text.

    ``data`` is the text in UTF-8 between two newlines; ``begin`` and ``end`` say where each line lies in it. ``shape``:
    the number of its shape, −1 where it is not plain; ``sample``: the first line of each shape, −1 where none is plain.
    ``first``: for each line, and for one more, the index of its first number; ``value`` and ``stop``: what each number
    is, and where it ends in ``data``.
    """

    data: bytes
    begin: Ints
    end: Ints
    shape: Ints
    sample: Ints
    first: Ints
    value: Ints
    stop: Ints

    def text(self, first: int, last: int) -> str:
        """The lines ``first`` … ``last`` − 1, without the newline of the last."""
        return self.data[int(self.begin[first]) : int(self.end[last - 1])].decode()


def scan(text: str) -> Scan:
    """The shapes and numbers of a text that holds no surrogates."""
    data = f"\n{text}\n".encode()
    newlines = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE)
    begin, end = newlines[:-1] + 1, newlines[1:]
    code = _without_comments(data, newlines)
    octets: Octets = np.frombuffer(code, np.uint8)
    plain = np.ones(len(begin), bool)
    if code.translate(None, _PLAIN):
        strange = np.flatnonzero(np.frombuffer(code.translate(_table(_PLAIN)), np.uint8) == 0)
        plain[np.searchsorted(end, strange)] = False
    start, stop = _numbers(code, octets)
    first = np.searchsorted(start, newlines)
    value, keep, wrong = _read(octets, start, stop)
    plain[np.searchsorted(end, start[wrong])] = False
    canonical = octets.copy()
    canonical[start] = _ZERO
    lines = canonical[keep].tobytes().split(b"\n")[1:-1]
    if b" \n" in code or b"\t\n" in code:
        lines = list(map(bytes.rstrip, lines))
    known = dict.fromkeys(lines)
    for number, line in enumerate(known):
        known[line] = number
    shape = np.fromiter(map(known.__getitem__, lines), np.int64, len(lines))
    shape[~plain] = -1
    sample = np.full(len(known), -1, np.int64)
    some = np.flatnonzero(plain)[::-1]
    sample[shape[some]] = some
    return Scan(data, begin, end, shape, sample, first, value, stop)


def _without_comments(data: bytes, newlines: Ints) -> bytes:
    """The text with blanks for every comment. A sign of one in a string starts none, but such lines are not plain."""
    if b";" in data or b"//" in data:
        octets: Octets = np.frombuffer(data, np.uint8).copy()
        slashes = np.flatnonzero(octets == _SLASH)
        signs = np.concatenate((np.flatnonzero(octets == _SEMICOLON), slashes[octets[slashes + 1] == _SLASH]))
        line = np.searchsorted(newlines, signs)
        start = np.full(len(newlines), len(octets))
        np.minimum.at(start, line, signs)
        line = np.flatnonzero(start < len(octets))
        cover = np.zeros(len(octets), np.int8)
        cover[start[line]], cover[newlines[line]] = 1, -1
        octets[np.cumsum(cover, dtype=np.int8) == 1] = _BLANK
        data = octets.tobytes()
    return data.replace(b"\r\n", b" \n") if b"\r" in data else data


def _numbers(code: bytes, octets: Octets) -> tuple[Ints, Ints]:
    """Where words begin with a digit, and where those words end."""
    word = np.frombuffer(code.translate(_WORD), bool)
    edges = np.flatnonzero(word[1:] != word[:-1]) + 1
    start, stop = edges[::2], edges[1::2]
    numeric = _DIGIT[octets[start]]
    return start[numeric], stop[numeric]


def _read(octets: Octets, start: Ints, stop: Ints) -> tuple[Ints, NDArray[np.bool_], Ints]:
    """(the values, which octets are no digit but the first of a number, which of the words are no number)."""
    keep = np.ones(len(octets), bool)
    value = np.zeros(len(start), np.int64)
    length = stop - start
    wrong = length > LONGEST
    rows: Ints = np.flatnonzero(octets[start - 1] == _POINT)
    wrong[rows[_IN_WORD[octets[start[rows] - 2]]]] = True
    based = (octets[start] == _ZERO) & (length > 2)
    rows = np.flatnonzero(based)
    based[rows[octets[start[rows] + 1] | 32 != ord("x")]] = False
    short = (length <= 8) & (stop >= 8) & ~based
    rows = np.flatnonzero(short)
    if len(rows) == len(start):
        value, good = _decimal(octets, stop, length)
    else:
        value[rows], good = _decimal(octets, stop[rows], length[rows])
    wrong[rows[~good]] = True
    at, more = stop[rows] - 1, length[rows]
    while len(at := at[more > 1]):
        more = more[more > 1] - 1
        keep[at] = False
        at = at - 1
    rows = np.flatnonzero(~short & ~wrong)
    base = np.where(based[rows], 16, 10)
    digits = np.where(based[rows], length[rows] - 2, length[rows])
    power = np.ones(len(rows), np.int64)
    for k in range(LONGEST):
        some = digits > k
        rows, base, digits, power = rows[some], base[some], digits[some], power[some]
        digit = _VALUE[octets[stop[rows] - 1 - k]]
        wrong[rows[digit >= base]] = True
        value[rows] += digit * power
        keep[stop[rows] - 1 - k] = False
        power *= base
    keep[start[based] + 1] = False
    keep[start] = True
    return value, keep, np.flatnonzero(wrong)


def _decimal(octets: Octets, stop: Ints, length: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """The values of decimal numbers of up to eight digits, and whether they are such; all digits of one at a time."""
    windows: NDArray[np.uint64] = np.ndarray((max(len(octets) - 7, 0),), "<u8", octets.data, strides=(1,))
    zeros = np.uint64(0x3030303030303030)
    own = np.uint64(0xFFFFFFFFFFFFFFFF) << (np.uint64(64) - (length.astype(np.uint64) << np.uint64(3)))
    chunk = (windows[stop - 8] & own) | (zeros & ~own)
    tens = np.uint64(0xF0F0F0F0F0F0F0F0)
    good = ((chunk & tens) == zeros) & ((chunk + np.uint64(0x0606060606060606) & tens) == zeros)
    chunk ^= zeros
    for scale, mask, shift in (
        (10, 0x00FF00FF00FF00FF, 8), (100, 0x0000FFFF0000FFFF, 16), (10_000, 0x00000000FFFFFFFF, 32),
    ):  # fmt: skip
        chunk = (chunk & np.uint64(mask)) * np.uint64(scale) + (chunk >> np.uint64(shift) & np.uint64(mask))
    return chunk.astype(np.int64), good
