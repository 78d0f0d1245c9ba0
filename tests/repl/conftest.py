"""Fixtures of the tests of the conversation."""

from __future__ import annotations

import pytest
from transcripts import Conversation

COPY = """\
.target mini
.input A : i8 [8, 32] at mem.w0
.output B : i8 [8, 32] at mem.e0
flow copy:
    read  A -> s0.e
    write s0.e -> B
"""


@pytest.fixture
def talk() -> Conversation:
    """A conversation about nothing yet."""
    return Conversation()


@pytest.fixture
def copy(talk: Conversation) -> Conversation:
    """A conversation about a flow that copies A to B, with A given."""
    talk.good(COPY, "A = integers(-5, 5)")
    return talk
