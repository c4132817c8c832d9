"""What every page's source has to keep to."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "pages"
PARTS = sorted(PAGES.glob("parts/*.py"))
SCRIPTS = sorted(one for one in PAGES.glob("*.py") if one.name not in ("__init__.py", "strings.py"))
ALL = [*SCRIPTS, *PARTS]

WIDGETS = {
    "button",
    "checkbox",
    "date_input",
    "download_button",
    "file_uploader",
    "form_submit_button",
    "menu_button",
    "multiselect",
    "number_input",
    "pagination",
    "pills",
    "popover",
    "radio",
    "segmented_control",
    "selectbox",
    "slider",
    "tabs",
    "text_area",
    "text_input",
    "toggle",
    "dataframe",
    "data_editor",
    "expander",
    "altair_chart",
}
# What these show is Markdown.
MARKDOWN = {
    "markdown",
    "caption",
    "title",
    "header",
    "subheader",
    "info",
    "warning",
    "error",
    "success",
    "toast",
}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_the_guard_comes_first(path: Path):
    statements = [
        node
        for node in tree(path).body
        if not isinstance(node, ast.Import | ast.ImportFrom)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    first = statements[0]

    assert isinstance(first, ast.Assign | ast.Expr)
    assert ast.unparse(first.value) == "require()"


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_every_widget_has_a_key(path: Path):
    without = [
        f"{path.name}:{call.lineno} {call.func.attr}"
        for call in calls(path)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in WIDGETS
        and ast.unparse(call.func.value) in ("st", "column")
        and not any(keyword.arg == "key" for keyword in call.keywords)
    ]

    assert not without


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_nothing_of_others_meets_markdown_unescaped(path: Path):
    """An f-string in a call that shows Markdown may only hold what is known to be harmless."""
    harmless = (
        "md(",
        "hint_md(",
        "strings.",
        "len(",
        "people(",
        "counted(",
        "ago(",
        "icon",
        "badge",
        "words",
    )
    suspicious = []
    for call in calls(path):
        if not (isinstance(call.func, ast.Attribute) and call.func.attr in MARKDOWN):
            continue
        for part in ast.walk(call):
            if isinstance(part, ast.Attribute) and part.attr in (
                "name",
                "message",
                "label",
                "uid",
                "description",
            ):
                inside = [
                    one
                    for one in ast.walk(call)
                    if isinstance(one, ast.Call) and part in ast.walk(one) and one is not call
                ]
                if not any(ast.unparse(one).startswith(harmless) for one in inside):
                    suspicious.append(f"{path.name}:{call.lineno} {ast.unparse(part)}")

    assert not suspicious


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_unsafe_html_is_never_allowed(path: Path):
    assert "unsafe_allow_html" not in path.read_text(encoding="utf-8")
    html = [call for call in calls(path) if ast.unparse(call.func) in ("st.html", "st.write")]
    assert [ast.unparse(one) for one in html] in ([], ["st.html(_ASSETS / 'style.css')"])
