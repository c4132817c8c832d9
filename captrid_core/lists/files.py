"""Files in and out of a Master List."""

from __future__ import annotations

from pathlib import Path

from captrid_core.clock import Clock, to_column
from captrid_core.lists import exports, imports, values
from captrid_core.lists.csv_file import open_csv
from captrid_core.lists.imports import ImportSummary
from captrid_core.lists.master_lists import MasterLists
from captrid_core.lists.model import MasterList, StatusFilter
from captrid_core.store.database import Cursor, Database, transaction
from captrid_core.store.records import write_audit


class ListFiles:
    """Imports and exports of one home's Master Lists."""

    def __init__(self, database: Database, lists: MasterLists, clock: Clock) -> None:
        self._database = database
        self._lists = lists
        self._clock = clock

    def import_csv(
        self, master_list: MasterList, path: Path, *, actor: str, dry_run: bool = False
    ) -> ImportSummary:
        """Take people over from a CSV file, by their UIDs.

        The first row names fields by key or label. Who is not in the list yet is created; whoever is
        has the fields that the file names set to what it says, a blank cell meaning blank, except
        those that the directory manages. Fields that the file does not name stay as they are.

        Args:
            master_list: The list.
            path: The file.
            actor: Who imports it.
            dry_run: Only work out what would happen.

        Raises:
            NotFound, UnreadableFile: The file cannot be read.
            MissingUid, Invalid: Its columns do not do.
        """
        with self._database.session() as cursor, open_csv(path) as file:
            values.define_macros(cursor)
            staged = imports.stage(cursor, self._lists.load(cursor, master_list.id), file)
            with self._database.exclusive(), transaction(cursor):
                master_list = self._lists.load(cursor, master_list.id)
                summary = imports.judge(cursor, master_list, staged)
                if not dry_run and (summary.created or summary.updated):
                    moment = to_column(self._clock())
                    imports.write(cursor, master_list, staged, actor=actor, moment=moment)
                    self._audit_import(cursor, master_list, path, summary, actor)
        return summary

    def export(
        self, master_list: MasterList, path: Path, *, status: StatusFilter = StatusFilter.ACTIVE
    ) -> int:
        """Write a list's people to a .csv, .xlsx, .parquet or .json file and return how many they are.

        Raises:
            Invalid: The file's ending is none of these, or the people do not fit into it.
            HomeUnusable: The file cannot be written.
        """
        with self._database.read() as cursor:
            return exports.export(cursor, master_list, path, status=status)

    def _audit_import(
        self, cursor: Cursor, master_list: MasterList, path: Path, summary: ImportSummary, actor: str
    ) -> None:
        write_audit(
            cursor,
            "people.imported",
            actor=actor,
            at=self._clock(),
            entity="list",
            entity_id=master_list.id,
            entity_name=master_list.name,
            file=path.name,
            created=summary.created,
            updated=summary.updated,
            unchanged=summary.unchanged,
            skipped=summary.skipped,
            errors=len(summary.errors),
        )
