//! The plan. A new crate, edge or heavy library fails the test until it is listed here.

/// What the house is meant to be.
pub(crate) struct Plan {
    /// Every package of the workspace.
    pub(crate) rooms: &'static [Room],
    /// Libraries of which few crates may know.
    pub(crate) owned: &'static [Owned],
    /// Libraries that do I/O, log, or run things: none of them in or beneath the domain.
    pub(crate) outside_the_domain: &'static [&'static str],
    /// The package that everything may depend on, and that depends on none.
    pub(crate) domain: &'static str,
    /// Packages that know nothing of the product, which adapters may use as they use libraries.
    pub(crate) tools: &'static [&'static str],
    /// The package that only tests may depend on.
    pub(crate) testkit: &'static str,
}

/// Where a package lives and which packages of the workspace it may know.
pub(crate) struct Room {
    pub(crate) package: &'static str,
    /// `crates` or `apps`; the directory in it is named like the package.
    pub(crate) floor: &'static str,
    /// As normal or build dependencies; its tests may use them too.
    pub(crate) uses: &'static [&'static str],
    /// Besides, as dev-dependencies.
    pub(crate) tests_with: &'static [&'static str],
}

/// A library, or with a trailing `*` a family of them, and the packages that may depend on it.
pub(crate) struct Owned {
    pub(crate) library: &'static str,
    pub(crate) owners: &'static [&'static str],
    /// Packages whose tests need it as a peer, not as a part.
    pub(crate) tests_of: &'static [&'static str],
}

const fn room(
    floor: &'static str,
    package: &'static str,
    uses: &'static [&'static str],
    tests_with: &'static [&'static str],
) -> Room {
    Room {
        package,
        floor,
        uses,
        tests_with,
    }
}

const fn owned(library: &'static str, owners: &'static [&'static str]) -> Owned {
    Owned {
        library,
        owners,
        tests_of: &[],
    }
}

const TESTKIT: &str = "nexus-raw-testkit";

pub(crate) const PLAN: Plan = Plan {
    rooms: &[
        // two that know nothing of the product
        room("crates", "actix-gated-stream", &[], &[]),
        room("crates", "strict-json", &[], &[]),
        room("crates", "nexus-raw", &[], &[TESTKIT]),
        room(
            "crates",
            "nexus-raw-catalog-sql",
            &["nexus-raw"],
            &[TESTKIT],
        ),
        room("crates", "nexus-raw-config", &["nexus-raw"], &[TESTKIT]),
        room("crates", "nexus-raw-embedded-s3", &[], &[TESTKIT]),
        room("crates", "nexus-raw-events", &["nexus-raw"], &[TESTKIT]),
        room("crates", "nexus-raw-hasher", &["nexus-raw"], &[TESTKIT]),
        room(
            "crates",
            "nexus-raw-identity-jwt",
            &["nexus-raw", "strict-json"],
            &[TESTKIT],
        ),
        // the storage adapter is tested on the embedded server as well as on SeaweedFS
        room(
            "crates",
            "nexus-raw-storage-s3",
            &["nexus-raw"],
            &["nexus-raw-embedded-s3", TESTKIT],
        ),
        room("crates", TESTKIT, &["nexus-raw"], &[]),
        room("crates", "nexus-raw-upkeep", &["nexus-raw"], &[TESTKIT]),
        room(
            "apps",
            "nexus-raw-server",
            &[
                "actix-gated-stream",
                "nexus-raw",
                "nexus-raw-catalog-sql",
                "nexus-raw-config",
                "nexus-raw-embedded-s3",
                "nexus-raw-events",
                "nexus-raw-hasher",
                "nexus-raw-identity-jwt",
                "nexus-raw-storage-s3",
                "nexus-raw-upkeep",
                "strict-json",
            ],
            &[TESTKIT],
        ),
        // `nexus-raw token` signs with the adapter that verifies
        room(
            "apps",
            "nexus-raw-cli",
            &["nexus-raw", "nexus-raw-config", "nexus-raw-identity-jwt"],
            &[TESTKIT],
        ),
    ],
    owned: &[
        owned("actix-*", &["actix-gated-stream", "nexus-raw-server"]),
        owned("actix-http", &["actix-gated-stream"]),
        owned("actix-service", &["actix-gated-stream"]),
        // the server's tests read the messages of a stream
        owned("async-nats", &["nexus-raw-events", "nexus-raw-server"]),
        owned("aws-config", &["nexus-raw-storage-s3"]),
        owned("aws-credential-types", &["nexus-raw-storage-s3"]),
        owned("aws-lc-*", &["nexus-raw-identity-jwt"]),
        owned("aws-s*", &["nexus-raw-storage-s3"]),
        owned("figment", &["nexus-raw-config"]),
        owned("governor", &["nexus-raw-server"]),
        owned("jsonwebtoken", &["nexus-raw-identity-jwt"]),
        owned("maud", &["nexus-raw-server"]),
        owned("prometheus-client*", &["nexus-raw-server"]),
        // the work file of a reconciliation
        owned("rusqlite*", &["nexus-raw-catalog-sql", "nexus-raw-upkeep"]),
        owned("s3s*", &["nexus-raw-embedded-s3"]),
        // the hasher's work outlives the calls that could report it
        owned(
            "slog*",
            &["nexus-raw-events", "nexus-raw-hasher", "nexus-raw-server"],
        ),
        owned("sqlx*", &["nexus-raw-catalog-sql"]),
        owned("validator*", &["nexus-raw-config"]),
    ],
    outside_the_domain: &[
        "actix-*",
        "async-std",
        "aws-*",
        "config",
        "figment",
        "hyper*",
        "jsonwebtoken",
        "log",
        "mio",
        "reqwest",
        "rusqlite*",
        "rustls*",
        "s3s*",
        "slog*",
        "smol",
        "socket2",
        "sqlx*",
        "tokio*",
        "tracing*",
    ],
    domain: "nexus-raw",
    tools: &["strict-json"],
    testkit: TESTKIT,
};
