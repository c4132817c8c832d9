"""The plan of one campus of Banksia College: its places, what is odd about some, and its groups.

A profile holds *holes* (private-use characters) wherever a value is a person's own. Whoever fills
them in makes a person; see `captrid_core.sandbox.college`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import resources
from typing import Any, Final

DOMAIN: Final = "banksia.example"
NAME: Final = "Banksia College"
DEVICES: Final = 12
WORDS: Final[dict[str, Any]] = json.loads(
    resources.files(__package__).joinpath("names.json").read_text(encoding="utf-8")
)

HOLES: Final = "\ue000\ue001\ue002\ue003\ue004\ue005"
HOLE_GUID, HOLE_GIVEN, HOLE_SURNAME, HOLE_LOCAL, HOLE_NUMBER, HOLE_TWIN = HOLES

_YEARS: Final = range(7, 13)
_ROOMS: Final = "ABCD"
# Below this size there are not enough people for each kind of oddity.
_SMALLEST_ODD_CAMPUS: Final = 40


class Role(StrEnum):
    """What someone is at the college."""

    STAFF = "staff"
    STUDENT = "student"
    GUEST = "guest"
    SERVICE = "service"


@dataclass(slots=True)
class Profile:
    """A place in the plan: the properties of whoever has it, with holes for what is their own."""

    role: Role
    properties: dict[str, Any]
    odd: bool = False
    manager: int | None = None  # the place of the manager
    local: str | None = None  # a fixed local part of the mail address
    twin: int | None = None  # the place whose employee number this one bears too
    team: str | None = None
    year: int | None = None
    house: str | None = None


class GroupKind(StrEnum):
    """The kinds of groups that differ in how they answer."""

    SECURITY = "security"
    DYNAMIC = "dynamic"
    MICROSOFT_365 = "microsoft365"


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """A group: the places whose people are its direct members, and what else it holds."""

    name: str
    description: str | None
    kind: GroupKind = GroupKind.SECURITY
    places: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()
    devices: int = 0


@dataclass(slots=True)
class Plan:
    """The places of one campus, and the groups of the college."""

    profiles: list[Profile]
    groups: list[GroupPlan] = field(default_factory=list)


def draw(size: int, rng: random.Random, *, extension: str, quirks: bool) -> Plan:
    """Draw the plan of a campus of `size` people; `extension` names the college's directory extension."""
    profiles = [_profile(role, rng, extension) for role in _roles(size, rng)]
    _appoint(profiles, rng)
    if quirks and size >= _SMALLEST_ODD_CAMPUS:
        _make_odd(profiles, rng)
    return Plan(profiles, list(_groups(profiles)))


def person(role: Role, rng: random.Random) -> dict[str, Any]:
    """Return what everyone at the college has."""
    joined = f"{rng.randint(2012, 2026)}-{rng.choice(('01', '02', '07'))}-{rng.randint(10, 28)}"
    return {
        "id": HOLE_GUID,
        "accountEnabled": True,
        "companyName": NAME,
        "country": "Australia",
        "createdDateTime": f"{joined}T02:{rng.randint(10, 59)}:{rng.randint(10, 59)}Z",
        "displayName": f"{HOLE_GIVEN} {HOLE_SURNAME}",
        "givenName": HOLE_GIVEN,
        "surname": HOLE_SURNAME,
        "mail": f"{HOLE_LOCAL}@{DOMAIN}",
        "mailNickname": HOLE_LOCAL,
        "preferredLanguage": "en-AU",
        "proxyAddresses": [f"SMTP:{HOLE_LOCAL}@{DOMAIN}"],
        "state": "VIC",
        "usageLocation": "AU",
        "userPrincipalName": f"{HOLE_LOCAL}@{DOMAIN}",
        "userType": "Guest" if role is Role.GUEST else "Member",
    }


def _roles(size: int, rng: random.Random) -> list[Role]:
    """Return who has which place, in no order: a first page of users shows some of each."""
    staff = max(1, round(size * 0.11)) if size else 0
    guests, services = round(size * 0.02), min(len(WORDS["services"]), round(size * 0.015))
    roles = [Role.STAFF] * staff + [Role.GUEST] * guests + [Role.SERVICE] * services
    roles += [Role.STUDENT] * (size - len(roles))
    rng.shuffle(roles)
    return roles


def _profile(role: Role, rng: random.Random, extension: str) -> Profile:
    profile = Profile(role, person(role, rng))
    if role is Role.STUDENT:
        _enrol(profile, rng, extension)
    elif role is Role.STAFF:
        _employ(profile, rng)
    return profile


def _enrol(profile: Profile, rng: random.Random, extension: str) -> None:
    """Make a student of a profile."""
    year, room = rng.choice(_YEARS), rng.choice(_ROOMS)
    profile.house, colour = rng.choice(WORDS["houses"])
    profile.year, profile.team = year, f"{year}{room}"
    profile.properties |= {
        "department": f"Year {year}",
        "employeeId": HOLE_NUMBER,
        "employeeType": "Student",
        "officeLocation": profile.team,
        "onPremisesExtensionAttributes": {
            "extensionAttribute1": colour,
            "extensionAttribute2": profile.house,
            "extensionAttribute3": f"Class of {2026 + 12 - year}",
        },
        "onPremisesSamAccountName": HOLE_LOCAL,
        "onPremisesSyncEnabled": True,
        extension: f"L{rng.randint(1, 999):03d}",
    }
    if rng.random() < 0.8:
        profile.properties["jobTitle"] = "Student"


def _employ(profile: Profile, rng: random.Random) -> None:
    """Make a member of staff of a profile; `_appoint` gives the department and the job."""
    profile.house, colour = rng.choice(WORDS["houses"])
    hired = f"{rng.randint(1996, 2026)}-{rng.choice(('01', '04', '07', '10'))}-{rng.randint(10, 28)}"
    profile.properties |= {
        "businessPhones": [f"+61 3 5550 {rng.randint(0, 9999):04d}"],
        "city": "Wattle Creek",
        "employeeHireDate": f"{hired}T00:00:00Z",
        "employeeId": HOLE_NUMBER,
        "employeeType": rng.choice(("Employee", "Employee", "Employee", "Contractor")),
        "officeLocation": f"{rng.choice('ABCDE')}{rng.randint(1, 40):02d}",
        "onPremisesExtensionAttributes": {
            "extensionAttribute1": colour,
            "extensionAttribute2": profile.house,
        },
        "onPremisesSamAccountName": HOLE_LOCAL,
        "onPremisesSyncEnabled": True,
        "postalCode": "3999",
        "streetAddress": "1 Banksia Road",
    }
    if rng.random() < 0.6:
        profile.properties["mobilePhone"] = rng.choice(WORDS["mobiles"])


def _appoint(profiles: list[Profile], rng: random.Random) -> None:
    """Give staff their jobs and managers, and guests and services their names and addresses."""
    staff = [place for place, profile in enumerate(profiles) if profile.role is Role.STAFF]
    for place, team in zip(staff, _teams(len(staff), rng), strict=True):
        profiles[place].team = team
    heads: dict[str, int] = {}
    for rank, place in enumerate(staff):
        profile = profiles[place]
        team = profile.team or ""
        head = heads.setdefault(team, place)
        profile.manager = head if head != place else (staff[0] if rank else None)
        profile.properties |= {
            "department": team,
            "employeeOrgData": {
                "division": _division(team),
                "costCenter": f"{1000 + _team_number(team) * 10}",
            },
            "jobTitle": _job(team, rank=rank, leads=head == place, rng=rng),
        }
    services = iter(WORDS["services"])
    for profile in profiles:
        if profile.role is Role.GUEST:
            _invite(profile, rng)
        elif profile.role is Role.SERVICE:
            _install(profile, next(services))


def _teams(staff: int, rng: random.Random) -> list[str]:
    """Return a team for each member of staff: first the leadership, then one head each, then at random."""
    teams: list[str] = [*WORDS["faculties"], *WORDS["offices"]]
    heads = ["Executive", *(team for team in teams if team != "Executive")]
    # Three in four members of staff teach.
    others = [
        rng.choice(WORDS["faculties"] if rng.random() < 0.75 else WORDS["offices"]) for _ in range(staff)
    ]
    return (heads + others)[:staff]


def _job(team: str, *, rank: int, leads: bool, rng: random.Random) -> str:
    if rank == 0:
        return "Principal"
    if leads:
        return f"Head of {team}"
    titles: list[str] = WORDS["office_titles"].get(team, WORDS["teacher_titles"])
    return rng.choice(titles)


def _division(team: str) -> str:
    return "Teaching" if team in WORDS["faculties"] else "Operations"


def _team_number(team: str) -> int:
    return [*WORDS["faculties"], *WORDS["offices"]].index(team)


def _invite(profile: Profile, rng: random.Random) -> None:
    """Make an invited guest of a profile: the address of elsewhere, a user principal name with #EXT#."""
    home = rng.choice(WORDS["guest_domains"])
    profile.properties |= {
        "companyName": home.split(".")[0].replace("-", " ").title(),
        "creationType": "Invitation",
        "externalUserState": rng.choice(("Accepted", "Accepted", "PendingAcceptance")),
        "mail": f"{HOLE_LOCAL}@{home}",
        "mailNickname": f"{HOLE_LOCAL}_{home}#EXT#",
        "otherMails": [f"{HOLE_LOCAL}@{home}"],
        "proxyAddresses": [f"SMTP:{HOLE_LOCAL}@{home}"],
        "userPrincipalName": f"{HOLE_LOCAL}_{home}#EXT#@{DOMAIN}",
    }


def _install(profile: Profile, name: str) -> None:
    """Make a shared mailbox or service account of a profile: nobody's, and its sign-in is blocked."""
    profile.local = name.lower().replace(" ", "-")
    profile.properties |= {"accountEnabled": False, "displayName": name}
    for own in ("givenName", "surname", "preferredLanguage"):
        del profile.properties[own]


def _make_odd(profiles: list[Profile], rng: random.Random) -> None:
    """Give some people what real directories have: gaps, doubles, names of the whole world."""
    people = [p for p in range(len(profiles)) if profiles[p].role in {Role.STAFF, Role.STUDENT}]
    share = len(people) // 2
    chosen = iter(rng.sample(people, len(people)))
    for name, row in zip(WORDS["special"][:share], chosen, strict=False):
        _rename(profiles[row], name)
    few = max(1, len(profiles) // 200)
    for kind in (_unnumber, _disable, _untitle, _shout):
        for place, _ in zip(chosen, range(few), strict=False):
            kind(profiles[place])
            profiles[place].odd = True
    for title, place in zip(WORDS["odd_titles"], chosen, strict=False):
        profiles[place].properties["jobTitle"] = title
        profiles[place].odd = True
    _double(profiles, chosen, pairs=2 if len(profiles) > 400 else 1)


def _rename(profile: Profile, name: list[str | None]) -> None:
    display, given, surname, local = name
    profile.properties |= {"displayName": display, "givenName": given, "surname": surname}
    if surname is None:
        del profile.properties["surname"]
    profile.local, profile.odd = local, True


def _unnumber(profile: Profile) -> None:
    profile.properties.pop("employeeId", None)


def _disable(profile: Profile) -> None:
    profile.properties["accountEnabled"] = False


def _untitle(profile: Profile) -> None:
    profile.properties.pop("jobTitle", None)


def _shout(profile: Profile) -> None:
    """Spell the mail address otherwise than the user principal name, and pad the number."""
    profile.properties["mail"] = f"{HOLE_LOCAL}@Banksia.Example"
    profile.properties["employeeId"] = f"00{HOLE_NUMBER}"


def _double(profiles: list[Profile], chosen: Iterator[int], *, pairs: int) -> None:
    """Give some people the number of another, and one person another's mail address but for its case."""
    students = [place for place in chosen if profiles[place].role is Role.STUDENT]
    for pair in range(min(pairs, len(students) // 2)):
        one, other = students[2 * pair], students[2 * pair + 1]
        profiles[other].twin = one
        profiles[other].properties["employeeId"] = HOLE_TWIN
        profiles[one].odd = profiles[other].odd = True
    if len(students) >= 2 * pairs + 2:
        one, other = students[-2], students[-1]
        profiles[other].twin = one
        profiles[other].properties["mail"] = f"S{HOLE_TWIN}@{DOMAIN}"
        profiles[one].odd = profiles[other].odd = True


def _places(profiles: list[Profile], **wanted: Any) -> tuple[int, ...]:
    """Return the places whose profile has the wanted attributes, in order."""
    return tuple(
        place
        for place, profile in enumerate(profiles)
        if all(getattr(profile, name) == value for name, value in wanted.items())
    )


def _groups(profiles: list[Profile]) -> Iterator[GroupPlan]:
    yield from _staff_groups(profiles)
    yield from _student_groups(profiles)
    for house, colour in WORDS["houses"]:
        yield GroupPlan(f"{house} House", f"{colour} house", places=_places(profiles, house=house))
    yield from _special_groups(profiles)


def _staff_groups(profiles: list[Profile]) -> Iterator[GroupPlan]:
    everyone = _places(profiles, role=Role.STAFF)
    faculties = tuple(f"{team} Faculty" for team in WORDS["faculties"])
    yield GroupPlan("All Staff", "Everyone who works at the college", places=everyone)
    # Two members of the leadership teach and belong to no faculty.
    yield GroupPlan(
        "Teaching Staff",
        "The faculties, and those of the leadership who teach",
        places=_places(profiles, role=Role.STAFF, team="Executive")[:2],
        groups=faculties,
    )
    for team, faculty in zip(WORDS["faculties"], faculties, strict=True):
        yield GroupPlan(faculty, None, places=_places(profiles, role=Role.STAFF, team=team))
    for team in WORDS["offices"]:
        yield GroupPlan(f"{team} Team", None, places=_places(profiles, role=Role.STAFF, team=team))


def _student_groups(profiles: list[Profile]) -> Iterator[GroupPlan]:
    years = tuple(f"Year {year} Students" for year in _YEARS)
    yield GroupPlan("All Students", "Year 7 to Year 12", groups=years)
    for year, name in zip(_YEARS, years, strict=True):
        yield GroupPlan(name, None, places=_places(profiles, role=Role.STUDENT, year=year))
    for year in _YEARS:
        for room in _ROOMS:
            places = _places(profiles, role=Role.STUDENT, team=f"{year}{room}")
            yield GroupPlan(f"Homeroom {year}{room}", None, places=places)


def _special_groups(profiles: list[Profile]) -> Iterator[GroupPlan]:
    staff, guests = _places(profiles, role=Role.STAFF), _places(profiles, role=Role.GUEST)
    yield GroupPlan("Everyone at Banksia", "By rule", GroupKind.DYNAMIC, places=tuple(range(len(profiles))))
    yield GroupPlan("Alumni Association", "Nobody has joined yet")
    yield GroupPlan(
        "Banksia News",
        "The newsletter's editors",
        GroupKind.MICROSOFT_365,
        places=_merged(staff[::9], guests[:2]),
    )
    yield GroupPlan("Library iPads", "Devices, and who looks after them", places=staff[3:6], devices=DEVICES)
    yield GroupPlan("Camp Committee", None, places=staff[::12], groups=("Excursion Committee",))
    yield GroupPlan("Excursion Committee", None, places=staff[5::12], groups=("Camp Committee",))
    yield GroupPlan("Parents' & Friends' Association", "Guests, mostly", places=_merged(guests, staff[:1]))


def _merged(*places: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted({place for some in places for place in some}))
