"""Blocks of transformers, each one program, against float64: within six standard deviations of their roundings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from blocks_reference import decoder, encoder
from likely import SIGMAS, Likely
from numpy.typing import NDArray

from lpuasm.isa.errors import AssemblyError
from lpuasm.stdlib.kernel import Kernel, KernelRun
from lpuasm.stdlib.transformers import BERT, DECODER_BLOCK, ENCODER_BLOCK, LLAMA

Array = NDArray[Any]


def weights(names: dict[str, str], sizes: dict[str, int]) -> dict[str, Array]:
    """Matrices that keep the size of what they multiply, gammas about 1, and small biases."""
    random = np.random.default_rng(1)
    found = {}
    for name, axes in names.items():
        shape = tuple(sizes[axis] for axis in axes)
        made = random.standard_normal(shape)
        gamma = len(axes) == 1 and name.endswith("weight")
        found[name] = (made / np.sqrt(shape[-1]) if len(axes) > 1 else gamma + made / 10).astype(np.float16)
    return found


def llama(dm: int, heads: int, kv: int, d: int, n: int) -> dict[str, Array]:
    return weights(LLAMA, {"M": dm, "Q": heads * d, "K": kv * d, "N": n})


def bert(dm: int, heads: int, d: int, n: int) -> dict[str, Array]:
    return weights(BERT, {"M": dm, "Q": heads * d, "N": n})


def rows(s: int, dm: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((s, dm)).astype(np.float16)


def held(run: KernelRun, kernel: Kernel, dims: dict[str, int]) -> None:
    """Cycles as stated, executed and promised."""
    assert run.program is not None and run.cycles == run.program.cycles
    assert run.cycles <= kernel.contract.cycles(**dims)


def part(x: Likely, first: int) -> Likely:
    return Likely(x.value[:, first:], x.sigma[:, first:])


@pytest.mark.parametrize(
    ("s", "past", "dm", "heads", "kv", "d", "n"),
    [
        (128, 0, 576, 9, 3, 64, 1536),  # a small Llama
        (1, 37, 64, 4, 2, 16, 96),  # one token with a cache
        (7, 5, 64, 3, 3, 16, 100),
        (7, 161, 64, 5, 5, 8, 100),  # a past of two blocks
        (5, 3, 100, 3, 1, 128, 64),
        (9, 2, 330, 1, 1, 160, 64),  # two tiles of the model, no room beside a head
        (33, 40, 96, 12, 6, 80, 330),  # two tiles of keys, one of them half full
        (320, 0, 64, 2, 1, 64, 64),  # one block of queries, full
        (330, 40, 96, 3, 3, 80, 64),  # two blocks, one of ten; two tiles of keys, one of them half full
        (641, 0, 64, 4, 1, 64, 64),  # three blocks, the last one of a row
    ],
)
def test_decoder_block(s: int, past: int, dm: int, heads: int, kv: int, d: int, n: int) -> None:
    w, x, random = llama(dm, heads, kv, d, n), rows(s, dm), np.random.default_rng(2)
    cache = None
    if past:
        keys, values = random.standard_normal((2, kv, past, d)).astype(np.float16)
        cache = keys, values
    places = np.arange(past, past + s)
    run = DECODER_BLOCK.run(x, w, places, cache, heads=heads, kv_heads=kv)
    y, (keys, values) = run.result
    expected = decoder(x, w, places, cache, heads, kv, 1e-5)
    exacts = (expected[0], *(part(e, past) for e in expected[1:]))
    for got, exact in zip((y, keys[:, past:], values[:, past:]), exacts, strict=True):
        assert got.dtype == np.float16 and got.shape == exact.value.shape
        assert exact.sigmas(got) < SIGMAS
    if cache:
        assert np.array_equal(keys[:, :past], cache[0]) and np.array_equal(values[:, :past], cache[1])
    dims = {"S": s, "T": past, "DM": dm, "H": heads, "KV": kv, "D": d, "N": n}
    held(run, DECODER_BLOCK, dims)


@pytest.mark.parametrize(
    ("s", "dm", "heads", "d", "n"),
    [
        (128, 768, 12, 64, 3072),  # BERT-base
        (1, 64, 2, 32, 64),
        (33, 330, 3, 110, 330),  # two tiles of the model, an odd number of heads
        (161, 96, 6, 16, 100),  # two blocks of keys
        (353, 64, 3, 32, 64),  # two blocks of queries
    ],
)
def test_encoder_block(s: int, dm: int, heads: int, d: int, n: int) -> None:
    w, x = bert(dm, heads, d, n), rows(s, dm)
    run = ENCODER_BLOCK.run(x, w, heads=heads)
    assert run.result.dtype == np.float16 and run.result.shape == x.shape
    assert encoder(x, w, heads, 1e-12).sigmas(run.result) < SIGMAS
    dims = {"S": s, "DM": dm, "H": heads, "D": d, "N": n}
    held(run, ENCODER_BLOCK, dims)


def test_tokens_one_by_one_and_together() -> None:
    """A prompt in two parts, the cache between them, is the prompt at once; later tokens change no earlier ones."""
    w, x, places = llama(64, 4, 2, 16, 96), rows(8, 64), np.array([3, 4, 5, 9, 10, 40, 41, 2000])
    whole, (keys, values) = DECODER_BLOCK(x, w, places, heads=4, kv_heads=2)
    first, cache = DECODER_BLOCK(x[:7], w, places[:7], heads=4, kv_heads=2)
    last, (keys2, values2) = DECODER_BLOCK(x[7:], w, places[7:], cache, heads=4, kv_heads=2)
    assert np.array_equal(whole[:7], first)
    assert np.array_equal(keys, keys2) and np.array_equal(values, values2)
    exact = decoder(x, w, places, None, 4, 2, 1e-5)[0]
    assert exact.sigmas(whole) < SIGMAS and exact.sigmas(np.concatenate([first, last])) < SIGMAS


def test_any_byte_order() -> None:
    """Of rows, of weights in their mapping, and of the cache."""

    def swapped(x: Array) -> Array:
        return x.astype(x.dtype.newbyteorder())

    x, w, at = rows(3, 96), llama(96, 2, 1, 32, 64), np.arange(3)
    _, cache = DECODER_BLOCK(x, w, at, heads=2, kv_heads=1)
    want, _ = DECODER_BLOCK(x, w, at + 3, cache, heads=2, kv_heads=1)
    other = {name: swapped(value) for name, value in w.items()}
    found, _ = DECODER_BLOCK(swapped(x), other, swapped(at + 3), tuple(map(swapped, cache)), heads=2, kv_heads=1)
    np.testing.assert_array_equal(found, want)


def test_encoder_knows_no_order() -> None:
    """Sums over keys are exact, so tokens in another order give the same bits in that order."""
    w, x = bert(64, 2, 32, 64), rows(20, 64)
    order = np.random.default_rng(3).permutation(20)
    assert np.array_equal(ENCODER_BLOCK(x, w, heads=2)[order], ENCODER_BLOCK(x[order], w, heads=2))


@pytest.mark.parametrize("size", [0, 2.0**-14, 1e-3, 100, 3000])
def test_rows_of_any_size(size: float) -> None:
    """The root mean square is right from rows of zeros to those whose squares are far beyond f16."""
    w, x = llama(64, 4, 2, 16, 96), (rows(8, 64) * size).astype(np.float16)
    y, _ = DECODER_BLOCK(x, w, np.arange(8), heads=4, kv_heads=2)
    assert decoder(x, w, np.arange(8), None, 4, 2, 1e-5)[0].sigmas(y) < SIGMAS
    b = bert(64, 2, 32, 64)
    assert encoder(x, b, 2, 1e-5).sigmas(ENCODER_BLOCK(x, b, heads=2, eps=1e-5)) < SIGMAS


def test_rows_far_from_zero() -> None:
    """Deviations are taken from the mean before they are squared."""
    w, x = bert(330, 3, 32, 64), (rows(8, 330) + 60).astype(np.float16)
    assert encoder(x, w, 3, 1e-12).sigmas(ENCODER_BLOCK(x, w, heads=3)) < SIGMAS


def test_no_tokens() -> None:
    w = llama(64, 4, 2, 16, 96)
    cache = tuple(np.ones((2, 3, 16), np.float16) for _ in range(2))
    y, kept = DECODER_BLOCK(rows(0, 64), w, np.arange(0), cache, heads=4, kv_heads=2)
    assert y.shape == (0, 64) and all(np.array_equal(a, b) for a, b in zip(kept, cache, strict=True))
    assert ENCODER_BLOCK(rows(0, 64), bert(64, 2, 32, 64), heads=2).shape == (0, 64)


def test_wrong_arguments_in_plain_words() -> None:
    w, x, places = llama(64, 4, 2, 16, 96), rows(3, 64), np.arange(3)
    with pytest.raises(TypeError, match="float16"):
        DECODER_BLOCK(x.astype(np.float32), w, places, heads=4, kv_heads=2)
    with pytest.raises(ValueError, match=r"lack mlp\.up_proj\.weight"):
        DECODER_BLOCK(x, {k: v for k, v in w.items() if "up" not in k}, places, heads=4, kv_heads=2)
    with pytest.raises(ValueError, match="heads"):
        DECODER_BLOCK(x, w, places, heads=3, kv_heads=2)
    with pytest.raises(ValueError, match="positions are 3 integers"):
        DECODER_BLOCK(x, w, places[:2], heads=4, kv_heads=2)
    with pytest.raises(ValueError, match="cache"):
        DECODER_BLOCK(x, w, places, (np.zeros((2, 1, 16), np.float16),) * 3, heads=4, kv_heads=2)
    with pytest.raises(ValueError, match="eps"):
        ENCODER_BLOCK(x, bert(64, 2, 32, 64), heads=2, eps=0.0)
    with pytest.raises(ValueError, match=r"intermediate\.dense\.bias is \[3\]"):
        ENCODER_BLOCK(x, bert(64, 2, 32, 64) | {"intermediate.dense.weight": x}, heads=2)


@pytest.mark.parametrize(
    ("dims", "help_"),
    [
        ({"S": 2000}, "up to 1046 tokens fit at a time: the rest go after them, with the cache"),
        ({"S": 1, "T": 9000}, "a past of up to"),
        ({"DM": 4096, "H": 32, "KV": 8, "D": 128, "N": 14336}, "the weights alone do not fit"),
        ({"D": 256}, "heads of up to 160 columns fit"),
    ],
)
def test_what_does_not_fit_is_refused(dims: dict[str, Any], help_: str) -> None:
    with pytest.raises(AssemblyError) as caught:
        DECODER_BLOCK.program(**({"S": 128, "DM": 576, "H": 9, "KV": 3, "D": 64, "N": 1536} | dims))
    assert caught.value.code == "LPU0510" and help_ in str(caught.value.diagnostics[0].help)
