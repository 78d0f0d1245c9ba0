"""Weights of the blocks as their sources want them: tiles of 320 × 320, dealt to the hemispheres."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpuasm.stdlib.products import LANES, tiles

if TYPE_CHECKING:
    from lpuasm.stdlib.kernel import Array


def cut(w: Array) -> Array:
    """Weights [N, K] as tiles [down, across, 320, 320], zero beyond their edges."""
    import numpy as np

    down, across = tiles(w.shape[0]), tiles(w.shape[1])
    wide = np.zeros((down * LANES, across * LANES), w.dtype)
    wide[: w.shape[0], : w.shape[1]] = w
    return np.ascontiguousarray(wide.reshape(down, LANES, across, LANES).transpose(0, 2, 1, 3))


def dealt(cuts: Array) -> tuple[Array, Array]:
    """Rows of the tiles of the east and of the west: tile (n, k) goes to hemisphere (n + k) mod 2, in order."""
    import numpy as np

    down, across = cuts.shape[:2]
    sides = (np.arange(down)[:, None] + np.arange(across)[None, :]) % 2
    east, west = (cuts[sides == side].reshape(-1, LANES) for side in range(2))
    return east, west


def vectors(*rows: Array) -> Array:
    """Rows of any length below each other, in vectors of 320 lanes, zero beyond their ends."""
    import numpy as np

    return np.concatenate([np.pad(row, (0, -len(row) % LANES)).reshape(-1, LANES) for row in rows])
