"""The server on a store that takes wrong bytes and headers that nobody signed, from the outside.

    careless_store.py SERVER ENDPOINT ACCESS_KEY_ID SECRET_ACCESS_KEY
"""

import base64
import datetime
import functools
import hashlib
import hmac
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

BUCKET, REGION, TENANT = "nexus-raw", "us-east-1", "t_demo"
SECRET = "a secret of a soak test, of enough bytes"
PATIENCE_SECONDS = 60


def expect(found, wanted, what):
    """Ends the program where something is not as it must be."""
    if found != wanted:
        sys.exit(f"{what}: {found!r}, and it must be {wanted!r}")
    print(f"  {what}")


def send(method, url, headers, body=b""):
    """One request; status, headers and body of the answer."""
    parts = urllib.parse.urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request(method, target, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def hash_of(content):
    return hashlib.sha256(content).hexdigest()


def signed(endpoint, key_id, secret, method, path, query=""):
    """One request to the store, signed by Signature Version 4; status and body of the answer."""
    host = urllib.parse.urlsplit(endpoint).netloc
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{now[:8]}/{REGION}/s3/aws4_request"
    headers = {"host": host, "x-amz-content-sha256": hash_of(b""), "x-amz-date": now}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{hash_of(b'')}"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hash_of(request.encode())}"
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return send(method, f"{endpoint}{path}" + (f"?{query}" if query else ""), headers)[::2]


def token():
    def part(content):
        return base64.urlsafe_b64encode(content).rstrip(b"=")

    now = int(time.time())
    claims = {
        "iss": "https://issuer.example", "aud": "nexus-raw", "sub": "u_demo",
        "iat": now, "exp": now + 3600,
        "tenant_ids": [TENANT], "role_map": {TENANT: "owner"},
    }
    head = {"alg": "HS256", "typ": "JWT"}
    signed = b".".join(part(json.dumps(it).encode()) for it in (head, claims))
    return (signed + b"." + part(hmac.digest(SECRET.encode(), signed, "sha256"))).decode()


class Server:
    """The program, ready."""

    def __init__(self, program, environment, home):
        self.process = subprocess.Popen(
            [program], env=environment, cwd=home, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        self.levels = []
        for line in self.process.stderr:
            record = json.loads(line) if line.startswith("{") else {"msg": line}
            if record["msg"] == "listening":
                self.url = f"http://{record['http_address']}"
            elif record["msg"] == "integrity level selected":
                self.levels.append(record["integrity_level"])
            elif record["msg"] == "ready":
                return
        sys.exit(f"the server did not start: {record}")

    def call(self, method, path, body=None):
        headers = {"authorization": f"Bearer {token()}", "x-tenant-id": TENANT, "x-env": "dev"}
        if body is not None:
            headers["content-type"] = "application/json"
            body = json.dumps(body).encode()
        status, headers, content = send(method, f"{self.url}{path}", headers, body)
        return status, headers, json.loads(content) if content else None

    def presign(self, content):
        facts = {
            "filename": "photo.jpg", "content_type": "image/jpeg",
            "size_bytes": len(content), "sha256": hash_of(content),
        }
        status, _, presigned = self.call("POST", "/nexus/raw/presign-upload", facts)
        if status != 200:
            sys.exit(f"presign: {status} {presigned}")
        return presigned

    def presign_in_parts(self, content):
        """Promises the content in parts and declares them: the asset, and each upload with its bytes."""
        facts = {
            "filename": "photo.jpg", "content_type": "image/jpeg", "multipart": True,
            "size_bytes": len(content), "sha256": hash_of(content),
        }
        _, _, presigned = self.call("POST", "/nexus/raw/presign-upload", facts)
        size = presigned["upload"]["part_size_bytes"]
        cut = [content[at:at + size] for at in range(0, len(content), size)]
        expect(presigned["upload"]["part_count"], len(cut), "the content is cut")
        return presigned, self.declare(presigned, cut)

    def declare(self, presigned, cut):
        """Declares all parts; each upload with its bytes."""
        parts = [{"part_number": at, "sha256": hash_of(part)} for at, part in enumerate(cut, 1)]
        path = f"/nexus/raw/{presigned['asset_id']}/parts"
        status, _, declared = self.call("POST", path, {"parts": parts})
        expect(status, 200, "its parts are declared")
        return list(zip(declared["parts"], cut))

    def register(self, presigned):
        return self.call("POST", "/nexus/raw/register", {"asset_id": presigned["asset_id"]})

    def settled(self, presigned):
        """Registers until it is no longer pending; also whether it ever was."""
        until, pending = time.monotonic() + PATIENCE_SECONDS, False
        while time.monotonic() < until:
            status, headers, body = self.register(presigned)
            if body.get("code") != "verification-pending":
                return pending, status, body
            pending = headers["retry-after"] is not None
            time.sleep(0.2)
        sys.exit("it was never verified")


def put(presigned, content, **more):
    return put_to(presigned["upload"], content, **more)


def put_to(upload, content, **more):
    return send(upload["method"], upload["url"], {**upload["headers"], **more}, content)[0]


def main(program, endpoint, key_id, secret):
    store = functools.partial(signed, endpoint, key_id, secret)
    expect(store("PUT", f"/{BUCKET}"), (200, b""), "the bucket is made")
    environment = {
        "NEXUS_RAW_HTTP__BIND": "127.0.0.1:0",
        "NEXUS_RAW_METRICS__BIND": "127.0.0.1:0",
        "NEXUS_RAW_LOG__FORMAT": "json",
        "NEXUS_RAW_STORAGE__BUCKET": BUCKET,
        "NEXUS_RAW_STORAGE__REGION": REGION,
        "NEXUS_RAW_STORAGE__ENDPOINT": endpoint,
        "NEXUS_RAW_STORAGE__FORCE_PATH_STYLE": "true",
        "NEXUS_RAW_STORAGE__ACCESS_KEY_ID": key_id,
        "NEXUS_RAW_STORAGE__SECRET_ACCESS_KEY": secret,
        "NEXUS_RAW_STORAGE__SYNC_HASH_MAX_BYTES": str(1024 * 1024),
        "NEXUS_RAW_CATALOG__URL": "sqlite:catalog.sqlite",
        "NEXUS_RAW_IDENTITY__ISSUER": "https://issuer.example",
        "NEXUS_RAW_IDENTITY__AUDIENCE": "nexus-raw",
        "NEXUS_RAW_IDENTITY__HS256_SECRET": SECRET,
    }
    with tempfile.TemporaryDirectory() as home:
        refused = subprocess.run(
            [os.path.abspath(program)], env=environment, cwd=home, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
        )
        expect(refused.returncode, 78, "it does not start where unsigned headers are not allowed")
        expect("storage.allow_unsigned_headers" in refused.stderr, True, "and says what would")
        environment["NEXUS_RAW_STORAGE__ALLOW_UNSIGNED_HEADERS"] = "true"
        server = Server(os.path.abspath(program), environment, home)
        try:
            use(server)
            use_parts(server, store)
            server.process.send_signal(signal.SIGTERM)
            # what it still says must not hold it up
            server.process.stderr.read()
            expect(server.process.wait(), 0, "it ends in order")
        finally:
            server.process.kill()
            server.process.wait()


def use(server):
    expect(server.levels, ["stream_sha256"], "it says once that it reads what it registers")
    content = os.urandom(100_000)
    forged = bytes([content[0] ^ 1]) + content[1:]

    presigned = server.presign(content)
    expect(put(presigned, content), 200, "the promised bytes are stored")
    expect(put(presigned, content), 412, "once")
    status, _, record = server.register(presigned)
    expect((status, record["integrity"]["level"]), (201, "stream_sha256"), "read and registered")
    path = f"/nexus/raw/{presigned['asset_id']}"
    expect(server.call("GET", path)[::2], (200, record), "and found as such")
    status, _, repeated = server.register(presigned)
    expect((status, repeated), (200, record), "a repeat gets the same record")
    events = server.call("GET", f"{path}/events")[2]["events"]
    types = [event["event_type"] for event in events]
    expect(types, ["raw_asset_presigned", "raw_asset_registered"], "and both events")

    presigned = server.presign(content)
    expect(put(presigned, forged), 200, "the store takes other bytes")
    status, _, body = server.register(presigned)
    expect((status, body["code"]), (422, "object-mismatch"), "and they are not registered")
    expect(body["errors"][0]["pointer"], "/sha256", "for their digest")
    path = f"/nexus/raw/{presigned['asset_id']}"
    expect(server.call("GET", path)[0], 404, "there is no record")
    expect(len(server.call("GET", f"{path}/events")[2]["events"]), 1, "and no event")

    presigned = server.presign(content)
    expect(put(presigned, content, **{"x-amz-meta-note": "unsigned"}), 200, "the store takes a header that nobody signed")
    status, _, body = server.register(presigned)
    expect((status, body["code"]), (422, "object-mismatch"), "and the object is not registered")

    large = os.urandom(16 * 1024 * 1024)
    presigned = server.presign(large)
    expect(put(presigned, large), 200, "a large object is stored")
    pending, status, record = server.settled(presigned)
    expect((pending, status), (True, 201), "read while nobody waits, and registered")
    presigned = server.presign(large)
    expect(put(presigned, large[:-1] + bytes([large[-1] ^ 1])), 200, "a large forgery is stored")
    pending, status, body = server.settled(presigned)
    expect((pending, status, body["code"]), (True, 422, "object-mismatch"), "and is found out")


def use_parts(server, store):
    content = os.urandom(9 * 1024 * 1024)
    presigned, parts = server.presign_in_parts(content)
    path = f"/nexus/raw/{presigned['asset_id']}"
    for upload, part in parts[:1]:
        expect(put_to(upload, part), 200, "a part is stored")
    status, _, body = server.register(presigned)
    named = [error["pointer"] for error in body["errors"]]
    expect((status, named), (409, ["/parts/2"]), "the other one is missing")
    for upload, part in parts[1:]:
        expect(put_to(upload, part), 200, "it is stored")
    held = server.call("GET", f"{path}/parts")[2]["parts"]
    expect([part["sha256"] for part in held], [hash_of(part) for _, part in parts], "both are listed")
    _, status, record = server.settled(presigned)
    integrity = record["integrity"]["level"], record["integrity"]["parts"]
    expect((status, integrity), (201, ("stream_sha256", 2)), "completed, read and registered")
    status, _, repeated = server.register(presigned)
    expect((status, repeated), (200, record), "a repeat gets the same record")

    presigned, [(first, one), (second, two)] = server.presign_in_parts(content)
    forged = bytes([two[0] ^ 1]) + two[1:]
    expect((put_to(first, one), put_to(second, forged)), (200, 200), "the store takes other bytes of a part")
    _, status, body = server.settled(presigned)
    expect((status, body["code"]), (422, "object-mismatch"), "and they are not registered")

    presigned, [(upload, part), _] = server.presign_in_parts(content)
    expect(put_to(upload, part), 200, "a part is stored")
    path = f"/nexus/raw/{presigned['asset_id']}/upload"
    expect([server.call("DELETE", path)[0] for _ in range(2)], [204, 204], "an upload is aborted, twice")
    expect(put_to(upload, part), 404, "and takes no part any more")
    status, _, body = server.register(presigned)
    expect((status, body["code"]), (410, "upload-expired"), "and is not registered")

    presigned, parts = server.presign_in_parts(content)
    expect(put_to(*parts[0]), 200, "a part is stored")
    url = urllib.parse.urlsplit(parts[0][0]["url"])
    upload_id = urllib.parse.parse_qs(url.query)["uploadId"][0]
    ended = store("DELETE", url.path, f"uploadId={urllib.parse.quote(upload_id, safe='~')}")
    expect(ended, (204, b""), "the store forgets an upload")
    held = server.call("GET", f"/nexus/raw/{presigned['asset_id']}/parts")[::2]
    expect(held, (200, {"parts": []}), "none of its parts is there")
    named = [error["pointer"] for error in server.settled(presigned)[2]["errors"]]
    expect(named, ["/parts/1", "/parts/2"], "register says so, and begins it again")
    again = server.declare(presigned, [part for _, part in parts])
    expect([put_to(*part) for part in again], [200, 200], "they are stored")
    expect(server.settled(presigned)[1], 201, "and registered")


if __name__ == "__main__":
    main(*sys.argv[1:])
