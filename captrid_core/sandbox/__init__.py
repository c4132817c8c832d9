"""A local Microsoft Entra ID and Microsoft Graph with a made-up college, to try everything on.

It answers over HTTPS what the real services answer, as far as people and groups go, changes when
it is told to, and misbehaves when it is told to. It imports nothing of the rest of the project.
"""

from captrid_core.sandbox.apps import App
from captrid_core.sandbox.client import SandboxControl
from captrid_core.sandbox.delta import DeltaOptions
from captrid_core.sandbox.directory import Directory
from captrid_core.sandbox.errors import ExpiredForm
from captrid_core.sandbox.exchange import Recorded
from captrid_core.sandbox.faults import Fault, FaultKind, Faults
from captrid_core.sandbox.plan import GroupKind
from captrid_core.sandbox.sandbox import Sandbox, serve_forever

__all__ = [
    "App",
    "DeltaOptions",
    "Directory",
    "ExpiredForm",
    "Fault",
    "FaultKind",
    "Faults",
    "GroupKind",
    "Recorded",
    "Sandbox",
    "SandboxControl",
    "serve_forever",
]
