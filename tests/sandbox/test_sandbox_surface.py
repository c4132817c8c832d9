from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import captrid_core.sandbox as sandbox

FOLDER = Path(sandbox.__file__).parent


@pytest.mark.parametrize("module", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_the_sandbox_imports_nothing_of_the_rest_and_no_streamlit(module):
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module or ""]
        for name in names:
            assert not name.startswith("captrid_core") or name.startswith("captrid_core.sandbox"), name
            assert name.split(".")[0] not in {"streamlit", "duckdb", "pandas", "msal", "msgraph", "jwt"}, name


def test_heavy_packages_stay_out():
    script = (
        "import sys; import captrid_core.sandbox;"
        "print(sorted({'streamlit', 'duckdb', 'pandas', 'numpy', 'pyarrow', 'msal'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)

    assert done.stdout == "[]\n"


def test_what_is_exported_is_what_is_there():
    public = {
        name
        for name, value in vars(sandbox).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("captrid_core.sandbox")
    }

    assert sorted(sandbox.__all__) == sorted(public)


def test_names_travel_with_the_package():
    assert (FOLDER / "names.json").is_file()
