"""Photos in the dashboard."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from captrid_core.lists.photos import PhotoOrigin
from captrid_core.sandbox import Sandbox
from pages import strings
from tests.browser.conftest import Beside
from tests.browser.screen import Screen

pytestmark = pytest.mark.browser


def test_photos_come_from_the_directory_and_staff_choose_their_own(
    screen: Screen, quiet: Sandbox, beside: Beside, tmp_path
):
    made = beside.synced_list("Pictured", "Homeroom 7A")
    screen.go(f"/list?list={made.id}&tab=Settings")
    screen.pick("settings_photos", strings.PHOTOS_FROM_DIRECTORY)
    screen.sees(strings.PHOTOS_ON)
    screen.tab(strings.TAB_SYNC)
    screen.click("sync_now")
    people = beside.workspace.people.find(made).people
    screen.sees("Succeeded")
    row = next(n for n, one in enumerate(people) if beside.workspace.photos.get(one.id))
    screen.tab(strings.TAB_PEOPLE)
    screen.select_row("people_table", row)
    expect(screen.dialog().get_by_role("img", name=strings.PHOTO)).to_be_visible()
    screen.sees("From the directory")
    screen.shot("photo")

    file = tmp_path / "own.png"
    content = io.BytesIO()
    Image.new("RGB", (300, 300), "green").save(content, "PNG")
    file.write_bytes(content.getvalue())
    screen.by_key("person_photo_panel").locator("summary").click()
    screen.by_key("person_photo_panel").locator("input[type=file]").set_input_files(file)
    screen.settle()
    screen.click("person_photo_save")
    screen.sees("Chosen here")
    photo = beside.workspace.photos.get(people[row].id)
    assert photo is not None
    assert photo.origin is PhotoOrigin.STAFF
    screen.click("person_photo_remove")
    expect(screen.dialog().get_by_role("img", name=strings.PHOTO)).to_have_count(0)
    assert beside.workspace.photos.get(people[row].id) is None
