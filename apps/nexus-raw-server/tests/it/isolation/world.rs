//! A service with assets of five tenants in it, and what can be seen of it from behind.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::SeqCst},
};

use nexus_raw::{
    asset::{AssetId, Provenance},
    event::DatasetEvent,
    ports::{AssetCatalog, IntentState, RegisterOutcome},
    tenancy::{Principal, Scope, TenantId},
};
use nexus_raw_testkit::{FakeIdentity, sample};
use serde_json::json;

use super::{
    cells::{Cell, OBJECTS, Object, ROLES, Role, TENANTS, Tenant},
    counted::Counted,
    support::{Answer, House, Parts, presign_body, uploaded},
};

pub(crate) struct World {
    house: House,
    catalog: Arc<Counted>,
    ids: Vec<(Object, AssetId)>,
    given: u64,
}

/// What requests have left behind so far, or one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Traces {
    pub(crate) signed: u32,
    pub(crate) looked_at: u32,
    pub(crate) lookups: u32,
    pub(crate) writes: u32,
    pub(crate) events: u32,
    pub(crate) uploads: u32,
}

impl Traces {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            signed: self.signed - before.signed,
            looked_at: self.looked_at - before.looked_at,
            lookups: self.lookups - before.lookups,
            writes: self.writes - before.writes,
            events: self.events - before.events,
            uploads: self.uploads - before.uploads,
        }
    }
}

/// Where an object is; nowhere for what is no asset.
pub(crate) fn home(object: Object) -> Option<(Tenant, &'static str)> {
    match object {
        Object::In(tenant) => Some((tenant, "dev")),
        Object::InProd => Some((Tenant::Own, "prod")),
        Object::Pending => Some((Tenant::Own, "dev")),
        Object::ForeignPending => Some((Tenant::Foreign, "dev")),
        Object::Absent | Object::Malformed => None,
    }
}

impl World {
    pub(crate) fn open() -> Self {
        let catalog = Arc::new(Counted::default());
        let mut identity = FakeIdentity::new();
        for role in ROLES {
            let memberships = BTreeMap::from([
                (TenantId::parse(Tenant::Own.name()).unwrap(), role.in_own()),
                (
                    TenantId::parse(Tenant::Second.name()).unwrap(),
                    role.in_second(),
                ),
            ]);
            let principal = Principal::from_verified(sample::user(), memberships);
            if role != Role::None {
                identity = identity.with(&format!("{role:?}"), principal);
            }
        }
        let house = House::open_with(Parts {
            catalog: Some(Arc::clone(&catalog) as _),
            identity: Arc::new(identity),
            ..Parts::default()
        });
        Self {
            house,
            catalog,
            ids: Vec::new(),
            given: 0,
        }
    }

    /// Ensures that every object is there, and those pending are pending.
    pub(crate) async fn prepare(&mut self) {
        for object in OBJECTS {
            let known = self.ids.iter().find(|(it, _)| *it == object);
            if let Some((_, id)) = known {
                let (Object::Pending, Some(scope)) = (object, scope_of(object)) else {
                    continue;
                };
                let state = self.catalog.inner.find_intent(&scope, *id).await.unwrap();
                if matches!(state, Some(IntentState::Pending(_))) {
                    continue;
                }
            }
            self.given += 1;
            let id = sample::asset_id(self.given);
            self.ids.retain(|(it, _)| *it != object);
            self.ids.push((object, id));
            if let Some(scope) = scope_of(object) {
                self.put_there(object, &scope, id).await;
            }
        }
    }

    async fn put_there(&self, object: Object, scope: &Scope, id: AssetId) {
        let intent = sample::intent(scope, id);
        let mut stored = uploaded(&id.to_string());
        for (name, value) in [
            ("tenant-id", scope.tenant.to_string()),
            ("env", scope.environment.to_string()),
        ] {
            stored.user_metadata.insert(name.to_owned(), value);
        }
        let new = sample::new_asset_at(sample::now(), &intent, Provenance::default());
        let is_registered = !matches!(object, Object::Pending | Object::ForeignPending);
        if is_registered {
            // as it is pinned
            stored.etag.clone_from(&new.asset.integrity().etag);
            stored
                .version_id
                .clone_from(&new.asset.integrity().version_id);
        }
        self.house.store.place(&intent.address, stored);
        self.house.store.rot(&intent.address, sample::CONTENT);
        let catalog = &self.catalog.inner;
        let event = sample::presigned(&intent);
        catalog.record_intent(intent.clone(), event).await.unwrap();
        if is_registered {
            let outcome = catalog.register(new).await.unwrap();
            assert_eq!(outcome, RegisterOutcome::Registered);
        }
    }

    /// How the object is called on the wire.
    pub(crate) fn id(&self, object: Object) -> String {
        let wanted = match object {
            // another spelling of an asset that the caller may well see
            Object::Malformed => return self.id(Object::In(Tenant::Own)).to_uppercase(),
            other => other,
        };
        let (_, id) = self.ids.iter().find(|(it, _)| *it == wanted).unwrap();
        id.to_string()
    }

    /// The events of an object, from behind.
    pub(crate) fn events_of(&self, object: Object) -> Vec<DatasetEvent> {
        let id = self.id(object);
        let events = scope_of(object).map(|scope| self.catalog.inner.events_in(&scope));
        let mut events = events.unwrap_or_default();
        events.retain(|event| event.body.asset_id.to_string() == id);
        events
    }

    /// The events of a scope, from behind.
    pub(crate) fn events_in(&self, tenant: &str, env: &str) -> Vec<DatasetEvent> {
        self.catalog.inner.events_in(&sample::scope(tenant, env))
    }

    pub(crate) async fn send(&self, cell: &Cell) -> Answer {
        let path = cell.path(self);
        let mut request = self
            .house
            .request(cell.method, &path)
            .with("x-tenant-id", cell.tenant.name())
            .with("x-env", cell.environment);
        request = match cell.role {
            Role::None => request.without("authorization"),
            role => request.with("authorization", &format!("Bearer {role:?}")),
        };
        if cell.method == "POST" {
            let body = if cell.pattern.contains("/register")
                || cell.pattern.ends_with("presign-download/batch")
            {
                json!({"asset_id": self.id(cell.object)})
            } else if cell.pattern.ends_with("/presign-download")
                || cell.pattern.ends_with("/verification")
            {
                json!({})
            } else if cell.pattern.ends_with("/parts") {
                json!({"parts": [{"part_number": 1, "sha256": sample::facts().sha256}]})
            } else if cell.pattern.ends_with("/facts") {
                json!({"kind": "license", "value": "CC-BY-4.0"})
            } else {
                presign_body()
            };
            let body = match cell.single() {
                Some(_) => json!({"items": [body]}),
                None => body,
            };
            request = request
                .header("content-type", "application/json")
                .json(&body);
        }
        request.send().await
    }

    pub(crate) fn traces(&self) -> Traces {
        let calls = self.house.store.calls();
        let events = |environment| {
            TENANTS.map(|tenant| {
                let scope = sample::scope(tenant.name(), environment);
                u32::try_from(self.catalog.inner.events_in(&scope).len()).unwrap()
            })
        };
        let events = ["dev", "staging", "prod"].map(events);
        Traces {
            signed: calls.presign + calls.presign_download,
            looked_at: calls.stat,
            lookups: self.catalog.lookups.load(SeqCst),
            writes: self.catalog.writes.load(SeqCst),
            events: events.iter().flatten().sum(),
            uploads: calls.http,
        }
    }
}

fn scope_of(object: Object) -> Option<Scope> {
    home(object).map(|(tenant, environment)| sample::scope(tenant.name(), environment))
}
