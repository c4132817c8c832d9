"""The document on SQL and the notebook keep up with what is published. Run as a program, it writes the tables anew."""

from __future__ import annotations

from pathlib import Path

import nbclient
import nbformat
import pytest

from captrid_core.insight.snapshot import OWN_COLUMNS, TABLES
from captrid_core.lists.model import Field
from captrid_core.settings import Settings
from captrid_core.workspace import Workspace

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENT, NOTEBOOK = DOCS / "sql.md", DOCS / "analysts.ipynb"
BEGIN = "<!-- schema: written by tests/docs/test_sql_docs.py -->\n"
END = "<!-- end of schema -->\n"


def reference() -> str:
    """Return the tables as the document holds them."""
    own = (
        "Each Master List, by its name and as `list_<number>`",
        "A column for each field, by its key; then:",
        OWN_COLUMNS,
    )
    parts = [own, *((f"`{name}`", about, columns) for name, (about, columns) in TABLES.items())]
    return "\n".join(
        "\n".join(
            [f"### {name}\n", f"{about}\n", "| Column | |", "|---|---|"]
            + [f"| `{column}` | {text} |" for column, text in columns.items()]
        )
        + "\n"
        for name, about, columns in parts
    )


def rewritten(document: str) -> str:
    before, _, rest = document.partition(BEGIN)
    return f"{before}{BEGIN}\n{reference()}\n{END}{rest.partition(END)[2]}"


def test_the_tables_are_those_that_are_published():
    document = DOCUMENT.read_text(encoding="utf-8")

    assert document == rewritten(document), "write it anew: PYTHONPATH=. python tests/docs/test_sql_docs.py"


def test_the_notebook_holds_no_answers():
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_the_notebook_answers_its_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with Workspace(Settings(home=tmp_path)) as home:
        made = home.lists.create(
            "Staff", uid_field="code", fields=[Field("code"), Field("department")], actor="Alex"
        )
        for number in range(4):
            home.people.add(made, {"code": str(number), "department": "Arts"}, actor="Alex")
        for department in ("Music", "Drama"):
            home.people.set_values(made, "1", {"department": department}, actor="Alex")
        home.people.set_values(made, "2", {"department": None}, actor="Alex")
        home.people.set_status(made, "3", active=False, actor="Alex")
        monkeypatch.setenv("PUBLISHED_FILE", str(home.published.publish(actor="Alex").path))
        monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
        book = nbformat.read(NOTEBOOK, as_version=4)

        nbclient.NotebookClient(book, timeout=60, kernel_name="python3").execute()

    told = [
        "".join(one.data.get("text/plain", "") for one in cell.outputs if "data" in one)
        for cell in book.cells
        if cell.cell_type == "code"
    ]
    starters, leavers, lacking, fields, twice = told[-5:]
    assert "Staff" in starters
    assert starters.count("\n") == 4
    assert "Arts" in leavers
    assert lacking.split()[-3:] == ["0", "2", "active"]
    assert "department" in fields
    assert "Drama" in twice


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
