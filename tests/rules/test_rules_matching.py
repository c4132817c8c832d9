"""Matching and identity: R9 to R14."""

from __future__ import annotations

import pytest
from rules_school import numbers

from captrid_core.lists.model import Field, FieldType, OnUidChange

MAIL_FIELDS = (Field("email", FieldType.EMAIL), Field("first_name"))
MAIL_MAPPING = {"mail": "email", "givenName": "first_name"}
NFC, NFD = "Zo\u00eb", "Zoe\u0308"


@pytest.fixture
def by_mail(make_school):
    return make_school(fields=MAIL_FIELDS, mapping=MAIL_MAPPING, uid_property="mail")


@pytest.fixture
def same_person(make_school):
    return make_school(on_uid_change=OnUidChange.SAME_PERSON)


def codes(notes):
    """Return notes as (code, object id)."""
    return sorted((note.code, note.object_id) for note in notes)


# R9


def test_r9_uids_compare_trimmed_and_in_nfc_and_the_directorys_spelling_is_stored(school):
    person = school.add(NFC, first_name="Zoe")
    school.enrol(f" \u00a0{NFD}\t", "Zoe")

    run = school.synced()

    assert school.table("first_name") == [(NFD, "Zoe", "active")]
    assert school.people()[0].id == person.id
    assert numbers(run) == {"read": 1, "updated": 1}
    assert ("updated", NFD, "employee_id", NFC, NFD) in school.changes(run)


def test_r9_an_employee_id_compares_with_regard_to_case(school):
    school.enrol("ab1", "Ada")
    school.enrol("AB1", "Bo")

    run = school.synced()

    assert school.table("first_name") == [("AB1", "Bo", "active"), ("ab1", "Ada", "active")]
    assert school.errors(run) == []


def test_r9_a_mail_that_changes_by_case_alone_is_the_same_uid(by_mail):
    account = by_mail.directory.add_user(mail="ada@school.example", givenName="Ada")
    by_mail.synced()
    before = by_mail.ids()

    by_mail.directory.update_user(account, mail="Ada@School.example")
    run = by_mail.synced()

    assert by_mail.ids() == {"Ada@School.example": before["ada@school.example"]}
    assert numbers(run) == {"read": 1, "updated": 1}
    assert by_mail.warnings(run) == []
    assert by_mail.changes(run) == [
        ("updated", "Ada@School.example", "email", "ada@school.example", "Ada@School.example")
    ]


def test_r9_user_principal_names_that_differ_by_case_alone_link_to_one_person(make_school):
    fields = (Field("login"), Field("first_name"))
    school = make_school(
        fields=fields,
        mapping={"userPrincipalName": "login", "givenName": "first_name"},
        uid_property="userPrincipalName",
    )
    school.workspace.people.add(school.list, {"login": "ADA@school.example"}, actor="Sam Staff")
    school.directory.add_user(userPrincipalName="ada@school.example", givenName="Ada")

    run = school.synced()

    assert school.table("first_name") == [("ada@school.example", "Ada", "active")]
    assert numbers(run) == {"read": 1, "updated": 1}


# R10


def test_r10_a_person_added_by_hand_with_the_uid_is_linked_and_updated(school):
    person = school.add("7", first_name="By hand", note="likes chess")
    account = school.enrol("7", "Ada", department="Art")

    run = school.synced()

    assert school.table("first_name", "department", "note") == [("7", "Ada", "Art", "likes chess", "active")]
    linked = school.person("7")
    assert (linked.id, linked.origin, linked.managed) == (person.id, "manual", True)
    assert numbers(run) == {"read": 1, "updated": 1}
    assert school.changes(run) == [
        ("linked", "7", None, None, account),
        ("updated", "7", "department", None, "Art"),
        ("updated", "7", "first_name", "By hand", "Ada"),
    ]


def test_r10_a_person_from_a_file_is_linked_too(school, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("employee_id,first_name,note\n7,From a file,likes chess\n8,Somebody,\n")
    school.workspace.files.import_csv(school.list, file, actor="Sam Staff")
    ids = school.ids()
    school.enrol("7", "Ada")

    run = school.synced()

    assert school.table("first_name", "note") == [
        ("7", "Ada", "likes chess", "active"),
        ("8", "Somebody", None, "active"),
    ]
    assert school.ids() == ids
    assert numbers(run) == {"read": 1, "updated": 1}


def test_r10_somebody_who_left_is_found_again_by_uid_and_not_doubled(school):
    account = school.enrol("1")
    school.enrol("2")
    school.synced()
    ids = school.ids()
    school.directory.delete_user(account)
    school.synced()

    school.enrol("1", "Another account")
    school.synced()

    assert school.table("first_name") == [("1", "Another account", "active"), ("2", "Ada", "active")]
    assert school.ids() == ids


# R11


@pytest.mark.parametrize("blank", [None, "", "   ", "\u3000\t"])
def test_r11_an_account_without_a_uid_is_skipped(school, blank):
    account = school.enrol(blank, "Nameless")
    school.enrol("1")

    run = school.synced()

    assert school.table() == [("1", "active")]
    assert numbers(run) == {"read": 2, "created": 1, "skipped": 1}
    assert codes(school.errors(run)) == [("missing_uid", account)]


def test_r11_a_linked_person_whose_uid_became_blank_is_left_as_it_is(school):
    account = school.enrol("1", "Ada", department="Art")
    school.synced()

    school.directory.update_user(account, employeeId=None, givenName="Changed", department=None)
    run = school.synced()

    assert school.table("first_name", "department") == [("1", "Ada", "Art", "active")]
    assert school.person("1").managed
    assert numbers(run) == {"read": 1, "skipped": 1}
    assert codes(school.errors(run)) == [("missing_uid", account)]
    assert school.changes(run) == []


def test_r11_nobody_takes_the_uid_of_a_person_whose_account_has_a_blank_one(school):
    one, two = school.enrol("1", "Ada"), school.enrol("2", "Bo")
    school.synced()

    school.directory.update_user(one, employeeId=None)
    school.directory.update_user(two, employeeId="1", givenName="Thief")
    run = school.synced()

    assert school.table("first_name") == [("1", "Ada", "active"), ("2", "Bo", "active")]
    assert numbers(run) == {"read": 2, "skipped": 2}
    assert codes(school.errors(run)) == sorted([("missing_uid", one), ("duplicate_uid", two)])
    (taken,) = [note for note in school.errors(run) if note.code == "duplicate_uid"]
    assert one in taken.message
    assert two in taken.message


def test_r11_a_new_account_does_not_take_over_a_person_whose_account_has_a_blank_uid(school):
    one = school.enrol("1", "Ada")
    school.synced()

    school.directory.update_user(one, employeeId=" ")
    new = school.enrol("1", "New")
    run = school.synced()

    assert school.table("first_name") == [("1", "Ada", "active")]
    assert codes(school.errors(run)) == sorted([("missing_uid", one), ("duplicate_uid", new)])


# R12


def test_r12_two_new_accounts_with_one_uid_are_both_skipped_and_both_named(school):
    one, two = school.enrol("1", "Ada"), school.enrol("1", "Bo")

    run = school.synced()

    assert school.table() == []
    assert numbers(run) == {"read": 2, "skipped": 2}
    errors = school.errors(run)
    assert codes(errors) == sorted([("duplicate_uid", one), ("duplicate_uid", two)])
    assert all(one in note.message and two in note.message for note in errors)


def test_r12_the_linked_one_of_three_accounts_goes_on_feeding_its_person(school):
    linked = school.enrol("1", "Ada")
    school.synced()

    others = [school.enrol("1", "Bo"), school.enrol(" 1 ", "Cy")]
    school.directory.update_user(linked, givenName="Adele")
    run = school.synced()

    assert school.table("first_name") == [("1", "Adele", "active")]
    assert numbers(run) == {"read": 3, "updated": 1, "skipped": 2}
    assert codes(school.errors(run)) == sorted(("duplicate_uid", other) for other in others)
    assert all(linked in note.message for note in school.errors(run))


def test_r12_an_existing_person_that_two_unlinked_accounts_claim_is_left_as_it_is(school):
    school.add("1", first_name="By hand")
    school.enrol("1", "Ada")
    school.enrol("1", "Bo")

    run = school.synced()

    assert school.table("first_name") == [("1", "By hand", "active")]
    assert not school.person("1").managed
    assert numbers(run) == {"read": 2, "skipped": 2}


def test_r12_a_person_whose_account_was_made_again_twice_is_left_as_it_is(school):
    account = school.enrol("1", "Ada")
    school.synced()

    school.directory.delete_user(account)
    school.enrol("1", "Bo")
    school.enrol("1", "Cy")
    school.synced()

    assert school.table("first_name") == [("1", "Ada", "active")]


def test_r12_a_person_whose_own_account_is_skipped_is_left_as_it_is(school):
    one, two = school.enrol("1", "Ada"), school.enrol("2", "Bo")
    school.synced()

    school.directory.update_user(two, employeeId="1", givenName="Changed")
    run = school.synced()

    assert school.table("first_name") == [("1", "Ada", "active"), ("2", "Bo", "active")]
    assert numbers(run) == {"read": 2, "unchanged": 1, "skipped": 1}
    assert codes(school.errors(run)) == [("duplicate_uid", two)]
    assert one in school.errors(run)[0].message
    assert school.warnings(run) == []


def test_r12_what_follows_a_skipped_account_is_skipped_as_well(school):
    a, b, c = school.enrol("a", "Ada"), school.enrol("b", "Bo"), school.enrol("c", "Cy")
    school.synced()

    school.directory.update_user(a, employeeId="b")  # b moves on to c, which c keeps
    school.directory.update_user(b, employeeId="c")
    run = school.synced()

    assert school.table("first_name") == [
        ("a", "Ada", "active"),
        ("b", "Bo", "active"),
        ("c", "Cy", "active"),
    ]
    assert codes(school.errors(run)) == sorted([("duplicate_uid", a), ("duplicate_uid", b)])
    assert numbers(run) == {"read": 3, "unchanged": 1, "skipped": 2}
    assert c in next(note.message for note in school.errors(run) if note.object_id == b)


def test_r12_an_account_that_the_filters_leave_out_is_no_duplicate(make_school):
    school = make_school(exclude_disabled=True)
    school.enrol("1", "Ada")
    school.enrol("1", "Old account", accountEnabled=False)

    run = school.synced()

    assert school.table("first_name") == [("1", "Ada", "active")]
    assert numbers(run) == {"read": 1, "created": 1}


def test_r12_mails_that_differ_by_case_alone_are_duplicates(by_mail):
    for mail in ("ada@school.example", "ADA@school.example"):
        by_mail.directory.add_user(mail=mail, givenName="Ada")

    run = by_mail.synced()

    assert by_mail.table() == []
    assert {note.code for note in by_mail.errors(run)} == {"duplicate_uid"}


def test_r12_a_duplicate_that_is_mended_is_created_by_the_next_run(school):
    school.enrol("1", "Ada")
    other = school.enrol("1", "Bo")
    school.synced()

    school.directory.update_user(other, employeeId="2")
    run = school.synced()

    assert school.table("first_name") == [("1", "Ada", "active"), ("2", "Bo", "active")]
    assert numbers(run) == {"read": 2, "created": 2}


# R12 and R13: what counts is the end of the round


def test_r12_two_accounts_that_swap_their_uids_are_no_duplicates(school):
    one, two = school.enrol("1", "Ada"), school.enrol("2", "Bo")
    school.synced()
    school.edit("1", note="one")
    school.edit("2", note="two")
    ids = school.ids()

    school.directory.update_user(one, employeeId="2")
    school.directory.update_user(two, employeeId="1")
    run = school.synced()

    assert school.table("first_name", "note") == [("1", "Bo", "one", "active"), ("2", "Ada", "two", "active")]
    assert school.ids() == ids
    assert numbers(run) == {"read": 2, "updated": 2}
    assert school.errors(run) == []
    assert codes(school.warnings(run)) == sorted([("uid_changed", one), ("uid_changed", two)])
    assert numbers(school.synced()) == {"read": 2, "unchanged": 2}


def test_r12_two_accounts_that_swap_their_uids_take_their_people_along(same_person):
    school = same_person
    one, two = school.enrol("1", "Ada"), school.enrol("2", "Bo")
    school.synced()
    school.edit("1", note="Ada's")
    school.edit("2", note="Bo's")
    ids = school.ids()

    school.directory.update_user(one, employeeId="2")
    school.directory.update_user(two, employeeId="1")
    run = school.synced()

    assert school.table("first_name", "note") == [
        ("1", "Bo", "Bo's", "active"),
        ("2", "Ada", "Ada's", "active"),
    ]
    assert school.ids() == {"1": ids["2"], "2": ids["1"]}
    assert numbers(run) == {"read": 2, "updated": 2}
    assert school.errors(run) == []
    assert len(school.warnings(run)) == 2


# R13


def test_r13_new_person_by_default(school):
    account = school.enrol("A", "Ada")
    school.synced()
    school.edit("A", note="stays with A")
    before = school.ids()

    school.directory.update_user(account, employeeId="B")
    run = school.synced()

    assert school.table("first_name", "note") == [
        ("A", "Ada", "stays with A", "inactive"),
        ("B", "Ada", None, "active"),
    ]
    assert school.ids()["A"] == before["A"]
    assert not school.person("A").managed
    assert numbers(run) == {"read": 1, "created": 1, "deactivated": 1}
    (warning,) = school.warnings(run)
    assert (warning.code, warning.object_id) == ("uid_changed", account)
    assert "from A to B" in warning.message
    assert school.changes(run) == [
        ("created", "B", None, None, None),
        ("deactivated", "A", None, None, None),
        ("unlinked", "A", None, account, None),
    ]


def test_r13_new_person_links_who_has_the_new_uid_already(school):
    person = school.add("B", first_name="By hand")
    account = school.enrol("A", "Ada")
    school.synced()

    school.directory.update_user(account, employeeId="B")
    run = school.synced()

    assert school.table("first_name") == [("A", "Ada", "inactive"), ("B", "Ada", "active")]
    assert school.person("B").id == person.id
    assert numbers(run) == {"read": 1, "updated": 1, "deactivated": 1}


def test_r13_new_person_when_the_uid_changes_back_the_old_person_returns(school):
    account = school.enrol("A", "Ada")
    school.synced()
    school.edit("A", note="kept")
    ids = school.ids()
    school.directory.update_user(account, employeeId="B")
    school.synced()

    school.directory.update_user(account, employeeId="A")
    run = school.synced()

    assert school.table("note") == [("A", "kept", "active"), ("B", None, "inactive")]
    assert school.ids()["A"] == ids["A"]
    assert numbers(run) == {"read": 1, "updated": 1, "reactivated": 1, "deactivated": 1}


def test_r13_new_person_along_a_chain_of_moved_uids(school):
    accounts = school.enrol_many(12)
    school.synced()
    ids = school.ids()

    for number, account in enumerate(accounts, start=2):
        school.directory.update_user(account, employeeId=f"{number:03}", givenName=f"was {number - 1:03}")
    run = school.synced()

    wanted = [(f"{n:03}", f"was {n - 1:03}", "active") for n in range(2, 14)]
    assert school.table("first_name") == [("001", "Ada", "inactive"), *wanted]
    assert {uid: one for uid, one in school.ids().items() if uid != "013"} == ids
    assert numbers(run) == {"read": 12, "created": 1, "updated": 11, "deactivated": 1}
    assert len(school.warnings(run)) == 12
    assert numbers(school.synced()) == {"read": 12, "unchanged": 12}


def test_r13_an_account_that_takes_the_old_uid_feeds_the_old_person(school):
    account = school.enrol("A", "Ada")
    school.synced()
    ids = school.ids()

    school.directory.update_user(account, employeeId="B")
    school.enrol("A", "Successor")
    run = school.synced()

    assert school.table("first_name") == [("A", "Successor", "active"), ("B", "Ada", "active")]
    assert school.ids()["A"] == ids["A"]
    assert numbers(run) == {"read": 2, "created": 1, "updated": 1}


def test_r13_same_person_takes_the_new_uid(same_person):
    school = same_person
    account = school.enrol("A", "Ada")
    school.synced()
    school.edit("A", note="goes along")
    ids = school.ids()

    school.directory.update_user(account, employeeId="B")
    run = school.synced()

    assert school.table("first_name", "note") == [("B", "Ada", "goes along", "active")]
    assert school.ids() == {"B": ids["A"]}
    assert numbers(run) == {"read": 1, "updated": 1}
    assert "from A to B" in school.warnings(run)[0].message
    assert school.changes(run) == [("updated", "B", "employee_id", "A", "B")]


@pytest.mark.parametrize("holder", ["by hand", "of an account", "of an account that left"])
def test_r13_same_person_is_refused_where_another_person_has_the_uid(same_person, holder):
    school = same_person
    account = school.enrol("A", "Ada")
    if holder == "by hand":
        school.add("B", first_name="Bo")
    else:
        other = school.enrol("B", "Bo")
    school.synced()
    if holder == "of an account that left":
        school.directory.delete_user(other)
    ids = school.ids()

    school.directory.update_user(account, employeeId="B", givenName="Changed")
    run = school.synced()

    left = "inactive" if holder == "of an account that left" else "active"
    assert school.table("first_name") == [("A", "Ada", "active"), ("B", "Bo", left)]
    assert school.ids() == ids
    assert run.counts.skipped == 1
    assert codes(school.errors(run)) == [("duplicate_uid", account)]


def test_r13_same_person_along_a_chain_of_moved_uids(same_person):
    school = same_person
    accounts = school.enrol_many(12)
    school.synced()
    ids = school.ids()

    for number, account in enumerate(accounts, start=2):
        school.directory.update_user(account, employeeId=f"{number:03}")
    new = school.enrol("001", "New")
    run = school.synced()

    assert numbers(run) == {"read": 13, "created": 1, "updated": 12}
    assert school.table("first_name")[0] == ("001", "New", "active")
    moved = {uid: one for uid, one in school.ids().items() if uid != "001"}
    assert moved == {f"{int(uid) + 1:03}": one for uid, one in ids.items()}
    assert new not in [note.object_id for note in school.warnings(run)]
    assert numbers(school.synced()) == {"read": 13, "unchanged": 13}


def test_r13_same_person_a_blocked_chain_does_not_move_at_all(same_person):
    school = same_person
    accounts = school.enrol_many(4)
    school.add("005", first_name="In the way")
    school.synced()
    before = school.table("first_name"), school.ids()

    for number, account in enumerate(accounts, start=2):
        school.directory.update_user(account, employeeId=f"{number:03}")
    run = school.synced()

    assert (school.table("first_name"), school.ids()) == before
    assert numbers(run) == {"read": 4, "skipped": 4}
    assert codes(school.errors(run)) == sorted(("duplicate_uid", one) for one in accounts)


def test_r13_same_person_a_new_account_does_not_take_the_uid_of_a_refused_move(same_person):
    school = same_person
    account = school.enrol("A", "Ada")
    school.add("B", first_name="By hand")
    school.synced()

    school.directory.update_user(account, employeeId="B")
    new = school.enrol("A", "New")
    run = school.synced()

    assert school.table("first_name") == [("A", "Ada", "active"), ("B", "By hand", "active")]
    assert codes(school.errors(run)) == sorted([("duplicate_uid", account), ("duplicate_uid", new)])


# R14


def test_r14_an_account_that_was_made_again_is_linked_to_the_same_person(school):
    account = school.enrol("1", "Ada")
    school.synced()
    school.edit("1", note="kept")
    ids = school.ids()

    school.directory.delete_user(account)
    new = school.enrol("1", "Ada")
    run = school.synced()

    assert school.table("first_name", "note") == [("1", "Ada", "kept", "active")]
    assert school.ids() == ids
    assert numbers(run) == {"read": 1, "unchanged": 1}
    assert school.changes(run) == [("linked", "1", None, account, new)]


def test_r14_an_account_that_is_restored_beside_its_successor_is_the_duplicate(school):
    account = school.enrol("1", "Ada")
    school.synced()
    school.directory.delete_user(account)
    new = school.enrol("1", "Adele")
    school.synced()

    school.directory.restore_user(account)
    run = school.synced()

    assert school.table("first_name") == [("1", "Adele", "active")]
    assert codes(school.errors(run)) == [("duplicate_uid", account)]
    assert new in school.errors(run)[0].message


def test_r14_in_mode_same_person_an_account_made_again_is_linked_as_well(same_person):
    school = same_person
    account = school.enrol("1", "Ada")
    school.synced()
    ids = school.ids()

    school.directory.delete_user(account)
    school.enrol("1", "Adele")
    school.synced()

    assert school.table("first_name") == [("1", "Adele", "active")]
    assert school.ids() == ids
