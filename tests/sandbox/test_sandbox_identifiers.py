from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from captrid_core.sandbox.identifiers import Identifiers, Kind, key, kind_of

numbers = st.integers(0, 2**40 - 1)


@given(st.sampled_from(Kind), numbers, st.integers(0, 99))
def test_an_id_leads_back_to_what_it_names(kind, number, seed):
    identifiers = Identifiers(seed)
    guid = identifiers.guid(key(kind, number))

    assert uuid.UUID(guid).version == 4
    assert identifiers.key(guid) == identifiers.key(guid.upper()) == key(kind, number)
    assert kind_of(key(kind, number)) is kind


@given(st.uuids(version=4) | st.text(max_size=40))
def test_an_id_of_elsewhere_is_not_recognised(other):
    assert Identifiers(1).key(str(other)) is None


@given(numbers)
def test_an_id_of_another_seed_is_not_recognised(number):
    assert Identifiers(2).key(Identifiers(1).guid(number)) is None
