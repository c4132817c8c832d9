"""The page of the demo's directory, where there is none."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from captrid_core.practice import Move, Trouble
from captrid_core.workspace import Workspace
from pages import strings

PAGE = Path(strings.__file__).parent / "demo_directory.py"


def test_the_page_has_nothing_to_press_outside_the_demo(workspace: Workspace):
    """It is no page of that dashboard; even whoever got to it could do nothing to a directory."""
    at = AppTest.from_file(str(PAGE), default_timeout=20).run()

    assert [one.value for one in at.info] == [strings.SANDBOX_ONLY_IN_DEMO]
    assert not at.button


def test_there_are_words_for_whatever_can_be_pressed():
    assert set(strings.MOVE_WORDS) == {one.value for one in Move}
    assert set(strings.TROUBLE_WORDS) == {one.value for one in Trouble}
