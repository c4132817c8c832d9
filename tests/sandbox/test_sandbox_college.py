from __future__ import annotations

import tracemalloc
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from captrid_core.sandbox import Sandbox

EVENTUAL = {"ConsistencyLevel": "eventual"}


def test_the_default_college_has_about_1200_people_and_58_groups():
    sandbox = Sandbox()

    assert len(list(sandbox.directory.users())) == 1200
    assert len(sandbox.directory.group_ids()) == 58


@pytest.mark.parametrize("users", [0, 1, 5, 39, 40, 200, 1200, 1201, 2500])
def test_a_college_has_exactly_as_many_people_as_asked_for(users):
    found = list(Sandbox(users=users).directory.users())

    assert len(found) == users
    assert len({user["id"] for user in found}) == users
    assert len({user["userPrincipalName"].lower() for user in found}) == users


def test_the_same_seed_answers_the_same_bytes(call, clock):
    one, other = (call(Sandbox(users=150, seed=9, clock=clock)) for _ in range(2))
    paths = ["/users?$top=999", "/users?$top=20", "/groups", "/users/delta", "/groups/delta", "/users/nobody"]

    assert [one.get(path).body for path in paths] == [other.get(path).body for path in paths]
    assert one.sandbox.tenant_id == other.sandbox.tenant_id
    assert one.sandbox.client_secret == other.sandbox.client_secret


def test_another_seed_is_another_tenant_with_other_people():
    one, other = Sandbox(users=20, seed=1), Sandbox(users=20, seed=2)

    assert one.tenant_id != other.tenant_id
    assert one.client_id != other.client_id
    assert {user["id"] for user in one.directory.users()}.isdisjoint(
        user["id"] for user in other.directory.users()
    )


def test_changes_by_the_dozen_are_decided_by_the_seed():
    def change(sandbox):
        directory = sandbox.directory
        return directory.hire(3), directory.leave(3), directory.move(3), directory.rename(3)

    one, other = Sandbox(users=100, seed=4), Sandbox(users=100, seed=4)

    assert change(one) == change(other)
    drop = {"createdDateTime"}  # the clock decides that
    assert [
        {name: value for name, value in user.items() if name not in drop} for user in one.directory.users()
    ] == [
        {name: value for name, value in user.items() if name not in drop} for user in other.directory.users()
    ]


@pytest.fixture(scope="module")
def people():
    return list(Sandbox().directory.users())


def test_there_are_staff_students_guests_and_service_accounts(people):
    kinds = Counter(user.get("employeeType", user["userType"]) for user in people)

    assert kinds["Student"] > 1000
    assert kinds["Employee"] + kinds["Contractor"] > 100
    assert kinds["Guest"] == 24
    assert all("#EXT#" in user["userPrincipalName"] for user in people if user["userType"] == "Guest")
    assert all("employeeId" not in user for user in people if user["userType"] == "Guest")


def test_some_employee_numbers_are_missing_doubled_or_padded(people):
    working = [user for user in people if "employeeType" in user]
    numbers = Counter(user["employeeId"] for user in working if "employeeId" in user)

    assert sum("employeeId" not in user for user in working) == 6
    assert sorted(numbers.values(), reverse=True)[:3] == [2, 2, 1]
    assert any(number.startswith("00") for number in numbers)


def test_two_people_have_mail_addresses_that_differ_in_case_only(people):
    mails = Counter(user["mail"].lower() for user in people if "mail" in user)
    spelled = Counter(user["mail"] for user in people if "mail" in user)

    assert [mail for mail, count in mails.items() if count == 2]
    assert max(spelled.values()) == 1


def test_names_come_in_many_scripts_and_shapes(people):
    names = {user["displayName"] for user in people}

    assert any("王" in name for name in names)
    assert any("محمد" in name for name in names)
    assert any("Ελένη" in name for name in names)
    assert any("Te Whāiti" in name for name in names)
    assert any("O'" in name for name in names)
    assert any(name != unicodedata.normalize("NFC", name) for name in names)
    assert any(name != name.strip() for name in names)
    assert max(map(len, names)) > 100
    assert any("surname" not in user for user in people if user.get("employeeType"))


def test_some_accounts_are_disabled_and_some_people_have_no_job_title(people):
    students = [user for user in people if user.get("employeeType") == "Student"]

    assert any(not user["accountEnabled"] for user in people if user.get("employeeId"))
    assert 0.1 < sum("jobTitle" not in user for user in students) / len(students) < 0.3


def test_staff_have_managers_up_to_the_principal(people):
    by_id = {user["id"]: user for user in people}
    staff = [user for user in people if user.get("employeeType") in {"Employee", "Contractor"}]
    principal = next(user for user in staff if user.get("jobTitle") == "Principal")

    for user in staff:
        chain = [user]
        while "manager" in chain[-1]:
            chain.append(by_id[chain[-1]["manager"]])
            assert len(chain) < 5
        assert chain[-1] is principal


def test_houses_and_lockers_are_in_extension_attributes(people):
    student = next(user for user in people if user.get("employeeType") == "Student")

    assert student["onPremisesExtensionAttributes"]["extensionAttribute1"] in {"Red", "Gold", "Green", "Blue"}
    assert any(name.startswith("extension_") and name.endswith("_lockerNumber") for name in student)


def test_without_quirks_everybody_has_a_number_of_their_own_and_a_plain_name():
    people = [user for user in Sandbox(quirks=False).directory.users() if "employeeType" in user]

    numbers = [user["employeeId"] for user in people]
    assert len(set(numbers)) == len(numbers) == len(people)
    assert all(user["accountEnabled"] for user in people)
    assert all(user["displayName"] == f"{user['givenName']} {user['surname']}" for user in people)


def test_all_mail_addresses_are_examples(people):
    assert all(user["mail"].lower().endswith(".example") for user in people if "mail" in user)


def test_groups_are_nested_empty_cyclic_and_of_all_kinds():
    directory = Sandbox().directory
    named = directory.group_id

    assert directory.members(named("Alumni Association")) == set()
    assert named("Science Faculty") in directory.members(named("Teaching Staff"))
    assert named("Excursion Committee") in directory.members(named("Camp Committee"))
    assert named("Camp Committee") in directory.members(named("Excursion Committee"))
    assert len(directory.members(named("Everyone at Banksia"))) == 1200
    assert len(directory.members(named("Parents' & Friends' Association"))) == 25
    direct, nested = (directory.members(named("All Students"), transitive=deep) for deep in (False, True))
    assert len(direct) == 6
    assert len(nested) > 1000


def test_a_few_people_lie_in_the_recycle_bin_from_the_start(caller):
    assert len(caller.all("/directory/deletedItems/microsoft.graph.user")) == 3
    assert caller.get("/users/$count", **EVENTUAL).body == b"200"


@contextmanager
def within(megabytes: int) -> Iterator[None]:
    """Fail if the block ever holds more memory than that at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * 1_000_000
    finally:
        tracemalloc.stop()


def test_a_million_people_take_no_memory_until_they_are_asked_for():
    with within(megabytes=20):
        Sandbox(users=1_000_000).directory.hire(1)


def test_a_page_of_a_million_people_makes_those_of_the_page_alone(call):
    caller = call(Sandbox(users=1_000_000))
    url = "/users?$top=999&$select=id,displayName,mail,employeeId,department"
    pages = []
    with within(megabytes=100):
        for _ in range(3):
            pages.append(caller.ok(url))
            url = pages[-1]["@odata.nextLink"]

    assert len({user["id"] for page in pages for user in page["value"]}) == 3 * 999


def test_a_million_people_are_counted_and_looked_up_without_being_made(call):
    caller = call(Sandbox(users=1_000_000))
    last = caller.sandbox.directory.people.record(999_999)

    assert caller.get("/users/$count", **EVENTUAL).body == b"1000000"
    guests = int(caller.get("/users/$count?$filter=userType eq 'Guest'", **EVENTUAL).body)
    [found] = caller.ok(f"/users?$filter=userPrincipalName eq '{last['userPrincipalName']}'")["value"]
    assert caller.ok(f"/users/{last['userPrincipalName']}")["id"] == found["id"] == last["id"]
    assert 19_000 < guests < 21_000
