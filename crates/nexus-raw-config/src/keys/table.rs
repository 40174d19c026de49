use super::{Key, Kind};

const fn text(
    name: &'static str,
    rule: &'static str,
    about: &'static str,
    example: &'static str,
) -> Key {
    Key {
        name,
        kind: Kind::Text,
        default: None,
        secret: false,
        rule,
        about,
        example,
    }
}

const fn integer(
    name: &'static str,
    default: &'static str,
    rule: &'static str,
    about: &'static str,
) -> Key {
    Key {
        name,
        kind: Kind::Integer,
        default: Some(default),
        secret: false,
        rule,
        about,
        example: default,
    }
}

const fn boolean(name: &'static str, about: &'static str) -> Key {
    Key {
        name,
        kind: Kind::Boolean,
        default: Some("false"),
        secret: false,
        rule: "true or false",
        about,
        example: "true",
    }
}

const fn list(
    name: &'static str,
    default: &'static str,
    rule: &'static str,
    about: &'static str,
    example: &'static str,
) -> Key {
    Key {
        name,
        kind: Kind::List,
        default: Some(default),
        secret: false,
        rule,
        about,
        example,
    }
}

impl Key {
    const fn or(self, default: &'static str) -> Self {
        Self {
            default: Some(default),
            ..self
        }
    }

    const fn secret(self) -> Self {
        Self {
            secret: true,
            ..self
        }
    }

    const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }
}

const ADDRESS: &str = "an IP address and a port, such as 127.0.0.1:8080";
const ONE_LINE: &str = "text of 1 to 255 bytes without control characters";
const CLAIM: &str = "a claim's name of 1 to 128 visible ASCII characters";
const TO_5_GIB: &str = "an integer from 1 to 5368709120";
const TO_7_DAYS: &str = "an integer from 1 to 604800";
const TO_AN_HOUR: &str = "an integer from 1 to 3600";
const HS256: &str = "text of 32 to 4096 bytes";

/// Every key, in the order in which it is printed and documented.
pub(crate) const KEYS: &[Key] = &[
    text("http.bind", ADDRESS, "Where the API listens. Port 0 takes a free one.", "0.0.0.0:8080").or("127.0.0.1:8080"),
    list(
        "http.cors_origins",
        "[]",
        "a list of up to 64 distinct origins such as https://app.example.com or capacitor://localhost, lower case, without a path or a default port; http only to loopback and names below localhost",
        "The origins whose pages may call the API from a browser, exactly. None: no answer tells anything of CORS.",
        r#"["https://app.example.com"]"#,
    ),
    list(
        "http.cors_headers",
        r#"["tracestate", "baggage", "sentry-trace"]"#,
        "a list of up to 32 distinct names of headers, of 1 to 64 characters each, without a pattern",
        "The headers that these pages may send, besides those that the API reads: what tracing libraries add to every call.",
        r#"["tracestate", "x-datadog-trace-id"]"#,
    ),
    integer(
        "http.drain_seconds",
        "0",
        "an integer from 0 to 300",
        "How long after SIGTERM the API is still served, while `/readyz` answers 503, before it stops listening. For Kubernetes.",
    )
    .example("10"),
    integer("http.request_timeout_seconds", "10", "an integer from 1 to 300", "How long a request may take, its body included.")
        .example("15"),
    integer("http.shutdown_timeout_seconds", "30", TO_AN_HOUR, "How long running requests may go on after SIGTERM.").example("60"),
    text(
        "storage.bucket",
        "a bucket name by AWS's rules (3 to 63 of a-z, 0-9, dot and hyphen)",
        "The bucket that holds the raw objects. Required.",
        "nexus-raw-prod",
    ),
    text("storage.region", "1 to 32 of a-z, 0-9 and hyphen", "The region of the bucket, as signatures name it. Required.", "eu-central-1"),
    text(
        "storage.endpoint",
        "an https URL of scheme, host and port (http only to loopback), without user, path or query, and not a metadata or unspecified address",
        "The S3 endpoint of a store other than AWS. Not in embedded mode.",
        "https://s3.example.com",
    ),
    boolean("storage.force_path_style", "Puts the bucket into the path instead of the host name; most stores other than AWS want it."),
    text(
        "storage.access_key_id",
        "1 to 128 visible ASCII characters without a slash",
        "With `storage.secret_access_key`; neither means the default chain of AWS.",
        "AKIAIOSFODNN7EXAMPLE",
    )
    .secret(),
    text(
        "storage.secret_access_key",
        "1 to 256 visible ASCII characters",
        "With `storage.access_key_id`.",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    )
    .secret(),
    integer("storage.presign_ttl_seconds", "900", TO_7_DAYS, "How long an upload URL lives.").example("600"),
    integer(
        "storage.intent_ttl_seconds",
        "86400",
        TO_7_DAYS,
        "How long a presigned asset may be uploaded and registered; never below `storage.presign_ttl_seconds`.",
    )
    .example("172800"),
    integer("storage.max_object_bytes", "5368709120", TO_5_GIB, "The largest asset; 5 GiB is what S3 takes in one PUT.")
        .example("1073741824"),
    integer(
        "storage.sync_hash_max_bytes",
        "67108864",
        TO_5_GIB,
        "On a store that takes wrong bytes: the largest object that registering waits for while the service hashes it. A larger one is `verification-pending` meanwhile.",
    )
    .example("16777216"),
    text("storage.expected_bucket_owner", "an AWS account id of 12 digits", "Refuses a bucket of another account.", "111122223333"),
    text("storage.sse", "none, s3 or kms", "The server-side encryption that uploads ask for.", "kms").or("none"),
    text(
        "storage.sse_kms_key_id",
        "a KMS key id or ARN of 1 to 2048 visible ASCII characters",
        "The key of `storage.sse = \"kms\"`, and only then.",
        "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    ),
    boolean("storage.require_versioning", "Refuses to start on a bucket without versioning (exit 78)."),
    boolean("storage.allow_unsigned_headers", "Starts on a store that lets an upload carry metadata that was not signed."),
    integer(
        "storage.startup_timeout_seconds",
        "30",
        TO_AN_HOUR,
        "How long an unreachable store or catalogue is tried before the start ends with exit 69.",
    )
    .example("120"),
    text(
        "catalog.url",
        "sqlite:PATH to a file, or a postgres:// URL",
        "Where metadata and events are kept: SQLite for one server, PostgreSQL for any number, with its schema made by `nexus-raw-server migrate`. Over a network PostgreSQL is spoken to by TLS and verified. Required.",
        "sqlite:/var/lib/nexus-raw/catalog.sqlite",
    )
    .secret(),
    integer(
        "catalog.max_connections",
        "10",
        "an integer from 1 to 1000",
        "How many connections to PostgreSQL at most, of each server; one of them is for writing, where there is more than one.",
    )
    .example("20"),
    text("identity.issuer", ONE_LINE, "What `iss` of a token must say. Required.", "https://login.example.com/"),
    text("identity.audience", ONE_LINE, "What `aud` of a token must name. Required.", "nexus-raw"),
    text(
        "identity.hs256_secret",
        HS256,
        "The secret of HS256 tokens. Exactly one of this, `identity.jwks_file` and `identity.jwks_url`.",
        "an-example-of-32-bytes-or-more-not-to-be-used",
    )
    .secret(),
    text(
        "identity.hs256_previous_secret",
        HS256,
        "The secret before the last rotation, still accepted. Only with `identity.hs256_secret`.",
        "an-example-of-an-older-secret-not-to-be-used",
    )
    .secret(),
    text("identity.jwks_file", "a path", "A JWKS with the public keys of tokens.", "/etc/nexus-raw/jwks.json"),
    text(
        "identity.jwks_url",
        "an https URL (http only to loopback) without user and fragment, and not a metadata or unspecified address",
        "Where the JWKS is fetched from.",
        "https://login.example.com/.well-known/jwks.json",
    ),
    text(
        "identity.algorithm",
        "HS256 with a secret, and RS256, ES256 or EdDSA with a JWKS",
        "The one algorithm of tokens. Required with a JWKS; HS256 with a secret.",
        "RS256",
    ),
    integer("identity.leeway_seconds", "60", "an integer from 0 to 60", "How far clocks may differ.").example("30"),
    integer("identity.max_lifetime_seconds", "86400", "an integer from 1 to 31536000", "The longest `exp - iat` of a token.").example("3600"),
    text("identity.tenant_ids_claim", CLAIM, "The claim that lists the caller's tenants.", "https://example.com/tenants").or("tenant_ids"),
    text("identity.role_map_claim", CLAIM, "The claim that gives the caller's role in each.", "https://example.com/roles").or("role_map"),
    list(
        "tenancy.environments",
        r#"["dev", "staging", "prod"]"#,
        "a list of 1 to 16 distinct names, each ^[a-z][a-z0-9-]{0,31}$",
        "The values of `X-Env`.",
        r#"["test", "live"]"#,
    ),
    integer(
        "limits.requests_per_second",
        "0",
        "an integer from 0 to 1000000",
        "Requests per second of each user in each tenant, over all environments and routes; 0 means no limit.",
    )
    .example("50"),
    integer(
        "limits.burst",
        "0",
        "an integer from 0 to 1000000",
        "How many may come at once; 0 means as many as a second allows. Only with `limits.requests_per_second`.",
    )
    .example("100"),
    list(
        "events.sinks",
        r#"["log"]"#,
        "a list of one or more of log, nats and http, each once",
        "Where dataset events are sent: `log` writes them on standard output, `nats` to the stream of `events.nats.url`, `http` posts them to `events.http.url`.",
        r#"["log", "http"]"#,
    ),
    integer("events.max_lag_seconds", "900", TO_7_DAYS, "An undelivered event older than this makes `/readyz` answer 503.").example("300"),
    text(
        "events.nats.url",
        "a tls:// URL (nats:// only to loopback) of host and port, with user:password@ or token@ where the server wants it, and not a metadata or unspecified address",
        "The NATS server with JetStream that events are sent to. Required with the sink `nats`, and only then.",
        "tls://nexus-raw:a-password-not-to-be-used@nats.example.com:4222",
    )
    .secret(),
    text(
        "events.nats.encoding",
        "cloudevents, cloudevents-binary, native or openlineage",
        "The form of the events that are sent to NATS.",
        "cloudevents",
    )
    .or("native"),
    text(
        "events.http.url",
        "an https URL (http only to loopback) without user and fragment, and not a metadata or unspecified address",
        "The receiver of events. Required with the sink `http`, and only then.",
        "https://hooks.example.com/nexus-raw",
    )
    .secret(),
    text(
        "events.http.encoding",
        "cloudevents, cloudevents-binary, native or openlineage",
        "The form of the events that are posted.",
        "openlineage",
    )
    .or("cloudevents"),
    text(
        "events.http.hmac_secret",
        HS256,
        "Signs each request with HMAC-SHA256, as Standard Webhooks has it. Only with the sink `http`.",
        "an-example-of-32-bytes-or-more-not-to-be-used-either",
    )
    .secret(),
    text("metrics.bind", ADDRESS, "Where `/metrics` is served to Prometheus, without a token: keep it private.", "127.0.0.1:9100").or("127.0.0.1:9464"),
    text("log.format", "json, terminal or auto", "How the log is written; `auto` is `terminal` on a terminal, else `json`.", "json").or("auto"),
    text("log.level", "error, warn, info, debug or trace", "The least level that is written.", "warn").or("info"),
    text("embedded.s3_bind", "a loopback IP address and a port", "Where the S3 server of embedded mode listens. Only there.", "127.0.0.1:9100"),
];
