"""Sources of the library run from the command line: on their operands alone, for constants stand in the text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lpuasm import stdlib
from lpuasm.cli import run


def on_files(folder: Path, source: str, defines: Mapping[str, float], output: str, **tensors: Any) -> Any:
    """What ``lpuasm run`` writes for a source of the library and these files."""
    given = [f"-D{name}={value}" for name, value in defines.items()]
    for name, array in tensors.items():
        np.save(folder / f"{name}.npy", array)
        given += ["-i", f"{name}={folder / name}.npy"]
    path = Path(stdlib.__file__).parent / source
    assert run(["run", str(path), *given, "-o", f"{output}={folder / 'out.npy'}"]) == 0
    return np.load(folder / "out.npy")


RANDOM = np.random.default_rng(0)


def test_transpose_from_the_command_line(tmp_path: Path) -> None:
    x = RANDOM.integers(-128, 128, (320, 320)).astype(np.int8)
    tiles = np.zeros((1, 20, 4, 16, 320), np.int8)
    tiles[0, :, 0] = x.reshape(20, 16, 320)
    y = on_files(tmp_path, "transpose.s", {"ITEMS": 1}, "Y", X=tiles)
    assert np.array_equal(y[:, 0], x.T)


def test_gather_from_the_command_line(tmp_path: Path) -> None:
    table = RANDOM.integers(0, 256, (1000, 320)).astype(np.uint8)
    index = RANDOM.integers(0, 1000, (9, 1)).astype("<i4")
    y = on_files(tmp_path, "gather.s", {"M": 9, "PLANES": 1}, "Y0", Index=index.view(np.uint8), Table0=table)
    assert np.array_equal(y, table[index[:, 0]])


def test_embedding_from_the_command_line(tmp_path: Path) -> None:
    table = RANDOM.integers(-1000, 1000, (700, 320)).astype(np.int32)
    index = RANDOM.integers(0, 700, (9, 1)).astype(np.int32)
    y = on_files(tmp_path, "embedding.s", {"M": 9, "V": 700}, "Y_0", Index=index, Table_0_0=table)
    assert np.array_equal(y, table[index[:, 0]])


def test_layer_norm_from_the_command_line(tmp_path: Path) -> None:
    x = RANDOM.standard_normal((16, 300)).astype(np.float32)
    parameters = np.zeros((2, 1, 320), np.float32)
    parameters[..., :300] = w, b = RANDOM.standard_normal((2, 1, 300)).astype(np.float32)
    halves = {"X0": x[:8], "X1": x[8:], "w": parameters[0], "b": parameters[1]}
    y = on_files(tmp_path, "layer_norm.s", {"R": 16, "N": 300, "ROOT": 300**0.5}, "Y", **halves)
    centred = x - x.mean(1, keepdims=True)
    meant = centred / np.sqrt(x.var(1, keepdims=True) + 1e-5) * w + b
    assert np.allclose(y.reshape(16, 300), meant, rtol=0, atol=2e-5)


def test_attention_from_the_command_line(tmp_path: Path) -> None:
    q, k, v = RANDOM.standard_normal((3, 1, 320, 64)).astype(np.float16)
    octets = v.view(np.uint8).reshape(1, 320, 64, 2)
    heads = {"Q0_e": q, "K_e": k, "V0_e": octets[..., 0], "V1_e": octets[..., 1]}
    defines = {"JE": 1, "JW": 0, "PER": 1, "OFFW": 0, "R": 320, "SQ": 320, "SKV": 320, "D": 64, "CAUSAL": 1}
    y = on_files(tmp_path, "attention.s", {**defines, "SCALE": 0.125}, "O_e", **heads)
    score = q[0].astype(np.float64) @ k[0].T.astype(np.float64) / 8
    weights = np.exp(np.where(np.tri(320, dtype=bool), score, -np.inf))
    meant = weights @ v[0].astype(np.float64) / weights.sum(1, keepdims=True)
    assert np.abs(y[0, :320] - meant).max() < 0.01
