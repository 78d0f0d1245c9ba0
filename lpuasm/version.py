"""The version, and the hash of the instruction set that it holds."""

from __future__ import annotations

import hashlib
from importlib import metadata, resources

#: The files that the instruction set and the known chips are read from.
FILES = ("icu", "mem", "vxm", "mxm", "sxm", "c2c", "seq", "tsp1", "mini")


def isa_hash() -> str:
    """SHA-256 of the specification's files, in hex; it is independent of line ends."""
    digest = hashlib.sha256()
    for name in FILES:
        text = resources.files("lpuasm.isa").joinpath(f"{name}.toml").read_text("utf-8")
        digest.update(f"{name}\0{text}\0".encode())
    return digest.hexdigest()


def version_line() -> str:
    """What `lpuasm --version` prints."""
    return f"lpuasm {metadata.version('lpuasm')} (isa {isa_hash()[:16]})"
