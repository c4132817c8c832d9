from __future__ import annotations

from datetime import timedelta

import pytest

from captrid_core.sandbox import DeltaOptions, ExpiredForm, Sandbox

SELECT = "/users/delta?$select=id,displayName,mail,department"
UNSUPPORTED = (400, "Request_UnsupportedQuery")


def ids(objects):
    return [item["id"] for item in objects]


@pytest.fixture
def directory(sandbox):
    return sandbox.directory


@pytest.fixture
def someone(directory):
    """Return an ordinary student."""
    return next(
        user for user in directory.users() if user.get("employeeType") == "Student" and user["accountEnabled"]
    )


@pytest.mark.parametrize(
    "path",
    ["/users/delta", "/users/delta()", "/users/microsoft.graph.delta", "/users/microsoft.graph.delta()"],
)
def test_every_spelling_reaches_the_function(caller, path):
    assert "@odata.deltaLink" in caller.delta(f"{path}?$select=displayName").pages[-1]


def test_the_first_round_names_everybody_and_the_recycle_bin_as_removed(caller, directory):
    found = caller.delta(SELECT)

    removed = [item for item in found.objects if "@removed" in item]
    assert len(ids(found.objects)) == len(set(ids(found.objects))) == 203
    assert {user["id"] for user in directory.users()} == set(ids(found.objects)) - set(ids(removed))
    assert [set(item) for item in removed] == [{"id", "@removed"}] * 3
    assert all(item["@removed"] == {"reason": "changed"} for item in removed)


def test_a_page_has_a_next_link_or_a_delta_link_and_never_both(caller):
    pages = caller.pages(SELECT, Prefer="odata.maxpagesize=50")

    assert len(pages) > 4
    assert all(("@odata.nextLink" in page) != ("@odata.deltaLink" in page) for page in pages)
    assert "@odata.deltaLink" in pages[-1]


def test_pages_hold_200_objects_and_fewer_if_preferred_so(caller):
    assert [len(page["value"]) for page in caller.pages(SELECT)] == [200, 3]
    assert max(len(page["value"]) for page in caller.pages(SELECT, Prefer="odata.maxpagesize=20")) == 20
    assert len(caller.ok(SELECT, Prefer="odata.maxpagesize=999")["value"]) == 200


def test_an_empty_page_in_the_middle_is_normal(caller):
    pages = caller.pages(SELECT, Prefer="odata.maxpagesize=60")

    assert [len(page["value"]) for page in pages] == [60, 60, 0, 60, 23]


def test_empty_pages_can_come_before_each_page_or_never(call):
    always = call(Sandbox(users=10, delta=DeltaOptions(page_size=6, empty_every=1)))
    never = call(Sandbox(users=10, delta=DeltaOptions(page_size=1, empty_every=0)))

    assert [len(page["value"]) for page in always.pages("/users/delta")] == [0, 6, 0, 4]
    assert [len(page["value"]) for page in never.pages("/users/delta")] == [1] * 10


def test_what_was_never_set_is_absent(caller, directory):
    guest = next(user for user in directory.users() if user["userType"] == "Guest")
    [shown] = caller.delta("/users/delta?$select=id,displayName,department,employeeId").of(guest["id"])

    assert set(shown) == {"id", "displayName"}


def test_the_id_is_always_there(caller):
    assert all("id" in item for item in caller.delta("/users/delta?$select=displayName").objects)


def test_without_select_the_default_properties_come_and_everything_is_tracked(caller, directory, someone):
    first = caller.delta("/users/delta")
    assert "department" not in first.of(someone["id"])[0]

    directory.update_user(someone["id"], department="Year 99")
    [entry] = caller.delta(first.link).objects
    assert entry["id"] == someone["id"]
    assert entry["displayName"] == someone["displayName"]


def test_nothing_happened_nothing_is_reported(caller):
    first = caller.delta(SELECT)
    again = caller.delta(first.link)

    assert again.objects == []
    assert caller.delta(again.link).objects == []
    assert again.pages[0]["value"] == []


def test_a_change_shows_the_new_value_and_the_old_ones_beside_it(caller, directory, someone):
    first = caller.delta(SELECT)
    directory.update_user(someone["id"], department="Year 99")

    [entry] = caller.delta(first.link).objects
    assert entry == {
        "id": someone["id"],
        "displayName": someone["displayName"],
        "mail": someone["mail"],
        "department": "Year 99",
    }


def test_a_cleared_value_is_null_once_and_absent_afterwards(caller, directory, someone):
    first = caller.delta(SELECT)
    directory.update_user(someone["id"], department=None)
    second = caller.delta(first.link)
    directory.update_user(someone["id"], displayName="Another Name")
    third = caller.delta(second.link)

    assert second.of(someone["id"])[0]["department"] is None
    assert "department" not in third.of(someone["id"])[0]


def test_only_selected_properties_are_tracked(caller, directory, someone):
    first = caller.delta(SELECT)
    directory.update_user(someone["id"], jobTitle="Prefect")

    assert caller.delta(first.link).objects == []


def test_a_member_of_a_complex_property_is_tracked(caller, directory, someone):
    first = caller.delta("/users/delta?$select=id,onPremisesExtensionAttributes")
    directory.update_user(someone["id"], onPremisesExtensionAttributes={"extensionAttribute9": "x"})

    [entry] = caller.delta(first.link).objects
    assert entry["onPremisesExtensionAttributes"]["extensionAttribute9"] == "x"
    assert entry["onPremisesExtensionAttributes"]["extensionAttribute1"]


def test_return_minimal_shows_what_changed_only(caller, directory, someone):
    first = caller.delta(SELECT)
    directory.update_user(someone["id"], department=None, jobTitle="Prefect")
    new = directory.add_user(displayName="Ada", mail="ada@banksia.example")

    found = caller.delta(first.link, Prefer="return=minimal")
    assert found.of(someone["id"]) == [{"id": someone["id"], "department": None}]
    assert found.of(new) == [{"id": new, "displayName": "Ada", "mail": "ada@banksia.example"}]


def test_leaving_returning_and_being_purged(caller, directory, someone):
    link = caller.delta(SELECT).link
    directory.delete_user(someone["id"])
    left = caller.delta(link)
    directory.restore_user(someone["id"])
    back = caller.delta(left.link)
    directory.delete_user(someone["id"])
    directory.purge_user(someone["id"])
    gone = caller.delta(back.link)

    assert left.objects == [{"id": someone["id"], "@removed": {"reason": "changed"}}]
    assert back.of(someone["id"])[0]["displayName"] == someone["displayName"]
    assert gone.objects == [{"id": someone["id"], "@removed": {"reason": "deleted"}}]


def test_purging_after_a_round_is_reported_again_as_deleted(caller, directory, someone):
    link = caller.delta(SELECT).link
    directory.delete_user(someone["id"])
    left = caller.delta(link)
    directory.purge_user(someone["id"])

    assert caller.delta(left.link).objects == [{"id": someone["id"], "@removed": {"reason": "deleted"}}]


def test_what_happens_during_the_first_round_comes_in_the_next_at_the_latest(caller, directory, someone):
    page = caller.ok(SELECT, Prefer="odata.maxpagesize=20")
    directory.update_user(someone["id"], department="Year 99")
    [left] = directory.leave(1)
    new = directory.add_user(displayName="Ada")
    rest = caller.delta(page["@odata.nextLink"])
    entries = {item["id"]: item for item in caller.delta(rest.link).objects}

    assert entries[someone["id"]]["department"] == "Year 99"
    assert entries[left]["@removed"] == {"reason": "changed"}
    assert entries[new]["displayName"] == "Ada"


def test_the_same_link_may_be_called_again(caller, directory):
    link = caller.delta(SELECT).link
    directory.rename(3)
    once, twice = caller.delta(link), caller.delta(link)

    assert once.objects == twice.objects
    assert len(once.objects) == 3


def test_latest_starts_from_now(caller, directory, someone):
    start = caller.ok(f"{SELECT}&$deltatoken=latest")
    assert start["value"] == []
    directory.update_user(someone["id"], department="Year 99")
    directory.update_user(someone["id"], jobTitle="Prefect")

    [entry] = caller.delta(start["@odata.deltaLink"]).objects
    assert set(entry) == {"id", "displayName", "mail", "department"}


def test_a_round_of_many_changes_comes_in_pages(caller, directory):
    link = caller.delta(SELECT).link
    renamed = directory.rename(150)

    found = caller.delta(link, Prefer="odata.maxpagesize=40")
    assert [len(page["value"]) for page in found.pages] == [40, 40, 0, 40, 30]
    assert ids(found.objects) == renamed


def test_replays_repeat_old_changes(call, clock):
    sandbox = Sandbox(users=20, clock=clock, delta=DeltaOptions(replays=2))
    caller, directory = call(sandbox), sandbox.directory
    link = caller.delta(SELECT).link
    old = directory.rename(3)
    link = caller.delta(link).link
    new = directory.rename(1)

    assert ids(caller.delta(link).objects) == [*old[-2:], *new]


def test_a_filter_names_up_to_50_ids(caller, directory):
    users = [user["id"] for user in directory.users()]
    wanted = users[10:60]
    text = " or ".join(f"id eq '{user}'" for user in wanted)
    first = caller.delta(f"{SELECT}&$filter={text}", Prefer="odata.maxpagesize=20")
    directory.update_user(wanted[0], department="Year 99")
    directory.update_user(users[0], department="Year 99")

    assert set(ids(first.objects)) == set(wanted)
    assert ids(caller.delta(first.link).objects) == [wanted[0]]
    assert caller.refused(f"{SELECT}&$filter={text} or id eq '{users[0]}'") == UNSUPPORTED
    assert caller.refused(f"{SELECT}&$filter=displayName eq 'x'") == UNSUPPORTED


@pytest.mark.parametrize("option", ["$top=5", "$orderby=displayName", '$search="displayName:x"'])
def test_options_of_lists_are_unsupported(caller, option):
    assert caller.refused(f"/users/delta?{option}") == UNSUPPORTED


def test_expand_is_ignored(caller):
    assert not any("manager" in item for item in caller.delta("/users/delta?$expand=manager").objects)


def test_options_cannot_be_given_again_with_a_token(caller):
    link = caller.delta(SELECT).link

    assert caller.refused(f"{link}&$select=id,mail") == UNSUPPORTED


def test_tokens_are_opaque_and_altered_ones_refused(caller):
    link = caller.delta(SELECT).link

    assert "displayName" not in link
    assert caller.refused(link[:-3] + "AAA") == (400, "Request_BadRequest")
    assert caller.refused(link.replace("/users/", "/groups/")) == (400, "Request_BadRequest")


# The manager


def test_the_manager_is_reported_when_selected(caller, directory):
    first = caller.delta("/users/delta?$select=displayName,manager")

    managers = {
        item["id"]: item["manager@delta"][0]["id"] for item in first.objects if "manager@delta" in item
    }
    assert managers == {user["id"]: user["manager"] for user in directory.users() if "manager" in user}


def test_a_change_of_manager_is_tracked_and_other_changes_do_not_repeat_it(caller, directory):
    link = caller.delta("/users/delta?$select=displayName,manager").link
    user = next(user for user in directory.users() if "manager" in user)
    other = next(one["id"] for one in directory.users() if one["id"] not in {user["manager"], user["id"]})

    directory.set_manager(user["id"], other)
    changed = caller.delta(link)
    directory.update_user(user["id"], displayName="Another Name")
    renamed = caller.delta(changed.link)
    directory.set_manager(user["id"], None)
    cleared = caller.delta(renamed.link)

    kind = "#microsoft.graph.user"
    assert changed.of(user["id"])[0]["manager@delta"] == [
        {"@odata.type": kind, "id": user["manager"], "@removed": {"reason": "deleted"}},
        {"@odata.type": kind, "id": other},
    ]
    assert "manager@delta" not in renamed.of(user["id"])[0]
    assert cleared.of(user["id"])[0]["manager@delta"] == [
        {"@odata.type": kind, "id": other, "@removed": {"reason": "deleted"}}
    ]


def test_the_manager_is_not_tracked_unless_selected(caller, directory):
    link = caller.delta(SELECT).link
    user = next(user for user in directory.users() if "manager" in user)
    directory.set_manager(user["id"], None)

    assert caller.delta(link).objects == []


def test_one_member_of_a_complex_property_shows_for_those_who_have_it(caller, directory):
    found = caller.delta("/users/delta?$select=onPremisesExtensionAttributes/extensionAttribute1").objects
    colours = {
        item["id"]: item.get("onPremisesExtensionAttributes") for item in found if "@removed" not in item
    }

    for user in directory.users():
        held = user.get("onPremisesExtensionAttributes")
        assert colours[user["id"]] == (held and {"extensionAttribute1": held["extensionAttribute1"]})


def test_garbage_is_no_token(caller):
    assert caller.refused("/users/delta?$deltatoken=garbage!") == (400, "Request_BadRequest")
    assert caller.refused("/users/delta?$skiptoken=AAAA") == (400, "Request_BadRequest")


# Expiry


def test_links_live_seven_days(caller, clock):
    link = caller.delta(SELECT).link
    clock.pass_by(days=6, hours=23)
    caller.token = ""
    assert caller.get(link).status == 200
    clock.pass_by(hours=2)
    caller.token = ""

    assert caller.get(link).status == 410


FORMS = {
    ExpiredForm.GONE_WITH_LOCATION: (410, "resyncRequired"),
    ExpiredForm.GONE: (410, "SyncStateNotFound"),
    ExpiredForm.SYNC_STATE_NOT_FOUND: (400, "syncStateNotFound"),
    ExpiredForm.RESYNC_REQUIRED: (400, "resyncRequired"),
    ExpiredForm.NESTED: (400, "BadRequest"),
}


@pytest.mark.parametrize("form", ExpiredForm)
def test_expiry_has_every_form_that_the_sources_name(call, clock, form):
    caller = call(
        Sandbox(users=5, clock=clock, delta=DeltaOptions(life=timedelta(hours=1), expired_form=form))
    )
    link = caller.delta(SELECT).link
    clock.pass_by(hours=2)
    caller.token = ""
    answer = caller.get(link)

    error = answer.json()["error"]
    assert (answer.status, error["code"]) == FORMS[form]
    assert ("location" in answer.headers) is (form is ExpiredForm.GONE_WITH_LOCATION)
    assert (error["innerError"].get("code") == "syncStateNotFound") is (form is ExpiredForm.NESTED)


def test_the_location_starts_over_with_the_same_selection(caller, clock):
    link = caller.delta(SELECT).link
    clock.pass_by(days=8)
    caller.token = ""
    location = caller.get(link).headers["location"]

    assert location.endswith("$deltatoken=")
    assert len(caller.delta(location).objects) == 203
    assert {name for item in caller.delta(location).objects for name in item} <= {
        "id",
        "displayName",
        "mail",
        "department",
        "@removed",
    }


def test_a_link_of_another_run_of_the_sandbox_is_expired(call, clock):
    link = call(Sandbox(users=5, clock=clock)).delta(SELECT).link
    clock.pass_by(minutes=1)

    assert call(Sandbox(users=5, clock=clock)).get(link).status == 410
