"""defrost against moto, an S3 written by others.

usage: moto_store.py PATH_TO_DEFROST PATH_TO_MOTO_SERVER

moto answers a first restore with 202, a second one with 200 and none with 409, its listings show no restore
state, and it takes no key with a line break; so this checks listing, paging, odd keys, signatures and rows.
"""

import csv
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import boto3

BUCKET = "moto-bucket"
ODD = ["a b+c%2Fd,ü.bin", 'quote"and,comma', "plus+plus", "ünï/cödé", "p//x", "%20"]
MANY = 1205


def expect(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: got {got!r}, expected {wanted!r}")
    print(f"  {what}: {got!r}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url, server):
    for _ in range(300):
        if server.poll() is not None:
            raise SystemExit("moto_server ended at once")
        try:
            urllib.request.urlopen(url, timeout=1)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("moto_server did not come up")


def decoded(row):
    return urllib.parse.unquote(row["key"]) if row["key_encoding"] == "url" else row["key"]


def main(defrost, moto_server):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen([moto_server, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"{url}/moto-api/", server)
        s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="interop", aws_secret_access_key="interop-secret")
        s3.create_bucket(Bucket=BUCKET)
        wanted = {}
        for number in range(MANY):
            wanted[f"many/{number:05}"] = ["STANDARD", "GLACIER", "DEEP_ARCHIVE"][number % 3]
        wanted |= {key: "GLACIER" for key in ODD}
        for key, storage_class in wanted.items():
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"x", StorageClass=storage_class)
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": "interop",
            "AWS_SECRET_ACCESS_KEY": "interop-secret",
            "AWS_REGION": "us-east-1",
            "DEFROST_NO_METADATA": "1",
        }
        with tempfile.TemporaryDirectory() as folder:

            def run(*arguments):
                done = subprocess.run(
                    [defrost, *arguments, "--endpoint-url", url, "--report", "report.csv"], cwd=folder, env=environment | {"HOME": folder},
                    stderr=subprocess.PIPE, text=True,
                )
                expect(f"exit code of {arguments[0]} ({done.stderr.strip().splitlines()[-1:]})", done.returncode, 0)
                with open(pathlib.Path(folder, "report.csv"), newline="", encoding="utf-8") as report:
                    return list(csv.DictReader(report))

            rows = run("scan", f"s3://{BUCKET}/", "--storage-class", "any", "--page-size", "100")
            ordered = sorted(wanted, key=lambda key: key.encode())
            expect("every key has a row, in key order", [decoded(r) for r in rows] == ordered, True)
            expect("every class is told", {decoded(r): r["storage_class"] for r in rows} == wanted, True)
            rows = run("restore", f"s3://{BUCKET}/", "--days", "5", "--tier", "Bulk", "--rate-limit", "500")
            cold = {key for key, storage_class in wanted.items() if storage_class != "STANDARD"}
            expect("every archived key has a row", {decoded(r) for r in rows} == cold, True)
            expect("every one was taken", {r["action"] for r in rows} <= {"requested", "extended"}, True)
            marks = {key: "Restore" in s3.head_object(Bucket=BUCKET, Key=key) for key in wanted}
            expect("moto holds a restore for just those keys", {key for key, mark in marks.items() if mark} == cold, True)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
