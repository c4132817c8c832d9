"""A person's photo in their panel: looking at it, choosing another, taking it away."""

from __future__ import annotations

import streamlit as st

from captrid_core.errors import CaptridError
from captrid_core.lists.model import MasterList, Person
from captrid_core.lists.photos import PhotoOrigin
from captrid_core.serving import workspace
from pages import strings
from pages.parts.errors import show_error
from pages.parts.feedback import say
from pages.parts.times import short


def draw_photo(master_list: MasterList, person: Person, actor: str) -> None:
    """Draw the photo, and the ways to change it."""
    photos = workspace().photos
    photo = photos.get(person.id)
    if photo is not None:
        st.image(photo.content, width=160, alt=strings.PHOTO)
        words = (
            strings.PHOTO_FROM_DIRECTORY if photo.origin is PhotoOrigin.DIRECTORY else strings.PHOTO_BY_STAFF
        )
        st.caption(words.format(when=short(photo.added_at)))
    with st.expander(strings.PHOTO, icon=":material/photo_camera:", key="person_photo_panel"):
        uploaded = st.file_uploader(
            strings.PHOTO_CHOOSE,
            type=["jpg", "jpeg", "png", "webp"],
            max_upload_size=10,
            key=f"person_form_photo_{person.id}",
        )
        with st.container(horizontal=True):
            chosen = st.button(
                strings.PHOTO_SAVE,
                key="person_photo_save",
                icon=":material/save:",
                disabled=uploaded is None,
            )
            removed = st.button(
                strings.PHOTO_REMOVE,
                key="person_photo_remove",
                icon=":material/delete:",
                disabled=photo is None,
            )
        try:
            if chosen and uploaded is not None:
                photos.choose(master_list, person.uid or "", uploaded.getvalue(), actor=actor)
                say(strings.PHOTO_SAVED)
                st.rerun(scope="fragment")
            elif removed:
                photos.remove(master_list, person.uid or "", actor=actor)
                say(strings.PHOTO_REMOVED)
                st.rerun(scope="fragment")
        except CaptridError as error:
            show_error(error)
