"""The embedded S3 server, to which clients that others wrote upload in parts.

    s3_clients.py PROGRAM, which serves as crates/nexus-raw-embedded-s3/examples/serve.rs does
"""

import base64
import hashlib
import io
import os
import subprocess
import sys

import boto3
import obstore
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from obstore.store import S3Store

BUCKET, REGION = "raw", "us-east-1"
KEY_ID, SECRET = "AKIDEXAMPLE", "a secret for loopback alone"
PART_BYTES = 5 * 1024 * 1024
# three parts and a short one
CONTENT = os.urandom(3 * PART_BYTES + 1)
PARTS = [CONTENT[at:at + PART_BYTES] for at in range(0, len(CONTENT), PART_BYTES)]


def expect(found, wanted, what):
    """Ends the program where something is not as it must be."""
    if found != wanted:
        sys.exit(f"{what}: {found!r}, and it must be {wanted!r}")
    print(f"  {what}")


def sha256(content):
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def code(call, **arguments):
    """The error code of a call, or `done`."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"


def boto(endpoint):
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name=REGION,
        aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )
    transfer = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES)
    own = {"ChecksumAlgorithm": "SHA256"}
    client.upload_fileobj(io.BytesIO(CONTENT), BUCKET, "boto3", ExtraArgs=own, Config=transfer)
    head = client.head_object(Bucket=BUCKET, Key="boto3", ChecksumMode="ENABLED")
    digests = b"".join(hashlib.sha256(part).digest() for part in PARTS)
    expect(head["ChecksumSHA256"], f"{sha256(digests)}-4", "boto3 uploads in parts, with a composite checksum")
    got = io.BytesIO()
    client.download_fileobj(BUCKET, "boto3", got, Config=transfer)
    expect(got.getvalue() == CONTENT, True, "and downloads the same bytes")

    of = {"Bucket": BUCKET, "Key": "boto3"}
    upload = {**of, "UploadId": client.create_multipart_upload(**of, **own)["UploadId"]}
    part = {**upload, "PartNumber": 1, "ChecksumSHA256": sha256(PARTS[0])}
    expect(code(client.upload_part, **part, Body=PARTS[1]), "BadDigest", "other bytes of a part are refused")
    put = client.upload_part(**part, Body=PARTS[0])
    named = {"PartNumber": 1, "ETag": put["ETag"], "ChecksumSHA256": put["ChecksumSHA256"]}
    completion = {**upload, "IfNoneMatch": "*", "MultipartUpload": {"Parts": [named]}}
    expect(code(client.complete_multipart_upload, **completion), "PreconditionFailed", "no completion onto an object")
    listed = client.list_parts(**upload)["Parts"]
    expect([it["ChecksumSHA256"] for it in listed], [sha256(PARTS[0])], "the part is listed")
    client.abort_multipart_upload(**upload)
    expect(code(client.list_parts, **upload), "NoSuchUpload", "and is gone with its upload")
    # its default is CRC32, which is not there
    other = {**of, "ChecksumAlgorithm": "CRC32"}
    expect(code(client.create_multipart_upload, **other), "NotImplemented", "another checksum is refused")
    expect("Uploads" in client.list_multipart_uploads(Bucket=BUCKET), False, "no upload is left open")


def arrow(endpoint):
    store = S3Store(
        BUCKET, endpoint=endpoint, region=REGION, access_key_id=KEY_ID, secret_access_key=SECRET,
        checksum_algorithm="SHA256", client_options={"allow_http": True},
    )
    put = obstore.put(store, "obstore", CONTENT, use_multipart=True, chunk_size=PART_BYTES)
    expect(put["e_tag"][-3:], '-4"', "obstore uploads in parts")
    expect(obstore.get(store, "obstore").bytes() == CONTENT, True, "and downloads the same bytes")


def main(program):
    server = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        endpoint = server.stdout.readline().strip()
        boto(endpoint)
        arrow(endpoint)
        server.stdin.close()
        expect(server.wait(60), 0, "the server ends in order")
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
