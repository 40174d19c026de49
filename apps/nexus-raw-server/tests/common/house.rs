//! A house is the program with a store and a catalogue. The tests of what a caller meets are the same
//! for every house.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use nexus_raw::tenancy::Role;
use nexus_raw_config::{EMBEDDED_AUDIENCE, EMBEDDED_ISSUER, EmbeddedMode};
use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, EmbeddedS3Handle, Settings};
use nexus_raw_testkit::{Database, Postgres, SeaweedFs, contract::s3::set_cors_rule, s3::Endpoint};
use secrecy::ExposeSecret;

use super::{
    caller::Caller,
    machine::{Machine, Server},
};

/// A house of its own for one test, and no server in it yet.
pub(crate) trait House {
    fn open() -> Self;

    fn machine(&self) -> &Machine;

    /// The program, configured for the house.
    fn program(&self) -> Command;

    /// SeaweedFS, where that is the store.
    fn seaweedfs(&self) -> Option<&SeaweedFs>;

    fn bucket(&self) -> &str;

    /// The catalogue, which no running server of the house has.
    fn catalog_url(&self) -> String {
        let directory = self.machine().data_dir();
        let file = match self.seaweedfs() {
            Some(_) => directory.with_file_name("catalog.sqlite"),
            None => directory.join("catalog.sqlite"),
        };
        format!("sqlite:{}", file.display())
    }

    /// Starts the program, and waits until it is ready.
    fn start(&self) -> Server {
        self.start_with(&[])
    }

    /// The same with some keys set, named as variables without `NEXUS_RAW_`.
    fn start_with(&self, settings: &[(&str, &str)]) -> Server {
        let mut program = self.program();
        for (name, value) in settings {
            program.env(format!("NEXUS_RAW_{name}"), value);
        }
        Machine::start_by(&mut program)
    }

    fn owner_of(&self, tenant: &'static str, server: &Server) -> Caller {
        Caller::owner_of(tenant, self.machine(), server)
    }

    fn caller(&self, tenant: &'static str, role: Role, server: &Server) -> Caller {
        Caller::with_role(tenant, role, self.machine(), server)
    }

    /// Gives the bucket the CORS rule for pages of `origin`; in embedded mode the server has it by
    /// itself.
    fn let_pages_upload(&self, origin: &str) {
        if let Some(store) = self.seaweedfs() {
            let set = set_cors_rule(&store.s3(), self.bucket(), origin);
            assert_eq!(set.error(), (200, String::new()));
        }
    }

    /// The store behind the service's back, with a key pair that may do anything.
    fn store(&self, server: &Server) -> Endpoint {
        match self.seaweedfs() {
            Some(store) => store.s3(),
            None => self.machine().store(server),
        }
    }

    /// The same without a server. That of embedded mode is started, and runs as long as its handle exists.
    fn store_alone(&self) -> (Endpoint, Option<EmbeddedS3Handle>) {
        if let Some(store) = self.seaweedfs() {
            return (store.s3(), None);
        }
        let directory = self.machine().data_dir();
        let mode = EmbeddedMode::open_existing(&directory).unwrap();
        let keys = mode.secrets();
        let id = keys.s3_access_key_id.expose_secret();
        let secret = keys.s3_secret_access_key.expose_secret();
        let credentials = Credentials {
            access_key_id: id.to_owned(),
            secret_access_key: secret.into(),
        };
        let settings = Settings::new(directory.join("s3"), credentials).with_region("us-east-1");
        let started = EmbeddedS3::start(&settings).unwrap();
        let endpoint = Endpoint::at(&started.endpoint(), "us-east-1", id, secret);
        (endpoint, Some(started))
    }
}

/// Embedded mode: the S3 server in the process, and SQLite.
pub(crate) struct Embedded(Machine);

impl House for Embedded {
    fn open() -> Self {
        Self(Machine::new())
    }

    fn machine(&self) -> &Machine {
        &self.0
    }

    fn program(&self) -> Command {
        self.0.embedded()
    }

    fn seaweedfs(&self) -> Option<&SeaweedFs> {
        None
    }

    fn bucket(&self) -> &'static str {
        "nexus-raw"
    }
}

/// SeaweedFS, which the tests of a process share, with a bucket of its own; and SQLite.
pub(crate) struct OnSeaweedFs {
    machine: Machine,
    store: Arc<SeaweedFs>,
    bucket: String,
}

impl House for OnSeaweedFs {
    fn open() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let (machine, store) = (Machine::new(), SeaweedFs::shared());
        // makes the secret that tokens are signed with
        EmbeddedMode::prepare(&machine.data_dir()).unwrap();
        let bucket = format!("nexus-raw-{}", MADE.fetch_add(1, Ordering::Relaxed));
        let made = store.s3().signed("PUT", &format!("/{bucket}"), &[], b"");
        assert_eq!(made.error(), (200, String::new()));
        Self {
            machine,
            store,
            bucket,
        }
    }

    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn program(&self) -> Command {
        let mode = EmbeddedMode::open_existing(&self.machine.data_dir()).unwrap();
        let mut program = self.machine.program();
        program.envs([
            ("NEXUS_RAW_STORAGE__BUCKET", self.bucket()),
            ("NEXUS_RAW_STORAGE__REGION", SeaweedFs::REGION),
            ("NEXUS_RAW_STORAGE__ENDPOINT", &self.store.endpoint()),
            ("NEXUS_RAW_STORAGE__FORCE_PATH_STYLE", "true"),
            ("NEXUS_RAW_STORAGE__ACCESS_KEY_ID", SeaweedFs::ACCESS_KEY_ID),
            (
                "NEXUS_RAW_STORAGE__SECRET_ACCESS_KEY",
                SeaweedFs::SECRET_ACCESS_KEY,
            ),
            ("NEXUS_RAW_CATALOG__URL", "sqlite:catalog.sqlite"),
            ("NEXUS_RAW_IDENTITY__ISSUER", EMBEDDED_ISSUER),
            ("NEXUS_RAW_IDENTITY__AUDIENCE", EMBEDDED_AUDIENCE),
            (
                "NEXUS_RAW_IDENTITY__HS256_SECRET",
                mode.secrets().hs256_secret.expose_secret(),
            ),
        ]);
        program
    }

    fn seaweedfs(&self) -> Option<&SeaweedFs> {
        Some(&self.store)
    }

    fn bucket(&self) -> &str {
        &self.bucket
    }
}

/// SeaweedFS, and PostgreSQL, which the tests of a process share, with a database of its own.
pub(crate) struct OnPostgres {
    on: OnSeaweedFs,
    database: Database,
    /// It runs as long as the house exists.
    _server: Arc<Postgres>,
}

impl OnPostgres {
    /// Returns its database.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }
}

impl House for OnPostgres {
    fn open() -> Self {
        let server = Postgres::shared();
        let house = Self {
            on: OnSeaweedFs::open(),
            database: server.database(),
            _server: server,
        };
        let migrated = house.program().arg("migrate").output().unwrap();
        let stderr = String::from_utf8_lossy(&migrated.stderr);
        assert!(migrated.status.success(), "not migrated: {stderr}");
        house
    }

    fn machine(&self) -> &Machine {
        self.on.machine()
    }

    fn program(&self) -> Command {
        let mut program = self.on.program();
        program.env("NEXUS_RAW_CATALOG__URL", &self.database.url);
        program
    }

    fn seaweedfs(&self) -> Option<&SeaweedFs> {
        self.on.seaweedfs()
    }

    fn bucket(&self) -> &str {
        self.on.bucket()
    }

    fn catalog_url(&self) -> String {
        self.database.url.clone()
    }
}
