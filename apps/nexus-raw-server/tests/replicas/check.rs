//! What must hold in the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::stream::{self, StreamExt as _};
use nexus_raw::tenancy::Role;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    ENVS, TENANTS,
    fleet::Fleet,
    http::{Answer, Request},
    ledger::{Asset, Ledger},
    lister::Lists,
    stream::Stream,
};

/// A tenant and an environment.
pub(crate) type Scope = (String, String);

/// The events of each scope as the catalogue has them.
pub(crate) type Committed = BTreeMap<Scope, Vec<Value>>;

/// How long a call may take when nothing is wrong any more.
const CALL: Duration = Duration::from_secs(5);

/// How many assets are looked at at once: one after the other, client and server would wait for each
/// other.
const AT_ONCE: usize = 8;

const PRESIGNED: &str = "raw_asset_presigned";
const REGISTERED: &str = "raw_asset_registered";

/// Sends requests to the replicas in turn.
struct Reader<'a> {
    fleet: &'a Fleet,
    token: String,
    requests: AtomicUsize,
}

impl<'a> Reader<'a> {
    fn of(fleet: &'a Fleet) -> Self {
        let token = fleet.token(&TENANTS, Role::Owner);
        Self {
            fleet,
            token,
            requests: AtomicUsize::new(0),
        }
    }

    async fn get(&self, (tenant, env): (&str, &str), path: &str) -> Answer {
        let replica = self.requests.fetch_add(1, Ordering::Relaxed);
        let server = self.fleet.address(replica).unwrap();
        let request = Request::new(server, "GET", path)
            .header("authorization", &format!("Bearer {}", self.token))
            .header("x-tenant-id", tenant)
            .header("x-env", env);
        let answer = timeout(CALL, request.send()).await;
        answer.unwrap_or_else(|_| panic!("{path} was not answered in {CALL:?}"))
    }

    async fn events(&self, scope: (&str, &str), path: &str) -> Vec<Value> {
        let (status, mut body) = self.get(scope, path).await.whole();
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_value(body["events"].take()).unwrap()
    }
}

/// The scopes that clients write to.
pub(crate) fn scopes() -> impl Iterator<Item = Scope> {
    let of = |tenant: &str| ENVS.map(|env| (tenant.to_owned(), env.to_owned()));
    TENANTS.into_iter().flat_map(of)
}

/// Reads the feed of every scope from its beginning, a page at each replica in turn. The sequences
/// are 1 to n.
pub(crate) async fn committed(fleet: &Fleet) -> Committed {
    let reader = Reader::of(fleet);
    let mut committed = Committed::new();
    for (tenant, env) in scopes() {
        let mut events: Vec<Value> = Vec::new();
        loop {
            let path = format!("/nexus/raw/events?after={}&limit=500", events.len());
            let page = reader.events((&tenant, &env), &path).await;
            if page.is_empty() {
                break;
            }
            events.extend(page);
            let last = &events.last().unwrap()["sequence"];
            assert_eq!(
                last,
                events.len(),
                "a gap in the catalogue of {tenant}, {env}"
            );
        }
        committed.insert((tenant, env), events);
    }
    committed
}

/// After repeats are dropped, the stream has the events of each scope as the catalogue has them:
/// the same, in order of their sequences, which are 1 to n.
pub(crate) fn the_stream_has_each_event_once_and_in_order(stream: &Stream, committed: &Committed) {
    assert_eq!(
        stream.events.keys().collect::<Vec<_>>(),
        committed.keys().collect::<Vec<_>>()
    );
    for (scope, streamed) in &stream.events {
        for (place, event) in streamed.iter().enumerate() {
            let (sequence, expected) = (&event["sequence"], place + 1);
            assert_eq!(sequence, expected, "a gap, or another order, in {scope:?}");
            let written = committed[scope].get(place);
            assert_eq!(Some(event), written, "it differs from the listed event");
        }
        let count = committed[scope].len();
        assert_eq!(streamed.len(), count, "events of {scope:?}");
        let registered = streamed.iter().filter(|it| it["event_type"] == REGISTERED);
        let ids = registered.map(|it| it["asset_id"].as_str().unwrap());
        let mut seen = BTreeSet::new();
        for id in ids {
            assert!(seen.insert(id), "{id} was registered twice");
        }
    }
}

/// Each response still holds and has its events; the state of each event can be read.
pub(crate) async fn every_response_holds(fleet: &Fleet, ledger: &Ledger, committed: &Committed) {
    let reader = Reader::of(fleet);
    let mut by_asset: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for event in committed.values().flatten() {
        let asset_id = event["asset_id"].as_str().unwrap();
        by_asset.entry(asset_id).or_default().push(event);
    }
    let assets = ledger.assets().into_iter().map(|asset| {
        let events = by_asset.remove(&*asset.id).unwrap_or_default();
        (asset, events)
    });
    let each = async |(asset, events): (Asset, Vec<&Value>)| {
        asset_holds(&reader, &asset, &events).await;
    };
    let assets = stream::iter(assets.collect::<Vec<_>>());
    assets.for_each_concurrent(AT_ONCE, each).await;
    // a caller repeated a lost call under the same key until it had a response
    assert_eq!(by_asset.len(), 0, "events of assets that nobody was given");
}

async fn asset_holds(reader: &Reader<'_>, asset: &Asset, events: &[&Value]) {
    let scope = (asset.tenant, asset.env);
    let asset_id = &asset.id;
    let of = |kind: &str| events.iter().filter(|it| it["event_type"] == kind).count();
    assert!(
        of(PRESIGNED) >= 1,
        "{asset_id} was presigned and has no event"
    );
    let path = format!("/nexus/raw/{asset_id}");
    let listed = reader.events(scope, &format!("{path}/events")).await;
    let listed: Vec<_> = listed.iter().collect();
    assert_eq!(listed, events, "events of {asset_id}");
    let read = reader.get(scope, &path).await;
    match &asset.record {
        Some(record) => {
            assert_eq!((read.status, &read.body), (200, record), "{asset_id}");
            assert_eq!(of(REGISTERED), 1, "{asset_id} was registered");
        }
        None => assert_eq!(read.problem().0, 404, "{asset_id} was not registered"),
    }
}

/// Each list is what had been registered when it began, newest first: it neither skips nor repeats,
/// beside registrations meanwhile.
pub(crate) fn lists_neither_skip_nor_repeat(scope: &Scope, lists: &Lists, committed: &Committed) {
    let events = committed[scope].iter();
    let registered: Vec<_> = events
        .filter(|event| event["event_type"] == REGISTERED)
        .map(|event| event["asset_id"].as_str().unwrap())
        .collect();
    for list in lists {
        let expected: Vec<_> = registered[..list.len()].iter().rev().copied().collect();
        assert_eq!(*list, expected, "a list of {scope:?}");
    }
    let last = lists.last().map(Vec::len);
    assert_eq!(last, Some(registered.len()), "the last list of {scope:?}");
}
