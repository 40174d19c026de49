//! The house under test: the program with a store and a catalogue, which each test binary names in
//! its `HOUSE`. The tests are the same for every house.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use nexus_raw::tenancy::Role;
use nexus_raw_config::{EMBEDDED_AUDIENCE, EMBEDDED_ISSUER, EmbeddedMode};
use nexus_raw_testkit::{Database, Postgres, SeaweedFs, contract::s3::set_cors_rule, s3::Endpoint};
use secrecy::ExposeSecret;

use crate::{
    HOUSE,
    caller::Caller,
    machine::{Machine, Server},
};

/// Where objects and metadata go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) catalogue: Catalogue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// The one of embedded mode, in the server's process.
    Embedded,
    /// SeaweedFS, which the tests of a process share; each has its own bucket.
    SeaweedFs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Catalogue {
    /// A file of the house.
    Sqlite,
    /// PostgreSQL, which the tests of a process share; each has its own database.
    Postgres,
}

/// A house of its own for one test, and no server in it yet.
pub(crate) struct House {
    pub(crate) machine: Machine,
    bucket: String,
    seaweedfs: Option<Arc<SeaweedFs>>,
    /// With the server that has it.
    database: Option<(Database, Arc<Postgres>)>,
}

impl House {
    pub(crate) fn open() -> Self {
        let machine = Machine::new();
        let seaweedfs = (HOUSE.store == Store::SeaweedFs).then(SeaweedFs::shared);
        let bucket = match &seaweedfs {
            None => "nexus-raw".to_owned(),
            Some(store) => {
                // makes the secret that tokens are signed with
                EmbeddedMode::prepare(&machine.data_dir()).unwrap();
                new_bucket(&store.s3())
            }
        };
        let database = (HOUSE.catalogue == Catalogue::Postgres).then(|| {
            let server = Postgres::shared();
            (server.database(), server)
        });
        let house = Self {
            machine,
            bucket,
            seaweedfs,
            database,
        };
        house.migrate();
        house
    }

    /// Makes the schema; on SQLite serving does so by itself.
    fn migrate(&self) {
        if HOUSE.catalogue == Catalogue::Sqlite {
            return;
        }
        let migrated = self.program().arg("migrate").output().unwrap();
        let told = String::from_utf8_lossy(&migrated.stderr);
        assert!(migrated.status.success(), "not migrated: {told}");
    }

    pub(crate) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The program, configured for the house.
    pub(crate) fn program(&self) -> Command {
        let Some(store) = &self.seaweedfs else {
            return self.machine.embedded();
        };
        let mode = EmbeddedMode::open_existing(&self.machine.data_dir()).unwrap();
        let catalogue = match &self.database {
            None => "sqlite:catalog.sqlite",
            Some((database, _)) => &database.url,
        };
        let mut program = self.machine.program();
        program.envs([
            ("NEXUS_RAW_STORAGE__BUCKET", self.bucket()),
            ("NEXUS_RAW_STORAGE__REGION", SeaweedFs::REGION),
            ("NEXUS_RAW_STORAGE__ENDPOINT", &store.endpoint()),
            ("NEXUS_RAW_STORAGE__FORCE_PATH_STYLE", "true"),
            ("NEXUS_RAW_STORAGE__ACCESS_KEY_ID", SeaweedFs::ACCESS_KEY_ID),
            (
                "NEXUS_RAW_STORAGE__SECRET_ACCESS_KEY",
                SeaweedFs::SECRET_ACCESS_KEY,
            ),
            ("NEXUS_RAW_CATALOG__URL", catalogue),
            ("NEXUS_RAW_IDENTITY__ISSUER", EMBEDDED_ISSUER),
            ("NEXUS_RAW_IDENTITY__AUDIENCE", EMBEDDED_AUDIENCE),
            (
                "NEXUS_RAW_IDENTITY__HS256_SECRET",
                mode.secrets().hs256_secret.expose_secret(),
            ),
        ]);
        program
    }

    /// Starts the program, and waits until it is ready.
    pub(crate) fn start(&self) -> Server {
        self.start_with(&[])
    }

    /// The same with some keys set, named as variables without `NEXUS_RAW_`.
    pub(crate) fn start_with(&self, settings: &[(&str, &str)]) -> Server {
        let mut program = self.program();
        for (name, value) in settings {
            program.env(format!("NEXUS_RAW_{name}"), value);
        }
        Machine::start_by(&mut program)
    }

    pub(crate) fn owner_of(&self, tenant: &'static str, server: &Server) -> Caller {
        Caller::owner_of(tenant, &self.machine, server)
    }

    pub(crate) fn caller(&self, tenant: &'static str, role: Role, server: &Server) -> Caller {
        Caller::with_role(tenant, role, &self.machine, server)
    }

    /// Gives the bucket the CORS rule for pages of `origin`; in embedded mode the server has it by
    /// itself.
    pub(crate) fn let_pages_upload(&self, origin: &str) {
        if let Some(store) = &self.seaweedfs {
            let set = set_cors_rule(&store.s3(), self.bucket(), origin);
            assert_eq!(set.error(), (200, String::new()));
        }
    }

    /// The store behind the service's back, with a key pair that may do anything.
    pub(crate) fn store(&self, server: &Server) -> Endpoint {
        if let Some(store) = &self.seaweedfs {
            return store.s3();
        }
        let mode = EmbeddedMode::open_existing(&self.machine.data_dir()).unwrap();
        let secrets = mode.secrets();
        Endpoint::at(
            server.s3_endpoint.as_deref().unwrap(),
            SeaweedFs::REGION,
            secrets.s3_access_key_id.expose_secret(),
            secrets.s3_secret_access_key.expose_secret(),
        )
    }
}

/// Makes a bucket that no other test of the process has.
fn new_bucket(store: &Endpoint) -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let bucket = format!("nexus-raw-{}", MADE.fetch_add(1, Ordering::Relaxed));
    let made = store.signed("PUT", &format!("/{bucket}"), &[], b"");
    assert_eq!(made.error(), (200, String::new()));
    bucket
}
