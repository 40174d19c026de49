//! Answers that nobody reads, and what they may take from others.

use std::time::Duration;

use futures_util::future::join_all;
use nexus_raw::{
    asset::{Activity, DerivedFrom, Lineage, Provenance, SourceUri},
    ports::{AssetCatalog, RegisterOutcome},
};
use nexus_raw_server::http::{AnswerSettings, Answers};
use nexus_raw_testkit::{sample, steps};
use serde_json::json;
use tokio::time::timeout;

use super::support::{House, Parts, Request, TRACE_ID, presign_body};

const FEED: &str = "/nexus/raw/events";
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Where in the feed of `t_demo` its long events begin, and how many there are.
const LONG: u64 = 2 * 64 + 1000;
const MANY: u64 = 1000;

/// A service in whose feed is more than a page may have, and little in that of another tenant.
async fn crowded() -> (House, Answers) {
    let answers = Answers::new(AnswerSettings {
        bytes: PAGE_BYTES * 4,
        // every page is prepared, however busy the machine is
        page_timeout: Duration::from_mins(1),
        ..AnswerSettings::default()
    });
    let house = House::open_with(Parts {
        answers: answers.clone(),
        ..Parts::default()
    });
    let intent = |tenant, n| sample::intent(&sample::scope(tenant, "dev"), sample::asset_id(n));
    for tenant in ["t_demo", "t_other"] {
        for n in 0..64 {
            let plain = Provenance::default();
            steps::presign_and_register(&*house.catalog, &intent(tenant, n), plain).await;
        }
    }
    let long = Provenance {
        lineage: Lineage {
            derived_from: DerivedFrom::parse((0..64).map(sample::asset_id).collect()).unwrap(),
            source_uri: SourceUri::parse(&format!("https://nexus.test/{}", "x".repeat(2000))).ok(),
            activity: Activity::parse(&"y".repeat(128)).ok(),
        },
        ..Provenance::default()
    };
    for n in 64..64 + MANY {
        steps::presign(&*house.catalog, &intent("t_demo", n)).await;
    }
    for n in 64..64 + MANY {
        let new = sample::new_asset(&intent("t_demo", n), long.clone());
        let registered = house.catalog.register(new).await.unwrap();
        assert_eq!(registered, RegisterOutcome::Registered);
    }
    (house, answers)
}

fn neighbour(house: &House) -> Request {
    let feed = house.get(FEED).with("authorization", "Bearer stranger");
    feed.with("x-tenant-id", "t_other")
}

#[actix_web::test]
async fn a_page_is_cut_at_its_bytes_and_who_goes_on_misses_none() {
    let (house, _) = crowded().await;
    let (mut last, mut pages) = (0, Vec::new());
    loop {
        let page = house.get(&format!("{FEED}?after={last}&limit=1000"));
        let page = page.send().await;
        assert!(page.body.len() <= PAGE_BYTES + 2, "{}", page.body.len());
        let events = page.json()["events"].take();
        let events = events.as_array().unwrap();
        for event in events {
            last += 1;
            assert_eq!(event["sequence"], last);
        }
        if events.is_empty() {
            break;
        }
        pages.push(events.len());
    }
    assert_eq!(last, LONG + MANY);
    assert_eq!(pages[0], 1000);
    // the long ones are more than fit into one
    assert!(
        pages.iter().any(|events| (500..1000).contains(events)),
        "{pages:?}"
    );
}

#[actix_web::test]
async fn who_reads_nothing_takes_a_share_and_no_more_until_it_goes() {
    // one page is within a tenant's share, two are not
    let (house, answers) = crowded().await;
    let page = || house.get(&format!("{FEED}?after={LONG}&limit=1000"));
    let idle = join_all((0..6).map(|_| page().send_only())).await;
    let statuses = idle.iter().flatten().map(async |idle| {
        let mut begin = [0; "HTTP/1.1 200".len()];
        let peeked = idle.peek(&mut begin).await.unwrap();
        String::from_utf8_lossy(&begin[..peeked]).into_owned()
    });
    let mut statuses = join_all(statuses).await;
    statuses.sort();
    assert_eq!(statuses[0], "HTTP/1.1 200");
    assert_eq!(statuses[1..], ["HTTP/1.1 429"; 5]);
    let refused = page().send().await;
    assert_eq!(
        refused.whole(),
        (
            429,
            json!({
                "type": "urn:nexus-raw:problem:rate-limited",
                "title": "Rate limited",
                "status": 429,
                "detail":
                    "too many answers are under way; read those that were sent, and try again later",
                "instance": FEED,
                "code": "rate-limited",
                "trace_id": TRACE_ID,
            })
        )
    );
    assert_eq!(refused.header("retry-after"), Some("2"));
    let taken = answers.in_flight();
    assert!(
        (PAGE_BYTES / 2..=PAGE_BYTES + 2).contains(&taken),
        "{taken}"
    );
    // small responses need no room, and others have theirs
    assert_eq!(house.presign(&presign_body()).send().await.status, 200);
    assert_eq!(neighbour(&house).send().await.status, 200);
    let docs = Request::new(house.address, "GET", "/docs").send().await;
    assert_eq!(docs.status, 200);

    drop(idle);
    let room = async {
        while answers.in_flight() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), room).await.unwrap();
    assert_eq!(page().send().await.status, 200);
}

#[actix_web::test]
async fn without_room_a_long_write_is_refused_before_it_is_written_and_a_long_problem_is_bare() {
    let answers = Answers::new(AnswerSettings {
        bytes: 20_000,
        ..AnswerSettings::default()
    });
    let house = House::open_with(Parts {
        answers,
        ..Parts::default()
    });
    let asset_id = house.presigned_and_uploaded().await;
    let labels: serde_json::Map<_, _> = (0..32)
        .map(|n| (format!("label-{n}"), json!("x".repeat(256))))
        .collect();
    let before = house.events();
    let refused = house.register(&json!({"asset_id": asset_id, "labels": labels}));
    let (status, code, _) = refused.send().await.problem();
    assert_eq!((status, code.as_str()), (429, "rate-limited"));
    assert_eq!(house.events(), before);
    let labels = json!({"label": "x"});
    let small = house.register(&json!({"asset_id": asset_id, "labels": labels}));
    assert_eq!(small.send().await.status, 201);

    // the path comes back in a problem
    let long = format!("/{}", "x".repeat(15_000));
    let bare = Request::new(house.address, "GET", &long).send().await;
    assert_eq!((bare.status, bare.body.len()), (429, 0));
}
