//! A photograph on its way through the whole engine.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene has failed"
)]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use nexus_raw::{
    asset::{ByteSize, ContentFacts, ContentType, Filename, Provenance, Sha256Digest},
    event::{EventType, RequestContext, RequestId, TraceId},
    ports::{EventQuery, PresignedUpload, SinkName},
    service::{PresignRequest, RegisterRequest},
    tenancy::{Environment, Principal, Role, Scope, TenantId, UserId},
};
use photo_engine::{Engine, JsonLinesSink};

/// Uploads as any HTTP client does: method, URL and headers are what presigning said.
async fn put(upload: &PresignedUpload, body: Vec<u8>) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let method = upload.method.parse().unwrap();
    let mut request = client.request(method, upload.url.expose()).body(body);
    for (name, value) in &upload.headers {
        request = request.header(name, value);
    }
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_photograph_is_uploaded_registered_read_and_its_events_are_delivered() {
    let directory = tempfile::tempdir().unwrap();
    let events_file = directory.path().join("events.jsonl");
    let sink = JsonLinesSink::open(SinkName::new("lines"), events_file.clone());
    let sink = Arc::new(sink.await.unwrap());
    let secret = "a secret of the test";
    let engine = Engine::start(directory.path(), secret, vec![sink.clone()]);
    let engine = engine.await.unwrap();

    // who calls, as an `IdentityVerifier` would have proved it
    let scope = Scope {
        tenant: TenantId::parse("t_demo").unwrap(),
        environment: Environment::parse("dev").unwrap(),
    };
    let memberships = BTreeMap::from([(scope.tenant.clone(), Some(Role::Owner))]);
    let caller = Principal::from_verified(UserId::parse("u_demo").unwrap(), memberships);
    let may_write = caller.authorize_write(&scope).unwrap();
    let may_read = caller.authorize_read(&scope).unwrap();
    let context = RequestContext {
        trace_id: TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736").unwrap(),
        request_id: RequestId::parse("req-1").unwrap(),
    };

    // presign
    let photograph =
        include_bytes!("../../../apps/nexus-raw-server/tests/fixtures/photos/DSCN0010.jpg")
            .to_vec();
    let facts = ContentFacts {
        filename: Filename::parse("DSCN0010.jpg").unwrap(),
        content_type: ContentType::parse("image/jpeg").unwrap(),
        size_bytes: ByteSize::parse(photograph.len() as u64).unwrap(),
        sha256: Sha256Digest::of(&photograph),
    };
    let request = PresignRequest::new(facts.clone());
    let presigned = engine
        .service()
        .presign_upload(&may_write, &context, request);
    let presigned = presigned.await.unwrap().into_upload().unwrap();
    let upload = presigned.upload.as_single().unwrap();

    // upload
    let mut forged = photograph.clone();
    forged[100] ^= 1;
    assert_eq!(put(upload, forged).await, 400);
    assert_eq!(put(upload, photograph.clone()).await, 200);
    assert_eq!(put(upload, photograph).await, 412);

    // register
    let request = RegisterRequest::new(presigned.asset_id).with_provenance(Provenance {
        train_ok: true,
        ..Provenance::default()
    });
    let registered = engine
        .service()
        .register(&may_write, &context, request.clone());
    let registered = registered.await.unwrap();
    assert!(registered.created);
    assert_eq!(registered.asset.facts(), &facts);

    // read
    let asset = engine.service().asset(&may_read, presigned.asset_id);
    assert_eq!(asset.await.unwrap().asset, registered.asset);
    let query = EventQuery::first(1000).of_asset(presigned.asset_id);
    let events = engine.service().events(&may_read, &query).await.unwrap();
    let types: Vec<_> = events.iter().map(|event| event.body.event_type).collect();
    assert_eq!(
        types,
        [EventType::RawAssetPresigned, EventType::RawAssetRegistered]
    );

    // the sink has them as well
    let mut count = sink.count();
    let both = count.wait_for(|count| *count == 2);
    tokio::time::timeout(Duration::from_mins(1), both)
        .await
        .unwrap()
        .unwrap();
    engine.stop().await.unwrap();

    // all is there again after a restart, though the store has another port
    let engine = Engine::start(directory.path(), secret, vec![sink]);
    let engine = engine.await.unwrap();
    let again = engine.service().register(&may_write, &context, request);
    let again = again.await.unwrap();
    assert!(!again.created);
    assert_eq!(again.asset, registered.asset);
    engine.stop().await.unwrap();

    // each event is one line
    let lines = std::fs::read_to_string(events_file).unwrap();
    let written: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let expected = events
        .iter()
        .map(|event| serde_json::to_value(event).unwrap());
    assert_eq!(written, expected.collect::<Vec<_>>());
}
