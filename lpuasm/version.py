"""The version, and the hash of the instruction set that it holds."""

from __future__ import annotations

from importlib import metadata

from lpuasm.isa.digest import isa_digest


def version_line() -> str:
    """What `lpuasm --version` prints."""
    return f"lpuasm {metadata.version('lpuasm')} (isa {isa_digest()[:16]})"
