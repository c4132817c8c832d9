"""Photos of people: chosen by staff, or taken from the directory where nobody has chosen one (N4)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from captrid_core.clock import Clock, from_column, to_column
from captrid_core.errors import BadValue
from captrid_core.lists.model import MasterList
from captrid_core.lists.people import People
from captrid_core.store.database import Database, row
from captrid_core.store.records import write_audit

_EDGE: Final = 600
_MOST_PIXELS: Final = 50_000_000
_ASK_AGAIN_AFTER: Final = timedelta(days=7)


class PhotoOrigin(StrEnum):
    """Where a photo comes from."""

    DIRECTORY = "directory"
    STAFF = "staff"
    NONE = "none"
    """The directory had none when it was asked."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A person's photo, as JPEG."""

    content: bytes
    origin: PhotoOrigin
    added_at: datetime | None


class Photos:
    """The photos of one home's people."""

    def __init__(self, database: Database, people: People, clock: Clock) -> None:
        self._database = database
        self._people = people
        self._clock = clock

    def get(self, person_id: int) -> Photo | None:
        """Return a person's photo, if there is one."""
        with self._database.read() as cursor:
            found = row(cursor, "SELECT * FROM photo WHERE person_id = ? AND origin <> 'none'", [person_id])
        if found is None:
            return None
        return Photo(bytes(found["content"]), PhotoOrigin(found["origin"]), from_column(found["added_at"]))

    def choose(self, master_list: MasterList, uid: str, content: bytes, *, actor: str) -> None:
        """Give a person a photo; it is turned upright, made smaller, and stripped of what a camera wrote into it.

        Raises:
            NotFound: There is no such person.
            BadValue: It is no picture that can be used.
        """
        picture = _upright(content)
        person = self._people.get(master_list, uid)
        with self._database.write() as cursor:
            cursor.execute("DELETE FROM photo WHERE person_id = ?", [person.id])
            cursor.execute(
                "INSERT INTO photo VALUES (?, ?, 'staff', ?, ?, ?)",
                [person.id, master_list.id, picture, to_column(self._clock()), actor],
            )
            write_audit(
                cursor,
                "person.photo_chosen",
                actor=actor,
                at=self._clock(),
                entity="person",
                entity_id=person.id,
                entity_name=uid,
                list=master_list.name,
            )

    def remove(self, master_list: MasterList, uid: str, *, actor: str) -> None:
        """Take a person's photo away; the directory may bring its own with the next sync.

        Raises:
            NotFound: There is no such person.
        """
        person = self._people.get(master_list, uid)
        with self._database.write() as cursor:
            cursor.execute("DELETE FROM photo WHERE person_id = ?", [person.id])
            write_audit(
                cursor,
                "person.photo_removed",
                actor=actor,
                at=self._clock(),
                entity="person",
                entity_id=person.id,
                entity_name=uid,
                list=master_list.name,
            )

    def wanting(self, master_list: MasterList) -> dict[str, int]:
        """Return the managed Active people whose photo the directory may be asked for: person ids by object id."""
        with self._database.read() as cursor:
            found = cursor.execute(
                f"""SELECT _anchor, _person_id FROM {master_list.people_table} p
                    WHERE _anchor IS NOT NULL AND _active AND NOT EXISTS (
                        FROM photo f WHERE f.person_id = p._person_id AND (f.origin <> 'none' OR f.added_at > ?))
                    ORDER BY _person_id""",
                [to_column(self._clock() - _ASK_AGAIN_AFTER)],
            ).fetchall()
        return dict(found)

    def keep(
        self, master_list: MasterList, asked: Sequence[int], found: Mapping[int, bytes], *, actor: str
    ) -> int:
        """Keep what the directory had for some people; one that staff chose meanwhile stays. Return how many are new."""
        now = to_column(self._clock())
        with self._database.write() as cursor:
            taken = {
                person_id
                for (person_id,) in cursor.execute(
                    "SELECT person_id FROM photo WHERE origin <> 'none' AND list_contains(?, person_id)",
                    [list(asked)],
                ).fetchall()
            }
            free = [one for one in asked if one not in taken]
            cursor.execute("DELETE FROM photo WHERE list_contains(?, person_id)", [free])
            rows = [
                [one, master_list.id, "directory" if one in found else "none", found.get(one), now, actor]
                for one in free
            ]
            if rows:
                cursor.executemany("INSERT INTO photo VALUES (?, ?, ?, ?, ?, ?)", rows)
        return sum(1 for one in free if one in found)


def _upright(content: bytes) -> bytes:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise BadValue("The picture has too many pixels.", field="photo")
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise BadValue("This is no picture in JPEG, PNG or WebP, or it is damaged.", field="photo") from error
    picture.thumbnail((_EDGE, _EDGE))
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=88)
    return written.getvalue()
