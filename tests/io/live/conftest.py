"""What tests of live sources share."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.forked import prepared

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROCESS = Path("/proc/self")


def _children() -> set[str]:
    return {child for task in _PROCESS.glob("task/*/children") for child in task.read_text().split()}


@pytest.fixture
def nothing_stays_open() -> Iterator[None]:
    """Fails a test that leaves a thread, an open file or a process behind."""
    prepared()  # which stays, for all tests
    before = threading.active_count(), len(list(_PROCESS.glob("fd/*"))), _children()
    yield
    threads, descriptors, children = before
    assert threading.active_count() <= threads
    assert len(list(_PROCESS.glob("fd/*"))) <= descriptors
    assert _children() <= children
