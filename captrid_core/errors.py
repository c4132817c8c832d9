"""Everything that can go wrong, grouped by what the caller should do.

CaptridError
├── SetupError            mend this installation, then try again
│   ├── KeyMissing  KeyWrong  HomeUnusable
├── SignInError           mend the credentials, the permissions or the consent
│   ├── TenantUnknown  TenantMalformed  ClientUnknown  SecretWrong  SecretExpired
│   ├── CertificateRejected  PermissionMissing  ConsentMissing  SignInRefused
├── DirectoryError        the directory cannot be read as it should be; nothing was changed
│   ├── Throttled  DirectoryUnavailable  DirectoryUnreachable  TlsFailed  NotADirectory
│   ├── ReadIncomplete  GroupNotFound  RequestRefused  DeltaLinkExpired
├── Refused               the request does not fit the state of things
│   ├── NotFound  AlreadyExists  Invalid  PlanLimit  SyncRunning  NotConnected  TenantChanged
│   ├── FieldLocked  MissingUid  DuplicateUid  BadValue  NotReadOnly  Busy
└── Cancelled             somebody stopped it; nothing was changed

Every error has a stable `code`, a `message` that says what happened with its names and numbers,
and a `hint` that says what to do. None of them ever carries a secret.
"""

from __future__ import annotations

from typing import Any, ClassVar


class CaptridError(Exception):
    """The base of every error that is meant for a person.

    Args:
        message: What happened, in words an administrator can act on.
        hint: What to do about it.
        details: Further members for machines, such as `permission` or `run_id`.
    """

    code: ClassVar[str] = "error"
    default_hint: ClassVar[str] = "Try again; if it stays, look into the log."

    def __init__(self, message: str, *, hint: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint
        self.details = details

    def as_dict(self) -> dict[str, Any]:
        """Return the error as the command line and the run history show it."""
        return {"code": self.code, "message": self.message, "hint": self.hint, **self.details}


class SetupError(CaptridError):
    """This installation needs mending first."""

    code = "home_unusable"


class KeyMissing(SetupError):
    """The key that opens the stored secrets was not there."""

    code = "key_missing"
    default_hint = (
        "Give the key in CAPTRID_KEY, or put the key file back into the home. "
        "If it is lost for good, start a new one with `captrid key rotate --forget --yes` and enter the secrets again."
    )


class KeyWrong(SetupError):
    """The key did not open a stored secret: it is another key, or the secret was tampered with."""

    code = "key_wrong"
    default_hint = "Give the key that the secrets were stored with, or enter the connection's secret again."


class HomeUnusable(SetupError):
    """The home could not be created, read, written or understood."""

    code = "home_unusable"
    default_hint = "Check the folder's path, its permissions and the free space on its disk."


class SignInError(CaptridError):
    """The directory refused the sign-in, or what it granted is not enough."""

    code = "client_unknown"


class TenantUnknown(SignInError):
    """No tenant goes by that id."""

    code = "tenant_unknown"
    default_hint = (
        "Copy the Tenant ID (Directory ID) from the app registration's overview in Microsoft Entra."
    )


class TenantMalformed(SignInError):
    """The tenant id is neither a GUID nor a domain name."""

    code = "tenant_malformed"
    default_hint = "A Tenant ID looks like 00000000-0000-0000-0000-000000000000; a domain such as contoso.edu.au works too."


class ClientUnknown(SignInError):
    """The tenant has no app registration with that client id, or the app is disabled."""

    code = "client_unknown"
    default_hint = "Copy the Application (client) ID from the app registration, and check that it is in this tenant and enabled."


class SecretWrong(SignInError):
    """The client secret was not accepted."""

    code = "secret_wrong"
    default_hint = (
        "Copy the secret's Value, not its Secret ID. A secret made within the last minute may need a moment."
    )


class SecretExpired(SignInError):
    """The client secret is past its end date."""

    code = "secret_expired"
    default_hint = "Create a new client secret in the app registration (Certificates & secrets) and enter it in the connection."


class CertificateRejected(SignInError):
    """The certificate was not accepted, or its file holds no usable key and certificate."""

    code = "certificate_rejected"
    default_hint = (
        "Upload the certificate's public part to the app registration, and check that the PEM file "
        "holds the matching private key and certificate and that it has not expired."
    )


class PermissionMissing(SignInError):
    """The app registration lacks an application permission that is needed."""

    code = "permission_missing"

    def __init__(self, permission: str) -> None:
        super().__init__(
            f"The app registration lacks the application permission {permission}.",
            hint=f"Add {permission} (Microsoft Graph, type Application) to the app registration, "
            "then grant admin consent. A new grant may need a few minutes.",
            permission=permission,
        )


class ConsentMissing(SignInError):
    """An administrator has not consented to any of the app's permissions."""

    code = "consent_missing"
    default_hint = (
        "Ask an Entra administrator to open the app registration's API permissions and choose "
        "“Grant admin consent” for User.Read.All and GroupMember.Read.All (type Application)."
    )


class SignInRefused(SignInError):
    """The sign-in was refused for a reason that is none of the others; the message carries its number."""

    code = "sign_in_refused"
    default_hint = "Look the AADSTS number up in Microsoft's list of error codes, or in the app's sign-in logs in Microsoft Entra."


class DirectoryError(CaptridError):
    """The directory could not be read as it should be; nothing was changed."""

    code = "directory_unavailable"


class Throttled(DirectoryError):
    """The directory kept asking for slower requests until the time budget was used up."""

    code = "throttled"
    default_hint = "Wait some minutes and try again; run big syncs when other apps leave the directory alone."


class DirectoryUnavailable(DirectoryError):
    """The directory's service answered with its own failure, again and again."""

    code = "directory_unavailable"
    default_hint = "Look at Microsoft's service health page, and try again later. Nothing was changed."


class DirectoryUnreachable(DirectoryError):
    """No connection to the directory came about."""

    code = "directory_unreachable"
    default_hint = (
        "Check this machine's network, DNS, firewall and proxy settings, and the connection's addresses."
    )


class TlsFailed(DirectoryError):
    """The directory's certificate could not be trusted."""

    code = "tls_failed"
    default_hint = (
        "If your network inspects TLS, give its certificate authority as the connection's CA file. "
        "Check this machine's clock, too."
    )


class NotADirectory(DirectoryError):
    """Something answered that is no directory: a proxy's page, a captive portal, a wrong address."""

    code = "not_a_directory"
    default_hint = (
        "Check the connection's cloud or addresses, and whether a proxy answers in the directory's place."
    )


class ReadIncomplete(DirectoryError):
    """The read broke off, or what came cannot be the whole of it."""

    code = "read_incomplete"
    default_hint = "Run the sync again. Nothing was changed, and nobody was taken for gone."


class GroupNotFound(DirectoryError):
    """The group is not in the directory, or its name fits several groups."""

    code = "group_not_found"
    default_hint = "Choose the group again: it may have been deleted or renamed. `captrid groups` lists them."


class RequestRefused(DirectoryError):
    """The directory understood the request and refused it."""

    code = "request_refused"
    default_hint = (
        "Check that the mapped properties exist in this directory; the message names what was refused."
    )


class DeltaLinkExpired(DirectoryError):
    """The directory no longer knows the place from which changes were asked (rule R30)."""

    code = "delta_link_expired"
    default_hint = "A full sync is needed."


class Refused(CaptridError):
    """The request does not fit the state of things; nothing was changed."""

    code = "invalid"


class NotFound(Refused):
    """Nothing goes by that name or id."""

    code = "not_found"
    default_hint = "Check the name; `captrid lists list` and `captrid connections list` show what there is."


class AlreadyExists(Refused):
    """Something already goes by that name."""

    code = "already_exists"
    default_hint = "Choose another name, or change the one that exists."


class Invalid(Refused):
    """What was asked for makes no sense; the message says which part."""

    code = "invalid"
    default_hint = "Correct the value and try again."


class PlanLimit(Refused):
    """The organisation's plan does not allow another one."""

    code = "plan_limit"


class SyncRunning(Refused):
    """Another run of this Master List is going on (rule R3)."""

    code = "sync_running"
    default_hint = "Wait until it has finished, or cancel it."

    def __init__(self, *, list_name: str, run_id: str, since: str, actor: str) -> None:
        super().__init__(
            f"A sync of “{list_name}” is already running: run {run_id}, started {since} by {actor}.",
            run_id=run_id,
            since=since,
            actor=actor,
        )


class NotConnected(Refused):
    """The Master List is not connected to a directory."""

    code = "not_connected"
    default_hint = "Connect it with Configure Sync, or `captrid lists configure`."


class TenantChanged(Refused):
    """The connection now signs in to another tenant than the list was synced from (rule R27)."""

    code = "tenant_changed"
    default_hint = (
        "If the move is meant, disconnect the list and connect it again. "
        "Otherwise put the connection's Tenant ID back to what it was."
    )


class FieldLocked(Refused):
    """The field is managed by the directory and locked for synced people."""

    code = "field_locked"
    default_hint = (
        "Change it in the directory and sync, or take the field out of the mapping, or disconnect the list."
    )


class MissingUid(Refused):
    """A person needs a value in the UID field."""

    code = "missing_uid"
    default_hint = "Give the UID field a value."


class DuplicateUid(Refused):
    """Another person of the list has that UID."""

    code = "duplicate_uid"
    default_hint = "Use the person that exists, or give another UID."


class BadValue(Refused):
    """The value does not fit its field's type (rule R17)."""

    code = "bad_value"
    default_hint = "Give a value of the field's type."


class NotReadOnly(Refused):
    """The SQL would do more than read."""

    code = "not_read_only"
    default_hint = "Write one SELECT statement."


class Busy(Refused):
    """Another process keeps the home's database to itself for longer than a caller should wait."""

    code = "busy"
    default_hint = "Try again in a moment."


class Cancelled(CaptridError):
    """The work was cancelled; nothing was changed (rule R4)."""

    code = "cancelled"
    default_hint = "Start it again when you like."
