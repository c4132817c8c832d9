"""The ways by which a notification goes out: a webhook, and e-mail over SMTP."""

from __future__ import annotations

import hashlib
import hmac
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formataddr, parseaddr
from typing import Final, Protocol
from urllib.parse import urlsplit

from captrid_core.errors import CaptridError, Invalid

SIGNATURE: Final = "X-CaptrID-Signature"
"""The header with `sha256=` and the HMAC-SHA256 of the body, in hexadecimal digits."""
_TIMEOUT: Final = 15.0
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class NotDelivered(CaptridError):
    """A notification did not reach its receiver."""

    code = "not_delivered"
    default_hint = (
        "Check the address and the secret under Organisation Settings, and that this machine may reach it."
    )


class Channel(Protocol):
    """A way to send."""

    def send(self, subject: str, text: str, body: bytes, secret: str | None) -> None:
        """Send one notification.

        Args:
            subject: One line.
            text: What is said to people.
            body: The same for machines, as JSON.
            secret: The channel's secret, if it has one.

        Raises:
            NotDelivered: It was not accepted.
        """


@dataclass(frozen=True, slots=True)
class Webhook:
    """POST to an address; signed where there is a secret."""

    url: str
    ca_file: str | None = None

    def __post_init__(self) -> None:
        """Refuse an address that is none, or that would be sent to in the clear.

        Raises:
            Invalid: It does not do.
        """
        parts = urlsplit(self.url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise Invalid(f"“{self.url}” is no web address.", hint="It begins with https://")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise Invalid(f"“{parts.hostname}” would be sent to unencrypted.", hint="Use https.")
        if parts.username or parts.password:
            raise Invalid("The address of a webhook holds a name or a password.", hint="Leave them out.")

    def send(self, subject: str, text: str, body: bytes, secret: str | None) -> None:
        """Send the JSON; see `Channel`."""
        import requests  # a command that sends nothing does without

        headers = {"Content-Type": "application/json", "User-Agent": "captrid-directory-sync"}
        if secret:
            headers[SIGNATURE] = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
        host = urlsplit(self.url).hostname
        try:
            answer = requests.post(
                self.url,
                data=body,
                headers=headers,
                timeout=_TIMEOUT,
                allow_redirects=False,
                verify=self.ca_file or True,
            )
        except requests.exceptions.SSLError as error:
            raise NotDelivered(f"The certificate of {host} was not accepted.") from error
        except requests.RequestException as error:
            raise NotDelivered(f"{host} could not be reached ({type(error).__name__}).") from error
        if not answer.ok or answer.is_redirect:
            raise NotDelivered(f"{host} answered with status {answer.status_code}.")


@dataclass(frozen=True, slots=True)
class Email:
    """A message over SMTP. `security` is starttls, tls or none."""

    host: str
    sender: str
    receivers: tuple[str, ...]
    port: int = 587
    security: str = "starttls"
    user: str | None = None
    ca_file: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be sent.

        Raises:
            Invalid: An address or the security makes no sense, or a password would go in the clear.
        """
        for one in (self.sender, *self.receivers):
            if "@" not in parseaddr(one)[1] or "\n" in one:
                raise Invalid(f"“{one}” is no e-mail address.")
        if not self.receivers:
            raise Invalid("Nobody is named to receive e-mail.")
        if not self.host or not 1 <= self.port <= 65535:
            raise Invalid("The mail server needs a host name, and a port from 1 to 65535.")
        if self.security not in ("starttls", "tls", "none"):
            raise Invalid(f"“{self.security}” is no security.", hint="Give starttls, tls or none.")
        if self.security == "none" and self.user and self.host not in _LOOPBACK:
            raise Invalid("The password would be sent unencrypted.", hint="Use starttls or tls.")

    def send(self, subject: str, text: str, body: bytes, secret: str | None) -> None:
        """Send the text; see `Channel`."""
        message = EmailMessage()
        message["Subject"] = subject
        message["From"] = formataddr(parseaddr(self.sender))
        message["To"] = ", ".join(self.receivers)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        try:
            with self._connected() as server:
                if self.user:
                    server.login(self.user, secret or "")
                server.send_message(message)
        except smtplib.SMTPAuthenticationError as error:
            raise NotDelivered(f"{self.host} did not accept the user name or the password.") from error
        except smtplib.SMTPRecipientsRefused as error:
            refused = ", ".join(error.recipients)
            raise NotDelivered(f"{self.host} does not deliver to {refused}.") from error
        except ssl.SSLError as error:
            raise NotDelivered(f"The certificate of {self.host} was not accepted.") from error
        except (smtplib.SMTPException, OSError) as error:
            raise NotDelivered(f"{self.host} could not be used ({type(error).__name__}).") from error

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_TIMEOUT, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT)
        if self.security == "starttls":
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server
