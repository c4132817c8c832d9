"""Fixtures for the tests of directories."""

from __future__ import annotations

from entra_wire import wire

__all__ = ["wire"]
