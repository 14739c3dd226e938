"""The vendors' own clients against `defrost sim`: what our simulator says must be what they expect.

usage: clients.py PATH_TO_DEFROST

Each client lists every page, restores an archived object (202), restores it again (409), sees it run
and then ready by HEAD, and is refused with a wrong secret; that of OSS gives the copy back. Anything else ends with exit code 1.
"""

import pathlib
import re
import subprocess
import sys
import time

import alibabacloud_oss_v2 as oss_v2
import boto3
import botocore.config
import botocore.exceptions
import oss2
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosServiceError

ID, SECRET, WRONG = "interop", "interop-secret", "not-the-secret"
ODD, PLAIN = "one/a b+c%2Fd,ü.bin", "one/plain.bin"
LISTED = 1234 + 2
DEADLINE = 60


def expect(what, got, wanted):
    if got != wanted:
        raise SystemExit(f"{what}: got {got!r}, expected {wanted!r}")
    print(f"  {what}: {got!r}")


def check_listing(keys):
    expect("listed keys", len(keys), LISTED)
    expect("in key order", keys == sorted(keys, key=lambda key: key.encode()), True)
    expect("odd key is listed as itself", ODD in keys, True)


def until_ready(head):
    """Polls `head()` (the restore header) until the copy is ready; the store's clock runs fast."""
    running = head()
    expect("HEAD while running", 'ongoing-request="true"' in (running or ""), True)
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        mark = head() or ""
        if 'ongoing-request="false"' in mark:
            expect("HEAD when done names the expiry", re.search(r'expiry-date="[A-Z][a-z]{2}, .* GMT"', mark) is not None, True)
            return
        time.sleep(0.2)
    raise SystemExit("the restore was never ready")


class S3:
    name = f"boto3 {boto3.__version__}"

    def __init__(self, url, secret):
        self.client = boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id=ID, aws_secret_access_key=secret,
            config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )

    def keys(self):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket="interop-s3", PaginationConfig={"PageSize": 500})
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def versions(self):
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket="interop-s3", PaginationConfig={"PageSize": 500})
        return [entry["Key"] for page in pages for entry in page.get("Versions", [])]

    def restore(self, key):
        try:
            answer = self.client.restore_object(
                Bucket="interop-s3", Key=key, RestoreRequest={"Days": 3, "GlacierJobParameters": {"Tier": "Expedited"}}
            )
            return answer["ResponseMetadata"]["HTTPStatusCode"], None
        except botocore.exceptions.ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]

    def head(self, key):
        return self.client.head_object(Bucket="interop-s3", Key=key).get("Restore")

    def refusal(self):
        try:
            self.client.list_objects_v2(Bucket="interop-s3")
        except botocore.exceptions.ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]


class Oss2:
    name = f"oss2 {oss2.__version__}"

    def __init__(self, url, secret):
        auth = oss2.AuthV4(ID, secret)
        self.bucket = oss2.Bucket(auth, url, "interop-oss", region="cn-hangzhou")

    def keys(self):
        return [entry.key for entry in oss2.ObjectIteratorV2(self.bucket, max_keys=500)]

    def versions(self):
        keys, marker, version = [], "", ""
        while True:
            page = self.bucket.list_object_versions(key_marker=marker, versionid_marker=version, max_keys=500)
            keys += [entry.key for entry in page.versions]
            if not page.is_truncated:
                return keys
            marker, version = page.next_key_marker, page.next_versionid_marker

    def restore(self, key):
        wish = oss2.models.RestoreConfiguration(days=3, job_parameters=oss2.models.RestoreJobParameters("Expedited"))
        try:
            return self.bucket.restore_object(key, input=wish).status, None
        except oss2.exceptions.ServerError as error:
            return error.status, error.code

    def head(self, key):
        return self.bucket.head_object(key).headers.get("x-oss-restore")

    def refusal(self):
        try:
            self.bucket.list_objects_v2()
        except oss2.exceptions.ServerError as error:
            return error.status, error.code


class OssV2:
    name = f"alibabacloud-oss-v2 {oss_v2.__version__}"

    def __init__(self, url, secret):
        config = oss_v2.config.load_default()
        config.credentials_provider = oss_v2.credentials.StaticCredentialsProvider(ID, secret)
        config.region, config.endpoint, config.use_path_style = "cn-hangzhou", url, True
        config.retry_max_attempts = 1
        self.client = oss_v2.Client(config)

    def keys(self):
        pages = self.client.list_objects_v2_paginator().iter_page(oss_v2.ListObjectsV2Request(bucket="interop-oss", max_keys=500))
        return [entry.key for page in pages for entry in page.contents or []]

    def versions(self):
        pages = self.client.list_object_versions_paginator().iter_page(
            oss_v2.ListObjectVersionsRequest(bucket="interop-oss", max_keys=500)
        )
        return [entry.key for page in pages for entry in page.version or []]

    def restore(self, key):
        wish = oss_v2.RestoreRequest(days=3, job_parameters=oss_v2.JobParameters(tier="Expedited"))
        try:
            return self.client.restore_object(
                oss_v2.RestoreObjectRequest(bucket="interop-oss", key=key, restore_request=wish)
            ).status_code, None
        except oss_v2.exceptions.OperationError as error:
            cause = error.unwrap()
            return cause.status_code, cause.code

    def release(self, key):
        try:
            return self.client.clean_restored_object(
                oss_v2.CleanRestoredObjectRequest(bucket="interop-oss", key=key)
            ).status_code, None
        except oss_v2.exceptions.OperationError as error:
            cause = error.unwrap()
            return cause.status_code, cause.code

    def head(self, key):
        return self.client.head_object(oss_v2.HeadObjectRequest(bucket="interop-oss", key=key)).restore

    def refusal(self):
        try:
            self.client.list_objects_v2(oss_v2.ListObjectsV2Request(bucket="interop-oss"))
        except oss_v2.exceptions.OperationError as error:
            cause = error.unwrap()
            return cause.status_code, cause.code


class Cos:
    name = "cos-python-sdk-v5"

    def __init__(self, url, secret):
        address = url.removeprefix("http://")
        host, port = address.split(":")
        # The bucket stands in the Host header: virtual-host style.
        config = CosConfig(Region="ap-guangzhou", SecretId=ID, SecretKey=secret, Scheme="http", IP=host, Port=port)
        self.client = CosS3Client(config, retry=0)

    # Asked for no encoding, the SDK asks for `url` by itself and decodes; asked for it, it does not decode.
    def keys(self):
        keys, marker = [], ""
        while True:
            page = self.client.list_objects(Bucket="interop-1250000000", Marker=marker, MaxKeys=500)
            keys += [entry["Key"] for entry in page.get("Contents", [])]
            if page["IsTruncated"] == "false":
                return keys
            marker = page["NextMarker"]

    def versions(self):
        keys, marker, version = [], "", ""
        while True:
            page = self.client.list_objects_versions(
                Bucket="interop-1250000000", KeyMarker=marker, VersionIdMarker=version, MaxKeys=500
            )
            keys += [entry["Key"] for entry in page.get("Version", [])]
            if page["IsTruncated"] == "false":
                return keys
            marker, version = page["NextKeyMarker"], page.get("NextVersionIdMarker") or ""

    def restore(self, key):
        try:
            self.client.restore_object(
                Bucket="interop-1250000000", Key=key, RestoreRequest={"Days": 3, "CASJobParameters": {"Tier": "Expedited"}}
            )
            return 202, None
        except CosServiceError as error:
            return error.get_status_code(), error.get_error_code()

    def head(self, key):
        return self.client.head_object(Bucket="interop-1250000000", Key=key).get("x-cos-restore")

    def refusal(self):
        try:
            self.client.list_objects(Bucket="interop-1250000000")
        except CosServiceError as error:
            return error.get_status_code(), error.get_error_code()


def main(defrost):
    seed = pathlib.Path(__file__).with_name("seed.toml")
    for make in (S3, Oss2, OssV2, Cos):
        # A store of its own for each client: OSS is asked by two.
        sim = subprocess.Popen([defrost, "sim", str(seed), "--addr", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        try:
            url = None
            for line in sim.stdout:
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    url = found.group(0)
                    break
            if url is None:
                raise SystemExit("defrost sim ended before it named its address")
            print(make.name)
            client = make(url, SECRET)
            check_listing(client.keys())
            check_listing(client.versions())
            expect("no restore header before", client.head(ODD), None)
            expect("first restore", client.restore(ODD), (202, None))
            expect("second restore", client.restore(ODD), (409, "RestoreAlreadyInProgress"))
            if hasattr(client, "release"):
                expect("release while running", client.release(ODD), (409, "ArchiveRestoreNotFinished"))
            until_ready(lambda: client.head(ODD))
            if hasattr(client, "release"):
                expect("release when done", client.release(ODD), (200, None))
                expect("no restore header after", client.head(ODD), None)
                expect("release again", client.release(ODD), (409, "ArchiveRestoreFileStale"))
            status, code = client.restore(PLAIN)
            expect("restore of a standard object is refused", status >= 400 and code is not None, True)
            expect("wrong secret", make(url, WRONG).refusal(), (403, "SignatureDoesNotMatch"))
        finally:
            sim.terminate()
            sim.wait()


if __name__ == "__main__":
    main(sys.argv[1])
