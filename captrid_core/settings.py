"""Settings of this installation: where its home is and what the environment says.

Every setting has a default that works; the command line's options come before the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from captrid_core.errors import HomeUnusable


@dataclass(frozen=True, slots=True)
class Settings:
    """What one process of this installation runs with."""

    home: Path
    """The folder with the database, the key and the spool."""
    key: str | None = None
    """CAPTRID_KEY: the vault's key in base64; None means the home's key file."""
    memory_limit: str = "360MB"
    """CAPTRID_MEMORY_LIMIT: the database's own memory, as DuckDB writes it."""
    actor: str = "local"
    """Who acts, for the history: CAPTRID_ACTOR, else the system's user."""

    def __repr__(self) -> str:
        """Show everything but the key."""
        return f"Settings(home={str(self.home)!r}, memory_limit={self.memory_limit!r}, actor={self.actor!r})"


def load_settings(home: Path | None = None, *, environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings; `home` outranks CAPTRID_HOME.

    Raises:
        HomeUnusable: The home cannot be made.
    """
    env = os.environ if environment is None else environment
    folder = (
        (home or (Path(env["CAPTRID_HOME"]) if env.get("CAPTRID_HOME") else default_home()))
        .expanduser()
        .absolute()
    )
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise HomeUnusable(f"The home {folder} cannot be made: {error.strerror}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise HomeUnusable(f"The home {folder} cannot be written to.")
    return Settings(
        home=folder,
        key=env.get("CAPTRID_KEY") or None,
        memory_limit=env.get("CAPTRID_MEMORY_LIMIT") or "360MB",
        actor=env.get("CAPTRID_ACTOR") or env.get("USER") or env.get("LOGNAME") or "local",
    )


def default_home() -> Path:
    """Return `data/home` in a checkout, else the platform's folder for a user's data."""
    checkout = Path(__file__).parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "pages").is_dir():
        return checkout / "data" / "home"
    import platformdirs

    return Path(platformdirs.user_data_dir("captrid", appauthor=False))
