"""What the document cannot say in JSON Schema, said to the generator of requests."""

import datetime
import itertools
import os
import re
import unicodedata

import schemathesis
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

REGISTERED = os.environ["NEXUS_RAW_REGISTERED"]
# of two uploads in parts, the second of which is aborted
UPLOADS = dict(zip(("parts", "upload"), os.environ["NEXUS_RAW_UPLOADS"].split()))
ASSET_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
KEY = re.compile(r"[!-~]{1,255}")
count = itertools.count()
repeats = itertools.count()
# separators, and what shows nothing although it counts as a letter or a mark
HIDDEN = "/\\\u034f\u115f\u1160\u17b4\u17b5"
INVISIBLE = {"Cc", "Cf", "Zl", "Zp"}


def at_most(size):
    """Text of so many bytes, where `maxLength` counts characters."""
    characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    return st.text(characters, max_size=size).filter(lambda it: len(it.encode()) <= size)


def is_shown(name):
    hidden = any(it in HIDDEN or unicodedata.category(it) in INVISIBLE for it in name)
    return name not in ("", ".", "..") and not name[0].isspace() and not (name[-1].isspace() or name[-1] == ".") and not hidden


def is_filename(name):
    folded = unicodedata.normalize("NFKC", name)
    whole = len(name.encode()) <= 255 and unicodedata.is_normalized("NFC", name)
    return whole and is_shown(name) and is_shown(folded)


# unassigned characters (Cn) are left out: this Python and the service may know other Unicodes
filenames = st.text(st.characters(exclude_categories=["Cs", "Cn", *INVISIBLE]), min_size=1, max_size=80)
# never ahead of now, and with room for the offset in the years 1 to 9999
instants = st.datetimes(datetime.datetime(1, 1, 3), datetime.datetime(2026, 1, 1))
offsets = st.sampled_from(["Z", "+00:00", "-00:00", "-07:30", "+14:00", "+23:59", "-23:59"])

# what hides or breaks a line is refused, also after folding
def is_visible(text):
    hidden = set(HIDDEN) - set("/\\")
    return not any(it in hidden or unicodedata.category(it) in INVISIBLE for it in text)


def visible(size):
    """Text of a fact, of so many bytes."""
    characters = st.characters(exclude_categories=["Cs", "Cn", *INVISIBLE])
    texts = st.text(characters, min_size=1, max_size=size)
    return texts.filter(
        lambda it: len(it.encode()) <= size and is_visible(it) and is_visible(unicodedata.normalize("NFKC", it))
    )


names = st.from_regex(
    r"[a-z0-9.-]{1,12}\+?|(?:DocumentRef-[a-z0-9]{1,5}:)?LicenseRef-[a-z0-9.]{1,9}|[A-Z]{4,9}-[0-9.]{1,4} WITH [a-z-]{1,9}",
    fullmatch=True,
)
licenses = st.recursive(
    names,
    lambda it: st.builds("{} {} {}".format, it, st.sampled_from(["AND", "OR"]), it) | st.builds("({})".format, it),
    max_leaves=4,
).filter(lambda it: len(it) <= 128)

sources = st.from_regex(
    r"(?:(?:https?|HTTPS|s3|gs|az|abfss|ftps?|sftp)://[a-z0-9.]{1,20}|file://|ipfs:|urn:x:|doi:10\.)"
    r"(?:/[a-z0-9._~@-]{1,12}){0,3}(?:\?[xyz]=[a-z0-9@]{0,8})?(?:#[xyz]{0,4})?",
    fullmatch=True,
)

schemathesis.openapi.format("nexus-source-uri", sources)
schemathesis.openapi.format("nexus-filename", filenames.filter(is_filename))
schemathesis.openapi.format("nexus-text-128", at_most(128))
schemathesis.openapi.format("nexus-text-256", at_most(256))
schemathesis.openapi.format("nexus-license", licenses)
for size in (128, 256, 512):
    schemathesis.openapi.format(f"nexus-visible-{size}", visible(size))
schemathesis.openapi.format("date-time", st.builds(lambda at, offset: at.isoformat() + offset, instants, offsets))


def as_sent(value):
    """JSON Schema takes 5.0 for an integer; the API takes digits alone, which no schema can say."""
    if isinstance(value, dict):
        return {name: as_sent(it) for name, it in value.items()}
    if isinstance(value, list):
        return [as_sent(it) for it in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def some_of_them(asset_id):
    """A random id names nothing: every second well-formed one becomes that of a registered asset."""
    if isinstance(asset_id, str) and ASSET_ID.fullmatch(asset_id) and asset_id[0] < "8":
        return REGISTERED
    return asset_id


def is_ahead(captured_at):
    """No schema can say that a time is not ahead of now."""
    return isinstance(captured_at, str) and captured_at[:4].isdecimal() and captured_at > "2026-01-02"


def distinct(parts):
    """No schema can say that the numbers of parts are distinct."""
    by_number = {}
    for part in parts:
        number = part.get("part_number") if isinstance(part, dict) else None
        if isinstance(number, bool) or not isinstance(number, int):
            return parts
        by_number.setdefault(number, part)
    return list(by_number.values())


@schemathesis.hook
def map_body(context, body):
    return of_assets(as_sent(body))


def of_assets(body):
    if isinstance(body, dict) and isinstance(body.get("items"), list):
        body["items"] = [of_assets(item) for item in body["items"]]
    if isinstance(body, dict):
        if "asset_id" in body:
            body["asset_id"] = some_of_them(body["asset_id"])
        if isinstance(body.get("parts"), list):
            body["parts"] = distinct(body["parts"])
        if is_ahead(body.get("captured_at")):
            # the generator tries times that it was answered, such as the end of a URL
            body["captured_at"] = "2008-10-22T16:28:39Z"
        if isinstance(body.get("value"), dict) and is_ahead(body["value"].get("scanned_at")):
            body["value"]["scanned_at"] = "2008-10-22T16:28:39Z"
    return body


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if path_parameters and "asset_id" in path_parameters:
        asset_id = some_of_them(path_parameters["asset_id"])
        if asset_id == REGISTERED:
            # what is registered has no parts
            asset_id = UPLOADS.get(context.operation.path.rsplit("/", 1)[-1], REGISTERED)
        path_parameters["asset_id"] = asset_id
    return path_parameters


@schemathesis.hook
def map_headers(context, headers):
    """The caller's right is in one tenant, and of the environments three are served."""
    for name, pattern, served in (
        ("X-Tenant-Id", r"t_[a-z0-9_-]{1,61}", "t_demo"),
        ("X-Env", r"[a-z][a-z0-9-]{0,31}", "dev"),
    ):
        if headers and isinstance(headers.get(name), str) and re.fullmatch(pattern, headers[name]):
            headers[name] = served
    # a key that comes again with another body is refused, as it must be
    if headers and isinstance(headers.get("Idempotency-Key"), str) and KEY.fullmatch(headers["Idempotency-Key"]):
        headers["Idempotency-Key"] = f"{headers['Idempotency-Key'][:240]}-{next(count)}"
    return headers


@schemathesis.hook
def map_case(context, case):
    """Every fourth registration that may be served is: the registered asset's own, said again."""
    body = case.body
    is_registered = isinstance(body, dict) and body.get("asset_id") == REGISTERED
    if is_registered and case.meta.generation.mode == GenerationMode.POSITIVE and next(repeats) % 4 == 0:
        case.body = {"asset_id": REGISTERED}
    if case.query and case.meta.generation.mode == GenerationMode.POSITIVE:
        # no schema can say which cursors are those of a list
        case.query.pop("cursor", None)
    return case


@schemathesis.hook
def before_call(context, case, kwargs):
    """The example of a key comes with each example of a body."""
    if case.headers and case.headers.get("Idempotency-Key") == "upload-1":
        case.headers["Idempotency-Key"] = f"upload-1-{next(count)}"
