//! Eight clients who come at once to one asset, and what they see.

use std::sync::{Arc, Mutex};

use nexus_raw::{
    asset::{AssetId, ObjectKey, PiiFlag, PiiFlags, Provenance},
    ports::{AssetIds, Clock, EventQuery, StoredObject},
    service::{
        PresignRequest, RawStorageService, ReadError, RegisterError, RegisterRequest, UploadPolicy,
    },
    tenancy::Scope,
};
use nexus_raw_catalog_sql::SqlAssetCatalog;
use nexus_raw_testkit::{FakeStore, FixedClock, SequentialIds, sample};
use proptest::{collection::vec, option, prelude::*};
use tokio::{sync::Barrier, task::JoinSet};

use super::checker::{Moment, Op, Reply};

const CLIENTS: usize = 8;
const CALLS: usize = 5;

/// One call, and after how many turns of the scheduler its caller leaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    op: Op,
    leaves_after: Option<u32>,
}

/// What each client does. The first presigns, soon or late.
pub(crate) fn plans() -> impl Strategy<Value = Vec<Vec<Plan>>> {
    let op = prop_oneof![
        4 => (0_u8..3).prop_map(Op::Register),
        3 => Just(Op::Read),
        1 => Just(Op::Events),
    ];
    let leaves_after = option::weighted(0.15, 0_u32..6);
    let plan = (op, leaves_after).prop_map(|(op, leaves_after)| Plan { op, leaves_after });
    let presign = Plan {
        op: Op::Presign,
        leaves_after: None,
    };
    let first = (vec(plan.clone(), CALLS - 1), 0..3_usize);
    let first = first.prop_map(move |(mut plans, at)| {
        plans.insert(at, presign);
        plans
    });
    (first, vec(vec(plan, CALLS), CLIENTS - 1)).prop_map(|(first, mut others)| {
        others.insert(0, first);
        others
    })
}

/// The service with one asset to be, whose id is known before and whose object is there.
pub(crate) struct House {
    service: RawStorageService,
    scope: Scope,
    asset: AssetId,
    history: Mutex<Vec<Moment>>,
}

impl House {
    pub(crate) fn new(catalog: Arc<SqlAssetCatalog>, number: u32) -> Arc<Self> {
        let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(sample::now()));
        let store = FakeStore::new(sample::bucket(), Arc::clone(&clock));
        let scope = sample::scope("t_a", "dev");
        let asset = SequentialIds::seeded(number).next(sample::now());
        let intent = sample::intent(&scope, asset);
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
        store.place(&intent.address, object);
        let ids = Arc::new(SequentialIds::seeded(number));
        let policy = UploadPolicy::default();
        Arc::new(Self {
            service: RawStorageService::new(Arc::new(store), catalog, clock, ids)
                .with_policy(policy),
            scope,
            asset,
            history: Mutex::default(),
        })
    }

    /// Has every client do what it plans, all at once.
    pub(crate) async fn play(self: Arc<Self>, plans: Vec<Vec<Plan>>) -> Vec<Moment> {
        let start = Arc::new(Barrier::new(plans.len()));
        let mut clients = JoinSet::new();
        for plans in plans {
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
            Op::Presign => {
                let request = PresignRequest::new(sample::facts());
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
                    Err(other) => panic!("{other:?}"),
                }
            }
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
