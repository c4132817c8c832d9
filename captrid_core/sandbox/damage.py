"""What faults make of an answer, or answer in its place."""

from __future__ import annotations

from typing import Any, Final

from captrid_core.sandbox.answers import Answer
from captrid_core.sandbox.entra import claims_challenge, invalid_token
from captrid_core.sandbox.errors import GraphError, expired_delta, expired_page
from captrid_core.sandbox.faults import Asked, Fault, FaultKind
from captrid_core.sandbox.sign_in_errors import SignInError

NEXT: Final = "@odata.nextLink"
_AADSTS: Final = {
    FaultKind.WRONG_SECRET: 7000215,
    FaultKind.SECRET_EXPIRED: 7000222,
    FaultKind.APP_DISABLED: 7000112,
}
_PAGE: Final = (
    "<!DOCTYPE html><html><head><title>Sign in to the network</title></head>"
    "<body><h1>Banksia College web filter</h1><p>Please sign in to continue.</p></body></html>"
)


def instead(fault: Fault, asked: Asked, *, start_over: str, now: float) -> Answer | Exception | None:
    """Return what is answered in place of the answer, as an answer or an error; None: nothing is."""
    match fault.kind:
        case FaultKind.THROTTLE:
            return _throttled(fault, asked)
        case FaultKind.UNAVAILABLE:
            headers = {"Retry-After": f"{fault.retry_after:g}"} if fault.retry_after is not None else {}
            return GraphError(503, "serviceNotAvailable", "The service is unavailable.", headers=headers)
        case FaultKind.ERROR:
            return GraphError(fault.status or 500, fault.code, fault.message, headers=fault.headers)
        case FaultKind.HTML_PAGE:
            return Answer(fault.status or 200, {"content-type": "text/html; charset=utf-8"}, _PAGE.encode())
        case FaultKind.EXPIRE_TOKEN:
            return invalid_token("Lifetime validation failed, the token is expired.")
        case FaultKind.CLAIMS_CHALLENGE:
            return claims_challenge(int(now))
        case FaultKind.EXPIRE_PAGE_TOKEN:
            return expired_page()
        case FaultKind.EXPIRE_DELTA:
            return expired_delta(fault.form, start_over)
        case FaultKind.WRONG_SECRET | FaultKind.SECRET_EXPIRED | FaultKind.APP_DISABLED:
            return SignInError(_AADSTS[fault.kind])
        case _:
            return None


def spoilt(fault: Fault, answer: Answer, url: str, memory: dict[str, list[Any]]) -> Answer:
    """Return what a fault makes of an answer to the request for `url`."""
    if fault.kind is FaultKind.TRUNCATED_JSON:
        return Answer(answer.status, dict(answer.headers), answer.body[: len(answer.body) // 2])
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get("value"), list):
        return answer
    match fault.kind:
        case FaultKind.MISSING_VALUE:
            del body["value"]
        case FaultKind.EMPTY_MEMBERS:
            body["value"] = []
            body.pop(NEXT, None)
        case FaultKind.NULL_ATTRIBUTES:
            body["value"] = [_without_attributes(item) for item in body["value"]]
        case FaultKind.REPEAT:
            listed = url.partition("?")[0]
            again, memory[listed] = memory.get(listed, []), body["value"][-3:]
            body["value"] = again + body["value"] + body["value"][:1]
        case FaultKind.OMIT:
            del body["value"][: fault.count]
        case FaultKind.FOREIGN_NEXT_LINK:
            scheme, _, rest = body[NEXT].partition("://")
            body[NEXT] = f"{scheme}://{fault.host}/{rest.partition('/')[2]}"
        case FaultKind.LOOPING_NEXT_LINK:
            body[NEXT] = url
        case FaultKind.DROP_LAST_PAGE:
            del body[NEXT]
        case _:
            return answer
    return answer.with_json(body)


def _throttled(fault: Fault, asked: Asked) -> Answer | Exception:
    headers = {"Retry-After": f"{fault.retry_after:g}"} if fault.retry_after is not None else {}
    if asked.category in {"token", "discovery"}:
        error = SignInError(90055)
        error.headers = headers
        return error
    headers |= {
        "x-ms-throttle-information": "ResourceUnitLimitExceeded",
        "x-ms-throttle-scope": "Tenant_Application/ReadWrite/sandbox/sandbox",
    }
    return GraphError(429, "TooManyRequests", "Too many requests.", headers=headers, inner={"code": "429"})


def _without_attributes(item: Any) -> Any:
    """Return an object as an app sees it that may list it and not read it."""
    if not isinstance(item, dict):
        return item
    kept = {"id", "@odata.type", "@removed"}
    return {
        name: value if name in kept else ([] if isinstance(value, list) else None)
        for name, value in item.items()
    }
