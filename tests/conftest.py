"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# no test passes or fails by the clock: a busy machine is no fault
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
