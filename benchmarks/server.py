"""A server that is not the bottleneck: TLS, and answers that were made beforehand.

It serves two states of one made-up tenant: `before`, and `after` with 1 % changed (0.8 % of the
people updated, 0.1 % gone, 0.1 % new). Every page of 999 people lies ready in memory as the bytes
of a whole HTTP answer; a thread for each connection only sends them.

    python benchmarks/server.py USERS CA_FILE     # prints its port as one line, serves until it is ended
"""

import base64
import json
import random
import socket
import ssl
import sys
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import trustme

PAGE = 999
TENANT = "6f1c1e1e-0000-4000-8000-000000000001"


class State:
    """What the server is told while it runs, by GET /control?name=value."""

    def __init__(self) -> None:
        self.data = "before"
        self.latency = 0.0
        self.throttle_every = 0
        self.retry_after = 1
        self.pages = 0
        self.waiting_until = 0.0
        self.too_early = 0
        self.lock = threading.Lock()


def people(users: int, *, changed: bool) -> list[bytes]:
    """Return the people as JSON, one after the other; the same numbers give the same bytes."""
    numbers = range(users)
    draw = random.Random(7)
    marks = draw.sample(numbers, max(users // 100, 3))
    gone, new, updated = marks[: len(marks) // 10], len(marks) // 10, set(marks[len(marks) // 10 * 2 :])
    absent = set(gone) if changed else set()
    extra = range(users, users + new) if changed else range(0)
    return [
        person(number, moved=changed and number in updated)
        for part in (numbers, extra)
        for number in part
        if number not in absent
    ]


def person(number: int, *, moved: bool) -> bytes:
    """Return one person with twelve properties, some 376 bytes."""
    draw = random.Random(number)
    given, sur = f"Given{draw.randrange(2000)}", f"Surname{draw.randrange(20000)}"
    mail = f"{given}.{sur}.{number}@banksia.example".lower()
    record = {
        "id": str(uuid.UUID(int=draw.getrandbits(128), version=4)),
        "userPrincipalName": mail,
        "displayName": f"{given} {sur}",
        "givenName": given,
        "surname": sur,
        "mail": mail,
        "jobTitle": None if number % 3 else f"Position {draw.randrange(300)}",
        "department": f"Department {draw.randrange(60) + (100 if moved else 0)}",
        "employeeId": f"{number + 1000000}",
        "officeLocation": f"Room {draw.randrange(800)}",
        "mobilePhone": f"+61 4{draw.randrange(10**8):08d}",
        "accountEnabled": True,
    }
    return json.dumps(record, separators=(",", ":")).encode()


def pages(entries: list[bytes], base: str) -> list[bytes]:
    """Return the whole answers of a paged read."""
    chunks = [entries[start : start + PAGE] for start in range(0, len(entries), PAGE)] or [[]]
    answers = []
    for number, chunk in enumerate(chunks):
        link = (
            f',"@odata.nextLink":"{base}/users?$skiptoken={number + 1}"' if number + 1 < len(chunks) else ""
        )
        head = f'{{"@odata.context":"{base}/$metadata#users"{link},"value":['.encode()
        answers.append(answer(head + b",".join(chunk) + b"]}"))
    return answers


def answer(body: bytes, *, status: str = "200 OK", kind: str = "application/json", more: str = "") -> bytes:
    """Return an HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def token() -> str:
    """Return a token as the client reads it: three parts, roles inside."""
    claims = {
        "tid": TENANT,
        "appid": "bench",
        "exp": int(time.time()) + 86400,
        "roles": ["User.Read.All", "GroupMember.Read.All"],
    }
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts), "x"]
    )


class Server:
    """The prepared answers and the threads that send them."""

    def __init__(self, users: int, port: int) -> None:
        self.root = f"https://127.0.0.1:{port}"
        self.state = State()
        base = f"{self.root}/v1.0"
        self.pages = {
            "before": pages(people(users, changed=False), base),
            "after": pages(people(users, changed=True), base),
        }
        self.users = users

    def reply(self, target: str, body: bytes) -> bytes:
        """Return the answer to a request; of whom a batch asks, nobody is there any more."""
        url = urlsplit(target)
        query = parse_qs(url.query)
        if url.path == "/control":
            return self.control(query)
        if url.path.endswith("openid-configuration"):
            return answer(json.dumps(self.discovery()).encode())
        if url.path.endswith("/token"):
            body = {"token_type": "Bearer", "expires_in": 86399, "access_token": token()}
            return answer(json.dumps(body).encode())
        if url.path == "/v1.0/users/$count":
            return answer(str(self.users).encode(), kind="text/plain")
        if url.path == "/v1.0/users":
            return self.page(int(query.get("$skiptoken", ["0"])[0]))
        if url.path == "/v1.0/$batch":
            missing = {"error": {"code": "Request_ResourceNotFound", "message": "?"}}
            responses = [
                {"id": one["id"], "status": 404, "body": missing} for one in json.loads(body)["requests"]
            ]
            return answer(json.dumps({"responses": responses}).encode())
        return answer(b'{"error":{"code":"Request_ResourceNotFound","message":"?"}}', status="404 Not Found")

    def page(self, number: int) -> bytes:
        """Return a page, after the latency; or 429, if it is its turn."""
        state = self.state
        with state.lock:
            state.pages += 1
            early = time.monotonic() < state.waiting_until
            state.too_early += early
            if early or (state.throttle_every and state.pages % state.throttle_every == 0):
                state.waiting_until = time.monotonic() + state.retry_after
                body = b'{"error":{"code":"TooManyRequests","message":"Slow down."}}'
                return answer(
                    body, status="429 Too Many Requests", more=f"Retry-After: {state.retry_after}\r\n"
                )
        if state.latency:
            time.sleep(state.latency)
        return self.pages[state.data][number]

    def control(self, query: dict[str, list[str]]) -> bytes:
        """Set what the query names; return the counters, and start them anew."""
        state = self.state
        counters = {"pages": state.pages, "too_early": state.too_early}
        state.pages = state.too_early = 0
        state.waiting_until = 0.0
        for name, (value, *_) in query.items():
            setattr(state, name, type(getattr(state, name))(value))
        return answer(json.dumps(counters).encode())

    def discovery(self) -> dict[str, str]:
        """Return the sign-in host's own description."""
        tenant = f"{self.root}/{TENANT}"
        return {
            "issuer": f"{tenant}/v2.0",
            "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
            "token_endpoint": f"{tenant}/oauth2/v2.0/token",
            "jwks_uri": f"{tenant}/discovery/v2.0/keys",
        }

    def talk(self, connection: ssl.SSLSocket) -> None:
        """Answer one connection's requests until it is closed."""
        with connection, connection.makefile("rb") as incoming:
            while line := incoming.readline():
                length = 0
                while (header := incoming.readline().strip()) != b"":
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.split(b":")[1])
                body = incoming.read(length)
                connection.sendall(self.reply(line.split()[1].decode(), body))


def main(users: int, ca_file: str) -> None:
    """Prepare the answers, then serve."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(users, listener.getsockname()[1])
        print(listener.getsockname()[1], flush=True)
        while True:
            raw, _ = listener.accept()
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_serve, args=(server, context, raw), daemon=True).start()


def _serve(server: Server, context: ssl.SSLContext, raw: socket.socket) -> None:
    try:
        server.talk(context.wrap_socket(raw, server_side=True))
    except (OSError, ssl.SSLError) as error:
        print(f"a connection ended early: {error}", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]), str(Path(sys.argv[2])))
