"""Who may see a page. Every page calls `require` before anything else."""

from __future__ import annotations

from captrid_core.serving import workspace


def require() -> str:
    """Return who acts on this page.

    Nobody signs in yet: the server listens to this machine alone, and whoever uses it acts as the
    home's own actor.
    """
    return workspace().settings.actor
