"""One HTTP session with its own ideas of trust, proxies and time, speaking our errors.

Both MSAL and the Graph client send through it, so that a certificate authority, a proxy, a
timeout or a redirect is treated in one way, and no exception of `requests`, `urllib3` or `ssl`
goes any further.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from captrid_core import __version__
from captrid_core.directory.entra.failures import translated


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, read to its end."""

    status: int
    headers: Mapping[str, str]  # case-insensitive
    body: bytes


class Transport:
    """Connections to the two hosts of a directory, kept open between requests.

    Args:
        ca_file: The only certificate authorities to trust, None for the usual ones or for those that
            REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE name.
        connect_timeout: Seconds for a connection to come about.
        read_timeout: Seconds without a byte after which an answer is given up.
    """

    def __init__(
        self, *, ca_file: Path | None = None, connect_timeout: float = 15.0, read_timeout: float = 60.0
    ) -> None:
        named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        self._ca_file = ca_file or (Path(named) if named else None)
        self._timeout = (connect_timeout, read_timeout)
        self._reached: set[str] = set()
        self._proxies: dict[str, dict[str, str]] = {}
        self._session = requests.Session()
        # Left to itself, requests would let REQUESTS_CA_BUNDLE win over a CA file that was given,
        # and a netrc over the Authorization header. The proxies of the environment are asked for in `send`.
        self._session.trust_env = False
        self._session.verify = str(self._ca_file) if self._ca_file else True
        self._session.headers.update(
            {"User-Agent": f"CaptrID-Directory-Sync/{__version__}", "Accept-Encoding": "gzip"}
        )
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # none is needed
        self._session.mount("https://", HTTPAdapter(pool_connections=4, pool_maxsize=4, max_retries=0))

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Send one request and return the answer, whatever its status; redirects are not followed.

        Raises:
            Hitch: No answer came, or a broken one; another attempt may succeed.
            TlsFailed: The other side's certificate is not trusted.
            NotADirectory: The address cannot be used.
        """
        try:
            with self._session.request(
                method,
                url,
                headers=dict(headers),
                data=body,
                timeout=self._timeout,
                proxies=self._proxies_for(url),
                allow_redirects=False,
                stream=True,
            ) as response:
                # One read of the whole body: `.content` would gather it in slices of 10 KB.
                answer = Answer(
                    response.status_code, response.headers, response.raw.read(decode_content=True)
                )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as exc:
            problem = translated(
                exc,
                urlsplit(url).netloc,
                ca_file=self._ca_file,
                timeout=self._timeout,
                reached=urlsplit(url).netloc in self._reached,
            )
        else:
            self._reached.add(urlsplit(url).netloc)
            return answer
        # Raised out here, so that the error carries no request, and with it no token or secret.
        raise problem

    def _proxies_for(self, url: str) -> dict[str, str]:
        """Return the environment's proxies on the way to a host; it is read once for each."""
        host = urlsplit(url).netloc
        if host not in self._proxies:
            self._proxies[host] = get_environ_proxies(url)
        return self._proxies[host]

    def reconnect(self) -> None:
        """Let go of all connections; the next request opens a new one."""
        for adapter in self._session.adapters.values():
            adapter.close()

    def close(self) -> None:
        """Close the session."""
        self._session.close()
