"""Where the blocks keep heads: in lanes, in hemispheres, and in what attention gives to the next product.

`block_attention.s` has the same numbers. A tile of 320 lanes holds ``2 * slots`` heads of keys, half of them in each
half of the lanes, and the heads of queries that share one lie at its place in tiles of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lpuasm.stdlib.products import LANES

if TYPE_CHECKING:
    from lpuasm.stdlib.kernel import Array

#: Lanes that the planes multiply f16 by at once, and so columns of a head at most.
HALF = LANES // 2


@dataclass(frozen=True)
class Heads:
    """``heads`` of queries that share ``kv`` heads of keys, of ``d`` columns, for ``s`` tokens."""

    heads: int
    kv: int
    d: int
    s: int

    @property
    def group(self) -> int:
        """Heads of queries that share a head of keys."""
        return self.heads // self.kv

    @property
    def slots(self) -> int:
        """Heads in half of the lanes."""
        return HALF // self.d

    @property
    def tiles(self) -> int:
        """Tiles of keys."""
        return -(-self.kv // (2 * self.slots))

    @property
    def blocks(self) -> int:
        """Blocks of at most 320 queries."""
        return -(-self.s // LANES)

    @property
    def rows(self) -> int:
        """Rows that the queries of a head and block take where they are installed."""
        return 8 * -(-min(self.s, LANES) // 8)

    def keys(self, causal: bool) -> list[int]:
        """New keys that each block of queries looks at."""
        return [min(self.s, LANES * (q + 1)) if causal else self.s for q in range(self.blocks)]

    def place(self, g: int) -> tuple[int, int, int]:
        """(tile, half, slot) of head ``g`` of the keys."""
        tile, rest = divmod(g, 2 * self.slots)
        return tile, rest % 2, rest // 2

    def lanes(self, g: int) -> slice:
        """The lanes of head ``g`` in its tile."""
        _, half, slot = self.place(g)
        return slice(HALF * half + self.d * slot, HALF * half + self.d * (slot + 1))

    def most(self, half: int) -> int:
        """Heads of a half in one tile at most: in the first one."""
        return (min(2 * self.slots, self.kv) + 1 - half) // 2

    def seats(self, half: int) -> int:
        """Heads whose queries a hemisphere installs at once."""
        return max(1, min(self.most(half), LANES // self.rows))

    def sets(self, half: int) -> int:
        """Installs that the heads of a half of a tile take."""
        return -(-self.most(half) // self.seats(half))

    def units(self, half: int) -> int:
        """Installs of queries in a hemisphere."""
        return self.tiles * self.sets(half) * self.group * self.blocks

    def items(self, half: int, past: int, causal: bool) -> int:
        """Blocks of keys of all units of a hemisphere."""
        new = sum(-(-keys // HALF) for keys in self.keys(causal))
        return self.units(half) // max(self.blocks, 1) * (self.blocks * -(-past // HALF) + new)

    @property
    def per(self) -> int:
        """Heads in a tile of what attention gives."""
        return LANES // self.d

    def given(self, half: int) -> int:
        """Tiles of what attention gives in a hemisphere."""
        return -(-self.tiles * self.sets(half) * self.group * self.seats(half) // self.per) if self.most(half) else 0

    @cached_property
    def columns(self) -> list[slice]:
        """Where each head of queries lies in what attention gives."""
        found = []
        for head in range(self.heads):
            tile, half, slot = self.place(head // self.group)
            unit = (tile * self.sets(half) + slot // self.seats(half)) * self.group + head % self.group
            full, rest = divmod(unit * self.seats(half) + slot % self.seats(half), self.per)
            first = LANES * (half * self.given(0) + full) + rest * self.d
            found.append(slice(first, first + self.d))
        return found

    def projections(self, q: Array, k: Array, v: Array) -> Array:
        """Rows of weights [heads · d, ...] (or of a bias) in the order of the lanes: tiles of values, keys, queries."""
        import numpy as np

        out = np.zeros(((2 + self.group) * self.tiles, LANES, *q.shape[1:]), q.dtype)
        for g in range(self.kv):
            tile, own, lanes = self.place(g)[0], slice(g * self.d, (g + 1) * self.d), self.lanes(g)
            out[tile, lanes], out[self.tiles + tile, lanes] = v[own], k[own]
            for r in range(self.group):
                head, column = g * self.group + r, 2 * self.tiles + tile * self.group + r
                out[column, lanes] = q[head * self.d : (head + 1) * self.d]
        return out.reshape(-1, *q.shape[1:])

    def output(self, w: Array) -> Array:
        """Weights [N, heads · d] of the product after attention, their columns where its heads are."""
        import numpy as np

        out = np.zeros((len(w), LANES * (self.given(0) + self.given(1))), w.dtype)
        for head, columns in enumerate(self.columns):
            out[:, columns] = w[:, head * self.d : (head + 1) * self.d]
        return out

    def spread(self, rows: Array, block: int) -> Array:
        """Keys or values [kv, T, d] in the lanes of their heads: [tiles · T, 320], T padded to whole blocks."""
        import numpy as np

        long = -(-rows.shape[1] // block) * block
        out = np.zeros((self.tiles, long, LANES), rows.dtype)
        for g in range(self.kv):
            out[self.place(g)[0], : rows.shape[1], self.lanes(g)] = rows[g]
        return out.reshape(-1, LANES)

    def gathered(self, vectors: Array) -> Array:
        """The inverse of :meth:`spread`: [kv, tokens, d]."""
        import numpy as np

        cut = vectors.reshape(self.tiles, -1, LANES)[:, : self.s]
        return np.stack([cut[self.place(g)[0], :, self.lanes(g)] for g in range(self.kv)])

    def rotary(self, positions: Array, base: float) -> dict[str, Array]:
        """Cosines and sines of the angles of all lanes."""
        import numpy as np

        half, lane = self.d // 2, np.arange(LANES)
        column = lane % HALF % self.d
        used = lane % HALF < self.slots * self.d
        angle = positions.astype(np.float64)[:, None] * base ** (-2.0 * (column % half) / self.d)
        sign = np.where(column < half, -1.0, 1.0)
        return {
            "Cos": np.where(used, np.cos(angle), 0).astype(np.float32),
            "Sin": np.where(used, sign * np.sin(angle), 0).astype(np.float32),
        }
