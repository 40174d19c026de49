//! Eight clients who come at once to one asset, and what they see.

use std::sync::{Arc, Mutex};

use nexus_raw::{
    asset::{AssetId, ByteSize, ObjectKey, PiiFlag, PiiFlags, Provenance},
    ports::{AssetIds, Clock, EventQuery, StoredObject},
    service::{
        AbortError, PartsError, PresignRequest, PresignedPart, RawStorageService, ReadError,
        RegisterError, RegisterRequest, UploadPolicy,
    },
    tenancy::Scope,
};
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_testkit::{FakeStore, FixedClock, PutOutcome, SequentialIds, sample};
use proptest::{collection::vec, option, prelude::*};
use tokio::{sync::Barrier, task::JoinSet};

use super::checker::{Moment, Op, Reply, Stored};
use crate::words::{PART_BYTES, PARTS};

const CLIENTS: usize = 8;
const CALLS: usize = 5;

/// One call, and after how many turns of the scheduler its caller leaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    op: Op,
    leaves_after: Option<u32>,
}

/// What is to be uploaded, and what each client does.
#[derive(Debug, Clone)]
pub(crate) struct Plans {
    stored: Stored,
    clients: Vec<Vec<Plan>>,
}

/// The first client presigns, soon or late; but an upload whose parts are there is presigned
/// before. In some histories nobody leaves.
pub(crate) fn plans() -> impl Strategy<Value = Plans> {
    let stored = prop_oneof![
        4 => Just(Stored::Object),
        3 => Just(Stored::Parts),
        1 => Just(Stored::Nothing),
    ];
    (stored, any::<bool>()).prop_flat_map(|(stored, leaves)| plans_of(stored, leaves))
}

fn plans_of(stored: Stored, leaves: bool) -> impl Strategy<Value = Plans> {
    let register = (0_u8..3).prop_map(Op::Register);
    let read = prop_oneof![3 => Just(Op::Read), 1 => Just(Op::Events)];
    let op = if stored == Stored::Object {
        prop_oneof![4 => register, 4 => read].boxed()
    } else {
        let others = prop_oneof![
            3 => Just(Op::Abort),
            1 => Just(Op::Declare),
            1 => Just(Op::Parts),
        ];
        prop_oneof![3 => register, 4 => others, 2 => read].boxed()
    };
    let leaves_after = if leaves {
        // with parts there are more orders to look through
        let most = if stored == Stored::Parts { 0.1 } else { 0.2 };
        option::weighted(most, 0_u32..6).boxed()
    } else {
        Just(None).boxed()
    };
    let plan = (op, leaves_after).prop_map(|(op, leaves_after)| Plan { op, leaves_after });
    let presign = (stored != Stored::Parts).then_some(Plan::presign(stored));
    let first = (vec(plan.clone(), CALLS - 1), 0..3_usize);
    let first = first.prop_map(move |(mut plans, at)| {
        plans.splice(at..at, presign);
        plans
    });
    (first, vec(vec(plan, CALLS), CLIENTS - 1)).prop_map(move |(first, mut others)| {
        others.insert(0, first);
        Plans {
            stored,
            clients: others,
        }
    })
}

impl Plan {
    fn presign(stored: Stored) -> Self {
        Self {
            op: Op::Presign(stored),
            leaves_after: None,
        }
    }
}

/// The service with one asset to be, whose id is known before and whose object may be there.
pub(crate) struct House {
    service: RawStorageService,
    store: Arc<FakeStore>,
    scope: Scope,
    asset: AssetId,
    history: Mutex<Vec<Moment>>,
}

impl House {
    pub(crate) fn new(catalog: Arc<SqlAssetCatalog>, number: u32) -> Arc<Self> {
        let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(sample::now()));
        let store = Arc::new(FakeStore::new(sample::bucket(), Arc::clone(&clock)));
        let scope = sample::scope("t_a", "dev");
        let asset = SequentialIds::seeded(number).next(sample::now());
        let ids = Arc::new(SequentialIds::seeded(number));
        let part = ByteSize::parse(PART_BYTES as u64).unwrap();
        let policy = UploadPolicy::default().with_part_size_bytes(part);
        Arc::new(Self {
            service: RawStorageService::new(Arc::clone(&store) as _, catalog, clock, ids)
                .with_policy(policy),
            store,
            scope,
            asset,
            history: Mutex::default(),
        })
    }

    /// Puts there what is to be there before the clients come.
    async fn prepare(&self, stored: Stored) {
        match stored {
            Stored::Nothing => {}
            Stored::Object => self.place(),
            Stored::Parts => {
                self.take(Plan::presign(stored)).await;
                let uploads = self.declare().await.unwrap();
                for (part, content) in uploads.iter().zip(sample::CONTENT.chunks(PART_BYTES)) {
                    let outcome = self.store.upload(&part.upload, content);
                    assert_eq!(outcome, PutOutcome::Stored);
                }
            }
        }
    }

    fn place(&self) {
        let intent = sample::intent(&self.scope, self.asset);
        let object = StoredObject {
            size_bytes: intent.facts.size_bytes.get(),
            content_type: Some(intent.facts.content_type.to_string()),
            sha256: intent.facts.sha256,
            composite: None,
            etag: "5d41402abc4b2a76b9719d911017c592".to_owned(),
            version_id: None,
            user_metadata: intent
                .object_metadata()
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            foreign_headers: Vec::new(),
        };
        self.store.place(&intent.address, object);
    }

    async fn declare(&self) -> Result<Vec<PresignedPart>, PartsError> {
        let parts = sample::parts();
        let parts: Vec<_> = parts.iter().map(|it| (it.number, it.sha256)).collect();
        let write = sample::access(&self.scope);
        self.service.presign_parts(&write, self.asset, &parts).await
    }

    /// How many uploads in parts are open in the store.
    pub(crate) fn open_uploads(&self) -> usize {
        self.store.open_uploads()
    }

    pub(crate) fn has_object(&self) -> bool {
        let intent = sample::intent(&self.scope, self.asset);
        self.store.object(&intent.address).is_some()
    }

    /// Has every client do what it plans, all at once.
    pub(crate) async fn play(self: Arc<Self>, plans: Plans) -> Vec<Moment> {
        self.prepare(plans.stored).await;
        let start = Arc::new(Barrier::new(plans.clients.len()));
        let mut clients = JoinSet::new();
        for plans in plans.clients {
            let (house, start) = (Arc::clone(&self), Arc::clone(&start));
            clients.spawn(async move {
                start.wait().await;
                for plan in plans {
                    house.take(plan).await;
                }
            });
        }
        while let Some(client) = clients.join_next().await {
            client.unwrap();
        }
        self.history.lock().unwrap().clone()
    }

    async fn take(&self, plan: Plan) {
        let call = {
            let history = &mut *self.history.lock().unwrap();
            let call = history.len();
            history.push(Moment::Call(call, plan.op));
            call
        };
        let leaving = async {
            match plan.leaves_after {
                None => std::future::pending().await,
                Some(turns) => {
                    for _ in 0..turns {
                        tokio::task::yield_now().await;
                    }
                }
            }
        };
        tokio::select! {
            biased;
            reply = self.reply(plan.op) => {
                self.history.lock().unwrap().push(Moment::Answer(call, reply));
            }
            () = leaving => {}
        }
    }

    async fn reply(&self, op: Op) -> Reply {
        let (write, read) = (
            sample::access(&self.scope),
            sample::read_access(&self.scope),
        );
        match op {
            Op::Presign(stored) => {
                let request = PresignRequest::new(sample::facts());
                let request = if stored == Stored::Object {
                    request
                } else {
                    request.in_parts()
                };
                let presigned = self
                    .service
                    .presign_upload(&write, &sample::context(), request)
                    .await
                    .unwrap()
                    .into_upload()
                    .unwrap();
                assert_eq!(presigned.asset_id, self.asset);
                let facts = sample::facts();
                let key = ObjectKey::for_asset(&self.scope, self.asset, &facts.filename);
                assert_eq!(presigned.address.key, key);
                Reply::Presigned
            }
            Op::Register(said) => {
                let request = RegisterRequest::new(self.asset).with_provenance(provenance(said));
                let answer = self
                    .service
                    .register(&write, &sample::context(), request)
                    .await;
                match answer {
                    Ok(registered) => {
                        assert_eq!(*registered.asset.provenance(), provenance(said));
                        if registered.created {
                            Reply::Created
                        } else {
                            Reply::Same
                        }
                    }
                    Err(RegisterError::ProvenanceDiffers { .. }) => Reply::Conflict,
                    Err(RegisterError::AssetNotFound) => Reply::NotFound,
                    Err(RegisterError::PartsMissing { parts }) => {
                        assert_eq!(parts.len(), PARTS);
                        Reply::Missing
                    }
                    Err(RegisterError::UploadAborted) => Reply::Gone,
                    Err(other) => panic!("{other:?}"),
                }
            }
            Op::Abort => {
                let aborted = self
                    .service
                    .abort_upload(&write, &sample::context(), self.asset)
                    .await;
                match aborted {
                    Ok(()) => Reply::Aborted,
                    Err(AbortError::Registered | AbortError::Completed) => Reply::Conflict,
                    Err(AbortError::AssetNotFound) => Reply::NotFound,
                    Err(other) => panic!("{other:?}"),
                }
            }
            Op::Declare => match self.declare().await {
                Ok(_) => Reply::Declared,
                Err(error) => refused(&error),
            },
            Op::Parts => match self.service.parts(&read, self.asset, 0, 1000).await {
                Ok(held) => Reply::Held(held.len()),
                Err(error) => refused(&error),
            },
            Op::Read => match self.service.asset(&read, self.asset).await {
                Ok(asset) => {
                    let recorded = asset.asset.provenance().clone();
                    let said = (0..3).find(|said| provenance(*said) == recorded);
                    Reply::Record(said.unwrap())
                }
                Err(ReadError::AssetNotFound) => Reply::NotFound,
                Err(other) => panic!("{other:?}"),
            },
            Op::Events => {
                let query = EventQuery::first(1000).of_asset(self.asset);
                match self.service.events(&read, &query).await {
                    Ok(events) => Reply::Events(events.len()),
                    Err(ReadError::AssetNotFound) => Reply::NotFound,
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    }
}

fn refused(error: &PartsError) -> Reply {
    match error {
        PartsError::AssetNotFound => Reply::NotFound,
        PartsError::Registered => Reply::Conflict,
        PartsError::Ended => Reply::Gone,
        other => panic!("{other:?}"),
    }
}

/// One of three provenances.
fn provenance(number: u8) -> Provenance {
    let flags = [
        vec![],
        vec![PiiFlag::Face],
        vec![PiiFlag::Name, PiiFlag::Face],
    ];
    Provenance {
        pii_flags: PiiFlags::parse(flags[usize::from(number)].clone()).unwrap(),
        ..Provenance::default()
    }
}
