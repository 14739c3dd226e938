"""The S3 policies of the guide's page on rights, enforced by moto's IAM.

usage: rights.py PATH_TO_DEFROST PATH_TO_MOTO_SERVER

A user with exactly the page's policy can audit and restore. With any one of its actions taken away the run
ends with exit code 4 and names what is missing, and on another prefix nothing may be restored. moto checks
signatures, actions and resources of a user's policies. It knows no conditions of S3 (any condition denies), so
these are taken out here; and it has no restore state in listings, so that nothing is extended and no HEAD is sent.
"""

import copy
import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

import boto3

from moto_store import expect, free_port, wait_for

BUCKET = "my-bucket"
PAGE = pathlib.Path(__file__).parents[2] / "src/guide/rights.md"
# Sent in an audit and in a campaign on moto; what a policy allows beyond is for what moto does not have.
CALLED = {"audit": {"s3:ListBucket"}, "campaign": {"s3:ListBucket", "s3:RestoreObject"}}


def policy(job):
    """The policy below the heading for `job` on S3."""
    for section in PAGE.read_text(encoding="utf-8").split("\n### ")[1:]:
        name, _, jobs = section.splitlines()[0].partition(": ")
        if name == "S3" and job in jobs.split(", "):
            return json.loads(re.search(r"```json\n(.*?)```", section, re.S).group(1))
    raise SystemExit(f"no policy for {job} on S3")


def actions(statement):
    action = statement["Action"]
    return [action] if isinstance(action, str) else action


def without(document, taken):
    """The same policy without the action `taken` and without conditions."""
    document = copy.deepcopy(document)
    kept = []
    for statement in document["Statement"]:
        statement.pop("Condition", None)
        statement["Action"] = [action for action in actions(statement) if action != taken]
        if statement["Action"]:
            kept.append(statement)
    # A policy must have a statement.
    document["Statement"] = kept or [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]
    return document


def main(defrost, moto_server):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen([moto_server, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"{url}/moto-api/", server)
        root = {"endpoint_url": url, "region_name": "us-east-1", "aws_access_key_id": "root", "aws_secret_access_key": "root"}
        s3, iam = boto3.client("s3", **root), boto3.client("iam", **root)
        s3.create_bucket(Bucket=BUCKET)
        for number in range(25):
            for folder in ["datasets", "other"]:
                s3.put_object(Bucket=BUCKET, Key=f"{folder}/{number:03}", Body=b"x", StorageClass="GLACIER")

        def user(name, document):
            iam.create_user(UserName=name)
            iam.put_user_policy(UserName=name, PolicyName="page", PolicyDocument=json.dumps(document))
            return iam.create_access_key(UserName=name)["AccessKey"]

        cases = []
        for job in CALLED:
            document = policy(job)
            granted = {action for statement in document["Statement"] for action in actions(statement)}
            expect(f"actions of {job} that moto can judge", CALLED[job] <= granted, True)
            cases.append((job, "datasets/", user(f"{job}-whole", without(document, None)), None))
            for number, taken in enumerate(sorted(CALLED[job])):
                cases.append((job, "datasets/", user(f"{job}-{number}", without(document, taken)), taken))
        cases.append(("campaign", "other/", user("elsewhere", without(policy("campaign"), None)), "s3:RestoreObject"))

        # From here on moto asks who calls, and what they may.
        plain = {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset-auth", data=b"0", headers=plain), timeout=10)
        for job, prefix, key, taken in cases:
            with tempfile.TemporaryDirectory() as folder:
                environment = {
                    "PATH": os.environ["PATH"],
                    "HOME": folder,
                    "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
                    "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
                    "DEFROST_NO_METADATA": "1",
                }
                verb = ["scan"] if job == "audit" else ["restore", "--days", "3"]
                line = [defrost, *verb, f"s3://{BUCKET}/{prefix}", "--region", "us-east-1", "--endpoint-url", url, "--report", "report.csv"]
                done = subprocess.run(line, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
                said = done.stderr.strip()
                if taken is None:
                    if done.returncode:
                        print(said, file=sys.stderr)
                    expect(f"exit code of {job} with the page's policy", done.returncode, 0)
                    with open(pathlib.Path(folder, "report.csv"), newline="", encoding="utf-8") as report:
                        did = {row["action"] for row in csv.DictReader(report)}
                    expect("its rows", did, {"none"} if job == "audit" else {"requested"})
                else:
                    expect(f"exit code of {job} on {prefix} without {taken}", done.returncode, 4)
                    expect(f"{taken} is named, as is AccessDenied", (taken in said, "AccessDenied" in said), (True, True))
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), sys.argv[2])
