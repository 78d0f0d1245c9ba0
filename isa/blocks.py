"""Long arrays in blocks that stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator


def blocks(size: int, most: int) -> Iterator[slice]:
    """``size`` elements in as few blocks of at most ``most`` as there can be, of even lengths: a short last one costs
    as many calls as a long one."""
    length = -(-size // max(1, -(-size // most)))
    return (slice(start, start + length) for start in range(0, size, max(1, length)))
