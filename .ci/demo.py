"""Reads the CSVs of the demo's first and second night and checks what the README promises.

usage: demo.py FIRST.csv SECOND.csv
"""

import csv
import sys
from collections import Counter


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return {(row["key"], row["key_encoding"], row["version_id"]): row for row in csv.DictReader(file)}


def main(first, second):
    first, second = rows(first), rows(second)
    print("first night: ", dict(Counter((row["state"], row["action"]) for row in first.values())))
    print("second night:", dict(Counter((row["state"], row["action"]) for row in second.values())))
    assert len(first) == 20_000, f"the first night lists {len(first)} objects"
    assert first.keys() == second.keys(), "both nights list the same objects"
    requested = [key for key, row in first.items() if row["action"] == "requested"]
    assert len(requested) > 1000, f"the first night asked for {len(requested)} objects"
    late = [key for key in requested if second[key]["state"] != "restored" or not second[key]["expires_at"]]
    assert not late, f"{len(late)} objects of the first night are not restored in the second, such as {late[0]}"
    assert any(row["state"] == "restoring" and row["action"] == "already" for row in first.values()), "some were restoring"
    assert any(row["state"] == "restored" and row["expires_at"] for row in first.values()), "some were restored"
    odd = {key for key, encoding, _ in first if encoding == "url"}
    assert odd, "no key is percent-encoded"
    assert not any(row["action"] == "failed" for row in second.values()), "the second night failed for some"


main(*sys.argv[1:])
