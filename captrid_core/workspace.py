"""The workspace: opens a home and hands out the services. Everything is wired here, and only here."""

from __future__ import annotations

from types import TracebackType

from captrid_core.clock import Clock, system_clock
from captrid_core.directory.connections import Connections, Opener, open_entra
from captrid_core.insight.audit import AuditLog
from captrid_core.insight.explain import Explain
from captrid_core.insight.matters import Matters
from captrid_core.insight.notifications import Notifications
from captrid_core.insight.published import Publisher
from captrid_core.insight.saved_queries import SavedQueries
from captrid_core.insight.sql import SqlQueries
from captrid_core.lists.drafts import Drafts
from captrid_core.lists.duplicates import Duplicates
from captrid_core.lists.files import ListFiles
from captrid_core.lists.master_lists import MasterLists
from captrid_core.lists.people import People
from captrid_core.lists.photos import Photos
from captrid_core.lists.upkeep import ListUpkeep
from captrid_core.organisation import Organisation
from captrid_core.practice import Practice
from captrid_core.settings import Settings
from captrid_core.store.database import Database
from captrid_core.store.vault import Vault
from captrid_core.sync.mapping import SyncSetup
from captrid_core.sync.runner import Runner
from captrid_core.sync.runs import Runs
from captrid_core.sync.schedule import Schedules


class Workspace:
    """One home and its services.

    Args:
        settings: Which home, and how to open it.
        linger: Seconds to keep the database's file open after use, unless somebody waits for it.
        clock: The present moment.
        opener: Opens a directory with a connection.
        practice: The demo's own directory, to be played with; nobody else has one.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        linger: float = 0.3,
        clock: Clock = system_clock,
        opener: Opener = open_entra,
        practice: Practice | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.practice = practice
        self.database = Database(
            settings.home / "masterlists.duckdb", memory_limit=settings.memory_limit, linger=linger
        )
        self.organisation = Organisation(self.database, clock)
        self.vault = Vault(settings.home, environment_key=settings.key)
        self.connections = Connections(self.database, self.vault, clock, opener=opener)
        self.lists = MasterLists(self.database, clock)
        self.upkeep = ListUpkeep(self.database, self.lists, clock)
        self.people = People(self.database, self.lists, clock)
        self.photos = Photos(self.database, self.people, clock)
        self.duplicates = Duplicates(self.database, self.lists, self.people, clock)
        self.drafts = Drafts(self.database, clock)
        self.files = ListFiles(self.database, self.lists, clock)
        self.setup = SyncSetup(self.connections)
        self.audit = AuditLog(self.database)
        self.runs = Runs(self.database, settings.home / "runs", clock)
        self.runner = Runner(self.database, self.connections, self.lists, self.runs, self.photos, clock)
        self.schedules = Schedules(self.database, self.lists, self.runs, self.runner, clock)
        self.explain = Explain(self.database, self.lists, self.people, self.connections)
        self.matters = Matters(
            self.lists, self.runs, self.connections, self.schedules, self.organisation, clock
        )
        self.notifications = Notifications(self.database, self.vault, self.matters, clock)
        self.published = Publisher(settings.home, self.database, self.lists, clock)
        self.sql = SqlQueries(self.database, self.published, clock)
        self.saved_queries = SavedQueries(self.database, clock)

    def close(self) -> None:
        """Close the home's files."""
        self.sql.close()
        self.database.close()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
