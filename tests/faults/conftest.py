"""One bench for all trials."""

from __future__ import annotations

import pytest

from tests.faults.trials import Bench


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Return data of two fills and their results: read them, do not change them."""
    return Bench.make(tmp_path_factory.mktemp("bench"))
