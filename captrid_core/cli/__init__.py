"""The command line: everything that the dashboard does, for cron, scripts and administrators."""

from captrid_core.cli.main import main

__all__ = ["main"]
