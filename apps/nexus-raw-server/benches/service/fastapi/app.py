"""What users would write instead of the service: presign and register, with FastAPI and boto3.

It checks an HS256 token and the caller's role, signs a PUT of one content, and asks the store for an
uploaded object. It keeps no intent and no record, and writes no event.
"""

import base64
import os
import re
import uuid
from datetime import datetime, timezone
from typing import Annotated

import boto3
import jwt
from botocore.config import Config
from botocore.exceptions import ClientError
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, ConfigDict, Field

BUCKET = os.environ["BENCH_BUCKET"]
SECRET = os.environ["BENCH_TOKEN_SECRET"]
ISSUER = os.environ["BENCH_TOKEN_ISSUER"]
AUDIENCE = os.environ["BENCH_TOKEN_AUDIENCE"]
EXPIRES_IN = 900
TENANT = re.compile(r"t_[a-z0-9_-]{1,61}")

# one client for all requests of a process: to make one takes far longer than to use it
s3 = boto3.client(
    "s3",
    endpoint_url=os.environ["BENCH_ENDPOINT"],
    region_name="us-east-1",
    aws_access_key_id=os.environ["BENCH_ACCESS_KEY_ID"],
    aws_secret_access_key=os.environ["BENCH_SECRET_ACCESS_KEY"],
    config=Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        max_pool_connections=64,
    ),
)
app = FastAPI(openapi_url=None)


class Scope(BaseModel):
    tenant: str
    env: str
    user: str


def scope(
    authorization: Annotated[str, Header()],
    x_tenant_id: Annotated[str, Header()],
    x_env: Annotated[str, Header()],
) -> Scope:
    kind, _, token = authorization.partition(" ")
    try:
        claims = jwt.decode(
            token,
            SECRET,
            algorithms=["HS256"],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except jwt.InvalidTokenError:
        raise HTTPException(401) from None
    if kind.lower() != "bearer":
        raise HTTPException(401)
    if not TENANT.fullmatch(x_tenant_id) or x_env not in ("dev", "staging", "prod"):
        raise HTTPException(400)
    is_member = x_tenant_id in claims.get("tenant_ids", [])
    if not is_member or claims.get("role_map", {}).get(x_tenant_id) not in ("owner", "admin"):
        raise HTTPException(403)
    return Scope(tenant=x_tenant_id, env=x_env, user=claims["sub"])


async def scope_at_once(
    authorization: Annotated[str, Header()],
    x_tenant_id: Annotated[str, Header()],
    x_env: Annotated[str, Header()],
) -> Scope:
    """The same without a hop to another thread."""
    return scope(authorization, x_tenant_id, x_env)


class Promise(BaseModel):
    model_config = ConfigDict(extra="forbid")
    filename: str = Field(min_length=1, max_length=255, pattern=r"^[^/\\]+$")
    content_type: str = Field(default="application/octet-stream", max_length=127)
    size_bytes: int = Field(ge=0, le=5 * 1024**3)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


# signing takes no I/O, so it needs no thread of its own
@app.post("/nexus/raw/presign-upload")
async def presign_upload(promise: Promise, scope: Annotated[Scope, Depends(scope_at_once)]):
    asset_id = str(uuid.uuid4())
    key = f"tenants/{scope.tenant}/{scope.env}/raw/{asset_id}/{promise.filename}"
    checksum = base64.b64encode(bytes.fromhex(promise.sha256)).decode()
    metadata = {"tenant-id": scope.tenant, "env": scope.env, "asset-id": asset_id}
    now = datetime.now(timezone.utc).timestamp()
    url = s3.generate_presigned_url(
        "put_object",
        Params={
            "Bucket": BUCKET,
            "Key": key,
            "ContentType": promise.content_type,
            "ContentLength": promise.size_bytes,
            "ChecksumSHA256": checksum,
            "IfNoneMatch": "*",
            "Metadata": metadata,
        },
        ExpiresIn=EXPIRES_IN,
    )
    return {
        "asset_id": asset_id,
        "uri": f"s3://{BUCKET}/{key}",
        "upload": {
            "kind": "single",
            "method": "PUT",
            "url": url,
            "headers": {
                "content-type": promise.content_type,
                "if-none-match": "*",
                "x-amz-checksum-sha256": checksum,
                **{f"x-amz-meta-{name}": value for name, value in metadata.items()},
            },
            "expires_at": datetime.fromtimestamp(now + EXPIRES_IN, timezone.utc),
        },
    }


class Statement(BaseModel):
    model_config = ConfigDict(extra="forbid")
    asset_id: uuid.UUID
    filename: str = Field(min_length=1, max_length=255, pattern=r"^[^/\\]+$")
    captured_at: datetime | None = None
    capture_location: dict[str, float] | None = None
    pii_flags: list[str] = []
    train_ok: bool = False
    labels: dict[str, str] = {}


# boto3 waits for the store, so FastAPI runs this in its pool of threads
@app.post("/nexus/raw/register", status_code=201)
def register(statement: Statement, scope: Annotated[Scope, Depends(scope)]):
    key = f"tenants/{scope.tenant}/{scope.env}/raw/{statement.asset_id}/{statement.filename}"
    try:
        head = s3.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")
    except ClientError:
        raise HTTPException(409) from None
    return {
        **statement.model_dump(),
        "uri": f"s3://{BUCKET}/{key}",
        "content_type": head["ContentType"],
        "size_bytes": head["ContentLength"],
        "sha256": base64.b64decode(head["ChecksumSHA256"]).hex(),
        "registered_by": scope.user,
        "imported_at": datetime.now(timezone.utc),
        "integrity": {"level": "s3_sha256", "etag": head["ETag"]},
    }
