"""Fixtures: a home with a directory in memory, served to the pages of this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from captrid_core import serving
from captrid_core.lists.model import MasterList
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace
from tests.pages.school import ACTOR, MemoryDirectory, connect, create

ROUTER = Path(__file__).parents[2] / "pages" / "router.py"


class Show(Protocol):
    """Draws a page as somebody sees it who goes there."""

    def __call__(self, page: str | None = None, **query: str) -> AppTest: ...


@pytest.fixture
def directory() -> MemoryDirectory:
    return MemoryDirectory()


@pytest.fixture
def workspace(tmp_path: Path, directory: MemoryDirectory) -> Iterator[Workspace]:
    settings = Settings(home=tmp_path, actor=ACTOR)
    with Workspace(settings, opener=directory.open) as opened, serving.using(opened):
        yield opened
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def staff(workspace: Workspace) -> MasterList:
    """Return a list that a directory feeds and that was not synced yet."""
    return create(workspace, connect(workspace))


@pytest.fixture
def show(workspace: Workspace) -> Show:
    def go(page: str | None = None, **query: str) -> AppTest:
        at = AppTest.from_file(str(ROUTER), default_timeout=20)
        if page is None:
            return at.run()
        at.run()
        for name, value in query.items():
            at.query_params[name] = value
        return at.switch_page(page).run()

    return go


def words(at: AppTest) -> str:
    """Return everything that a page says."""
    spoken = [
        *at.title,
        *at.header,
        *at.subheader,
        *at.markdown,
        *at.caption,
        *at.info,
        *at.warning,
        *at.error,
        *at.success,
        *at.metric,
    ]
    return "\n".join(str(getattr(one, "body", None) or one.value) for one in spoken)
