"""CaptrID Directory Sync: keeps Master Lists of people true to a directory.

Everything that is true without a screen. Open a home with `captrid_core.workspace.Workspace`
and use the services that it hands out; the command line (`captrid_core.cli`) and the dashboard
(`pages/`) do nothing else.
"""

__version__ = "0.1.0"
