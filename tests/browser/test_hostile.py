"""Whatever stands in an address or is typed into a field: the dashboard stays itself, and asks nobody else for anything."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import expect
from websockets.sync.client import connect

from captrid_core.lists.model import Field, MasterList
from captrid_core.sandbox import Sandbox
from pages import strings
from tests.browser.conftest import Beside, Server
from tests.browser.screen import Screen
from tests.browser.test_safety import PAGES
from tests.browser.view import View, address

pytestmark = pytest.mark.browser

_FAULT = strings.FAULT.split("{", maxsplit=1)[0]
_NAMES = ("list", "run", "draft", "tab", "configure", "page")
_VALUES = (
    "",
    "0",
    "-1",
    "1e309",
    "NaN",
    "٣",
    "99999999999999999999999999",
    "abc",
    "'; DROP TABLE master_list; --",
    "../../../etc/passwd",
    "../../x",
    "%00",
    "\U0001f9d1\u200d\U0001f3eb \u202e Zoë",
    "<script src=http://evil.example/x.js></script>",
    "![x](http://evil.example/x.png)",
    "x" * 20_000,
)
MARKUP = (
    "<img src=http://evil.example/a.png onerror=alert(1)> ![x](http://evil.example/b.png) "
    '=HYPERLINK("http://evil.example/c") [l](http://evil.example/d) {{7*7}} :material/home: $x^2$ :red[r]'
)


@pytest.fixture(scope="module")
def made(beside: Beside, sandbox: Sandbox) -> MasterList:
    return beside.synced_list("Year 7", "Year 7 Students")


def test_a_fault_would_be_seen(server: Server, beside: Beside):
    draft = beside.workspace.drafts.begin("create", {"step": "no such step"})

    assert len(faults(server, "/new_list", f"draft={draft.id}")) == 1


@pytest.mark.parametrize("path", ["/", *PAGES])
def test_no_address_makes_a_page_fail(server: Server, made: MasterList, path: str):
    for value in _VALUES:
        query = "&".join(f"{name}={quote(value)}" for name in _NAMES)
        assert faults(server, path, query) == [], value[:80]
        # the list is there, and the rest is nonsense
        assert faults(server, path, f"{query}&list={made.id}".replace("list=", "was=", 1)) == [], value[:80]
    for query in (f"list={made.id}&list=2&run=1&run=x", "&&&===", "page=-7", "%E2%28%A1=%FF", "list[]=1"):
        assert faults(server, path, query) == [], query


def faults(server: Server, path: str, query: str) -> list[str]:
    """Return what a page shows of a fault when it is asked for so."""
    view = View(path.strip("/"), query)
    with connect(address(server.url), origin=server.url, subprotocols=["streamlit"], max_size=None) as socket:
        socket.send(view.question())
        while not view.take(bytes(socket.recv(timeout=30, decode=False))):
            pass
    return view.faults + [one for one in view.alerts if _FAULT in one]


def test_markup_that_is_typed_stays_text(screen: Screen, server: Server, beside: Beside, made: MasterList):
    """And the window's own fixture holds that nothing was asked of anybody else."""
    uid = beside.workspace.people.find(made, limit=1).people[0].uid or ""
    screen.go(f"/list?list={made.id}")
    screen.search("people_search", MARKUP)
    screen.sees(strings.NOBODY_FITS)
    screen.search("people_search", uid)
    screen.select_row("people_table", 0)
    screen.type("person_form_locker", MARKUP)
    screen.click("person_save")
    screen.sees(strings.PERSON_SAVED.format(uid=uid))
    screen.select_row("people_table", 0)
    screen.by_key("person_history_panel").locator("summary").click()
    screen.settle()
    assert MARKUP in screen.cells("person_history")[0]
    screen.go("/audit")
    screen.search("audit_search", MARKUP)
    screen.go("/connections")
    screen.click("connection_add")
    for key in ("name", "tenant", "client", "secret"):
        screen.by_key(f"connection_form_{key}").locator("input").first.fill(MARKUP)
    screen.click("connection_form_save")
    intact(screen, server)


def test_a_list_may_have_any_name(screen: Screen, server: Server, beside: Beside):
    name = MARKUP[:80]
    made = beside.workspace.lists.create(
        name, uid_field="code", fields=[Field("code", label=MARKUP)], actor=MARKUP
    )
    beside.workspace.people.add(made, {"code": MARKUP}, actor=MARKUP)
    paths = (f"/list?list={made.id}{tab}" for tab in ("", "&tab=Sync", "&tab=Schema", "&tab=Settings"))
    for path in ("/", "/lists", "/audit", "/sql", *paths):
        screen.go(path)
        intact(screen, server)
    screen.go(f"/list?list={made.id}")
    screen.sees(name)
    screen.select_row("people_table", 0)
    expect(screen.by_key("person_form_code").locator("input")).to_have_value(MARKUP)
    intact(screen, server)


def intact(screen: Screen, server: Server) -> None:
    """Expect a page that has not failed, and into which nothing was smuggled."""
    screen.sees_not(_FAULT.strip("* "), "Traceback")
    assert screen.page.locator("[src*='evil.example'], a[href*='evil.example'], .katex").count() == 0
    assert "Traceback" not in server.log.read_text()
