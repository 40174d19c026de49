use nexus_raw_testkit::SeaweedFs;

use crate::server::{ObjectStore, Server};

/// The store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    SeaweedFs,
    Embedded,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SeaweedFs => "SeaweedFS",
            Self::Embedded => "embedded",
        }
    }
}

/// A store, and the service before it, until it is dropped.
pub(crate) struct House {
    pub(crate) kind: Kind,
    pub(crate) server: Server,
    pub(crate) store: ObjectStore,
    _seaweed: Option<SeaweedFs>,
}

impl House {
    pub(crate) fn start(kind: Kind) -> Self {
        match kind {
            Kind::Embedded => {
                let server = Server::start();
                Self {
                    kind,
                    store: server.store(),
                    server,
                    _seaweed: None,
                }
            }
            Kind::SeaweedFs => {
                let seaweed = SeaweedFs::start();
                let store = ObjectStore {
                    endpoint: seaweed.endpoint(),
                    region: SeaweedFs::REGION.to_owned(),
                    access_key_id: SeaweedFs::ACCESS_KEY_ID.to_owned(),
                    secret_access_key: SeaweedFs::SECRET_ACCESS_KEY.to_owned(),
                };
                Self {
                    kind,
                    server: Server::before(&store),
                    store,
                    _seaweed: Some(seaweed),
                }
            }
        }
    }
}
