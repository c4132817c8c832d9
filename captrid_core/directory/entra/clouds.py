"""Where Microsoft Entra ID and Microsoft Graph live: one pair of addresses for each national cloud.

The pairs are those of the pages "National cloud deployments" of Microsoft Graph and
"National clouds" of the Microsoft identity platform. GCC (without High) uses the global cloud.
A token of one cloud is worth nothing in another.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from captrid_core.errors import Invalid


@dataclass(frozen=True, slots=True)
class Cloud:
    """One national cloud: its sign-in host and its Graph root with the version."""

    name: str
    label: str
    authority_url: str
    graph_url: str


CLOUDS: dict[str, Cloud] = {
    cloud.name: cloud
    for cloud in (
        Cloud(
            name="global",
            label="Global (and GCC)",
            authority_url="https://login.microsoftonline.com",
            graph_url="https://graph.microsoft.com/v1.0",
        ),
        Cloud(
            name="usgov",
            label="US Government L4 (GCC High)",
            authority_url="https://login.microsoftonline.us",
            graph_url="https://graph.microsoft.us/v1.0",
        ),
        Cloud(
            name="usgov-dod",
            label="US Government L5 (DoD)",
            authority_url="https://login.microsoftonline.us",
            graph_url="https://dod-graph.microsoft.us/v1.0",
        ),
        Cloud(
            name="china",
            label="China (21Vianet)",
            authority_url="https://login.partner.microsoftonline.cn",
            graph_url="https://microsoftgraph.chinacloudapi.cn/v1.0",
        ),
    )
}


def addresses(
    cloud: str = "global", *, authority_url: str | None = None, graph_url: str | None = None
) -> tuple[str, str]:
    """Return the sign-in host and the Graph root to use; an address given outright wins over the cloud's.

    Raises:
        Invalid: There is no such cloud, or an address is not one that a secret may be sent to.
    """
    chosen = CLOUDS.get(cloud)
    if chosen is None:
        raise Invalid(f"There is no cloud “{cloud}”.", hint=f"Choose one of {', '.join(CLOUDS)}.")
    return (
        checked_address(authority_url or chosen.authority_url, name="sign-in address"),
        checked_address(graph_url or chosen.graph_url, name="Graph address"),
    )


def checked_address(url: str, *, name: str) -> str:
    """Return `url` without a closing slash if it is a plain https address.

    Raises:
        Invalid: It is not https, names no host, or carries a user, a query or a fragment.
    """
    text = url.strip().rstrip("/")
    hint = "Give it as https://host or https://host:port/v1.0."
    try:
        parts = urlsplit(text)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:  # a port that is no number, brackets that do not match
        raise Invalid(f"The {name} is not a web address.", hint=hint) from None
    if parts.username is not None or parts.password is not None:
        # The address itself is left out: it may hold a password.
        raise Invalid(f"The {name} carries a user name or password, which addresses must not.", hint=hint)
    if parts.scheme.lower() != "https":
        raise Invalid(f"The {name} {text} does not begin with https://.", hint=hint)
    if not parts.hostname or not port_fits or any(character.isspace() for character in text):
        raise Invalid(f"The {name} {text} names no host.", hint=hint)
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise Invalid(f"The {name} carries a query or fragment, which addresses must not.", hint=hint)
    return text


def origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port: what has to agree before a token is sent; None for no plain address."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:  # a port that is no number, brackets that do not match
        return None
    if "@" in parts.netloc:
        return None
    return parts.scheme.lower(), (parts.hostname or "").lower(), port


def host_of(url: str) -> str:
    """Return the host that `url` names, for a message; it may be an odd one from the wire."""
    named = origin(url)
    return named[1] if named is not None and named[1] else "an address that makes no sense"


def scope_of(graph_url: str) -> str:
    """Return the scope to ask a token for: the Graph root without its version, and `/.default`."""
    parts = urlsplit(graph_url)
    return f"{parts.scheme}://{parts.netloc}/.default"
