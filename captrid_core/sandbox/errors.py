"""What the Graph routes refuse, and how Graph words it.

Shape and codes: "Microsoft Graph error responses and resource types"; messages as in real answers
that were quoted in public. Clients must not read the messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

UNSUPPORTED_QUERY = "Request_UnsupportedQuery"
BAD_REQUEST = "Request_BadRequest"


class GraphError(Exception):
    """An error answer of Microsoft Graph; `inner` is added to its `innerError`."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        inner: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.inner = dict(inner or {})

    def body(self, *, at: datetime, request_id: str, client_request_id: str) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        inner = self.inner | {
            "date": at.strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request_id,
            "client-request-id": client_request_id,
        }
        return {"error": {"code": self.code, "message": self.message, "innerError": inner}}


def unsupported(message: str) -> GraphError:
    """Return the error for a query that the directory does not support."""
    return GraphError(400, UNSUPPORTED_QUERY, message)


def not_found(object_id: str) -> GraphError:
    """Return the error for an object that does not exist, or lies in the recycle bin."""
    message = f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not present."
    return GraphError(404, "Request_ResourceNotFound", message)


def no_such_segment(segment: str) -> GraphError:
    """Return the error for a path that Graph does not have."""
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")


def missing_parameters(what: str) -> GraphError:
    """Return the error for an advanced query without its header and parameter."""
    return unsupported(
        f"{what} is not supported because the required parameters might be missing. Try adding $count=true "
        "query parameter and ConsistencyLevel:eventual header. Refer to https://aka.ms/graph-docs/advanced-queries "
        "for more information"
    )


def denied() -> GraphError:
    """Return the error for an app that lacks a permission, or the consent to it."""
    return GraphError(
        403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
    )


def expired_page() -> GraphError:
    """Return the error for a page token that is too old."""
    message = "The specified page token value has expired and can no longer be included in your request."
    return GraphError(400, "Directory_ExpiredPageToken", message)


class ExpiredForm(StrEnum):
    """The ways in which Graph says that a delta link is too old.

    The sources disagree, so a client has to know them all: the delta query overview (410 with a
    Location, "40X-series errors"), the announcement of the 7-day life (400 syncStateNotFound) and
    the older table of error codes (resyncRequired).
    """

    GONE_WITH_LOCATION = "gone_with_location"
    GONE = "gone"
    SYNC_STATE_NOT_FOUND = "sync_state_not_found"
    RESYNC_REQUIRED = "resync_required"
    NESTED = "nested"


def expired_delta(form: ExpiredForm, location: str) -> GraphError:
    """Return the error for a delta link that is too old; `location` is where to start over."""
    lost = "The sync state generation is not found. The delta token is expired and data must be synchronized again."
    reset = "The delta token is no longer valid, and the app must reset the sync state."
    match form:
        case ExpiredForm.GONE_WITH_LOCATION:
            return GraphError(410, "resyncRequired", reset, headers={"Location": location})
        case ExpiredForm.GONE:
            return GraphError(410, "SyncStateNotFound", lost)
        case ExpiredForm.SYNC_STATE_NOT_FOUND:
            return GraphError(400, "syncStateNotFound", lost)
        case ExpiredForm.RESYNC_REQUIRED:
            return GraphError(400, "resyncRequired", reset)
        case ExpiredForm.NESTED:
            inner = {"code": "syncStateNotFound", "message": lost}
            return GraphError(400, "BadRequest", "The request could not be processed.", inner=inner)
