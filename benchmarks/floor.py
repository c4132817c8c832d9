"""The floor: download the pages, parse them, insert them into a DuckDB table, and nothing more.

Only duckdb and the standard library. What a sync costs beyond this is the price of comparing,
history and safety.

    python benchmarks/floor.py FIRST_URL CA_FILE DATABASE
"""

import http.client
import re
import ssl
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

FIELDS = [
    "id", "userPrincipalName", "displayName", "givenName", "surname", "mail",
    "jobTitle", "department", "employeeId", "officeLocation", "mobilePhone", "accountEnabled",
]  # fmt: skip


def main(url: str, ca_file: str, database: str) -> None:
    """Do the three things."""
    parts = urlsplit(url)
    server = http.client.HTTPSConnection(parts.netloc, context=ssl.create_default_context(cafile=ca_file))
    with tempfile.TemporaryDirectory() as folder:
        number = 0
        while url:
            server.request("GET", url[len(f"{parts.scheme}://{parts.netloc}") :])
            body = server.getresponse().read()
            start = body.index(b'"value":') + len(b'"value":')
            (Path(folder) / f"{number}.json").write_bytes(body[start : body.rindex(b"]") + 1])
            link = re.search(rb'"@odata.nextLink":"([^"]+)"', body[:4096])
            url = link.group(1).decode() if link else ""
            number += 1
        columns = ", ".join(f"{name}: 'VARCHAR'" for name in FIELDS)
        with duckdb.connect(database) as connection:
            connection.execute("SET preserve_insertion_order = false")
            connection.execute(
                f"CREATE TABLE people AS FROM read_json('{folder}/*.json', format = 'array', columns = {{{columns}}})"
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
