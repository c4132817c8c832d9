"""Text on its way to the screen: escaping what others wrote, and counting in words."""

from __future__ import annotations

import re

_JOINER = "\u2060"  # takes no room; keeps apart what would otherwise be read as a link or a symbol
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+.!|<>~$:&@^=-])")
# links, e-mail addresses, :icons:, :emoji:, arrows and dashes are recognised after escapes are gone
_READ_LATER = re.compile(
    r"(?i)(?<=http)(?=s?://)|(?<=www)(?=\.)|(?<=\w)(?=@)|(?<=:)(?=[a-z0-9_+-])|(?<=[-<>=~])(?=[-<>=~])"
)


def md(text: object) -> str:
    """Return a text of the directory, of a file or of a person so that Markdown shows it as it is.

    Without it, a display name could load pictures from elsewhere or draw links. Where `st.text`
    or a table's cell shows a value, it is not needed.
    """
    apart = _READ_LATER.sub(_JOINER, " ".join(str(text).split()))
    return _PUNCTUATION.sub(r"\\\1", apart)


def hint_md(text: str) -> str:
    """Return a hint of the core for Markdown: escaped, but for what stands between backticks."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return md(text)
    return "".join(
        f"`{part}`" if index % 2 else _keep_edges(part) for index, part in enumerate(parts) if part
    )


def _keep_edges(part: str) -> str:
    before = " " if part[:1].isspace() else ""
    after = " " if part[-1:].isspace() and part.strip() else ""
    return f"{before}{md(part)}{after}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun, such as `1 person` or `1,204 people`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def people(number: int) -> str:
    """Return a number of people in words."""
    return counted(number, "person", "people")


def enumerated(names: list[str]) -> str:
    """Return names in a row, the last one after “and”."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def share(part: int, whole: int) -> str:
    """Return a share in whole percent; all is 100 % and nothing 0 % only where it is exactly so."""
    if not whole:
        return "0 %"
    percent = round(100 * part / whole)
    if percent == 100 and part < whole:
        percent = 99
    if percent == 0 and part:
        percent = 1
    return f"{percent} %"
