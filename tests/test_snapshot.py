"""The snapshot of the instructions says what their files say."""

from __future__ import annotations

from importlib import resources

import pytest

from lpuasm.isa import snapshot, spec


def texts() -> list[str]:
    folder = resources.files("lpuasm.isa")
    return [folder.joinpath(f"{unit}.toml").read_text("utf-8") for unit in spec.FILES]


def test_the_snapshot_is_fresh() -> None:
    """Stale? Run ``python -m lpuasm.isa.snapshot``."""
    assert resources.files("lpuasm.isa").joinpath(snapshot.NAME).read_bytes() == spec.snapshot()


def test_the_snapshot_holds_the_instructions() -> None:
    kept = snapshot.load(texts())
    assert kept is not None
    parsed = tuple(
        d for unit, text in zip(spec.FILES, texts(), strict=True) for d in spec.parse_unit(text, f"{unit}.toml")
    )
    assert kept.definitions == parsed == spec.standard()
    assert [d.span for d in kept.definitions] == [d.span for d in parsed]
    assert [repr(d) for d in kept.definitions] == [repr(d) for d in parsed]  # tuples and lists are what they were


def test_a_snapshot_of_other_files_is_not_used() -> None:
    first, *rest = texts()
    assert snapshot.load([first + "\n", *rest]) is None
    assert snapshot.load(rest) is None


def test_without_a_snapshot_the_files_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = spec.standard()
    monkeypatch.setattr(snapshot, "NAME", "nowhere.tables")
    spec._standard.cache_clear()
    try:
        assert spec.standard() == expected
    finally:
        spec._standard.cache_clear()
