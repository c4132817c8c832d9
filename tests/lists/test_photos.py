"""Photos: chosen by staff, or taken from the directory where nobody has chosen one (N4)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from captrid_core.errors import BadValue, Invalid
from captrid_core.lists.model import Field, MasterList, SyncConfiguration
from captrid_core.lists.photos import PhotoOrigin
from captrid_core.sandbox import Sandbox
from captrid_core.settings import Settings
from captrid_core.sync.runs import RunStatus
from captrid_core.workspace import Workspace
from tests.rules.rules_school import form_for

ACTOR = "Alex Admin"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(users=30, groups=False, seed=3).running() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    yield running
    running.faults.clear()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(Settings(home=tmp_path)) as opened:
        yield opened


@pytest.fixture
def staff(workspace: Workspace, sandbox: Sandbox) -> MasterList:
    connection = workspace.connections.add(form_for(sandbox), test=None, actor=ACTOR)
    sync = SyncConfiguration(connection.id, "id", {"id": "code"})
    return workspace.lists.create("Staff", uid_field="code", fields=[Field("code")], sync=sync, actor=ACTOR)


def picture(colour: str = "red", size: tuple[int, int] = (900, 1200), kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, kind)
    return content.getvalue()


def origins(workspace: Workspace, made: MasterList) -> list[PhotoOrigin | None]:
    people = workspace.people.find(workspace.lists.get(made.id)).people
    photos = [workspace.photos.get(one.id) for one in people]
    return [one.origin if one else None for one in photos]


def sync(workspace: Workspace, made: MasterList) -> None:
    assert workspace.runner.sync(made.id, actor=ACTOR).status is RunStatus.SUCCEEDED


def test_photos_are_not_taken_unless_that_is_wished_for(workspace: Workspace, staff: MasterList):
    sync(workspace, staff)
    assert set(origins(workspace, staff)) == {None}


def test_photos_come_with_a_sync_for_those_who_have_one(
    workspace: Workspace, staff: MasterList, sandbox: Sandbox
):
    workspace.upkeep.take_photos(staff.id, on=True, actor=ACTOR)
    sync(workspace, staff)

    found = origins(workspace, staff)
    assert {PhotoOrigin.DIRECTORY, None} == set(found)
    assert found.count(PhotoOrigin.DIRECTORY) > len(found) / 2
    person = next(
        one
        for one in workspace.people.find(workspace.lists.get(staff.id)).people
        if workspace.photos.get(one.id)
    )
    photo = workspace.photos.get(person.id)
    assert photo is not None
    with Image.open(io.BytesIO(photo.content)) as opened:
        assert (opened.format, opened.size) == ("JPEG", (240, 240))
    before = len(sandbox.requests)
    sync(workspace, staff)
    asked = [one for one in list(sandbox.requests)[before:] if "photos" in str(one)]
    assert asked == []  # who has one, or was asked for just now, is not asked for again


def test_a_photo_that_was_chosen_here_is_never_replaced(workspace: Workspace, staff: MasterList):
    sync(workspace, staff)
    uids = [one.uid or "" for one in workspace.people.find(staff).people]
    for uid in uids:
        workspace.photos.choose(staff, uid, picture(), actor="Sam Staff")
    workspace.upkeep.take_photos(staff.id, on=True, actor=ACTOR)
    sync(workspace, staff)
    assert set(origins(workspace, staff)) == {PhotoOrigin.STAFF}

    workspace.photos.remove(staff, uids[0], actor="Sam Staff")
    assert origins(workspace, staff).count(PhotoOrigin.STAFF) == len(uids) - 1


def test_a_directory_that_gives_no_photos_does_not_fail_the_sync(
    workspace: Workspace, staff: MasterList, sandbox: Sandbox
):
    workspace.upkeep.take_photos(staff.id, on=True, actor=ACTOR)
    sandbox.faults.add("error", match="batch", status=400, times=None)
    run = workspace.runner.sync(staff.id, actor=ACTOR)
    assert run.status is RunStatus.SUCCEEDED
    assert set(origins(workspace, staff)) == {None}


def test_a_picture_is_made_small_and_loses_what_the_camera_wrote(workspace: Workspace, staff: MasterList):
    sync(workspace, staff)
    person = workspace.people.find(staff).people[0]
    content = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "Secret Camera"
    Image.new("RGB", (1200, 800), "blue").save(content, "JPEG", exif=exif)

    workspace.photos.choose(staff, person.uid or "", content.getvalue(), actor=ACTOR)

    photo = workspace.photos.get(person.id)
    assert photo is not None
    assert b"Secret Camera" not in photo.content
    with Image.open(io.BytesIO(photo.content)) as opened:
        assert opened.size == (400, 600)


@pytest.mark.parametrize("content", [b"", b"GIF89a....", b"\xff\xd8\xff\xe0 broken", picture()[:200]])
def test_what_is_no_picture_is_refused(workspace: Workspace, staff: MasterList, content: bytes):
    sync(workspace, staff)
    person = workspace.people.find(staff).people[0]
    with pytest.raises(BadValue):
        workspace.photos.choose(staff, person.uid or "", content, actor=ACTOR)
    assert workspace.photos.get(person.id) is None


def test_a_list_without_a_directory_takes_no_photos(workspace: Workspace):
    made = workspace.lists.create("Guests", uid_field="code", fields=[Field("code")], actor=ACTOR)
    with pytest.raises(Invalid):
        workspace.upkeep.take_photos(made.id, on=True, actor=ACTOR)
