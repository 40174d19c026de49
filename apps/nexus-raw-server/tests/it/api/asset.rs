use serde_json::json;

use super::support::House;

#[actix_web::test]
async fn a_record_is_read_as_it_was_registered_and_tagged_by_its_bytes() {
    let house = House::open();
    let (asset_id, registered) = house.registered().await;
    let request = house.get(&format!("/nexus/raw/{asset_id}"));
    let answer = request.clone().send().await;
    assert_eq!((answer.status, &answer.body), (200, &registered.body));
    let tag = answer.header("etag").unwrap().to_owned();
    assert!(tag.len() == 34 && tag.starts_with('"'), "{tag}");
    let kept = Some("private, max-age=0, must-revalidate");
    assert_eq!(answer.header("cache-control"), kept);

    let weak = format!("W/{tag}");
    let listed = format!("\"x\", {tag}");
    for known in ["*", &tag, &weak, &listed] {
        let answer = request.clone().header("if-none-match", known).send().await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
        assert_eq!(answer.header("etag"), Some(&*tag));
        assert_eq!(answer.header("cache-control"), kept);
    }
    for other in ["\"x\"", "", "nonsense", "\"x\", W/\"y\""] {
        let answer = request.clone().header("if-none-match", other).send().await;
        assert_eq!(
            (answer.status, &answer.body),
            (200, &registered.body),
            "{other}"
        );
    }
}

#[actix_web::test]
async fn what_is_not_there_for_the_caller_is_not_there_at_all() {
    let house = House::open();
    let (registered, _) = house.registered().await;
    let pending = house.presigned().await;
    let absent = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";
    let upper = registered.to_uppercase();
    let escaped = registered.replace('0', "%30");
    let cases = [
        (absent, "t_demo", "dev"),
        (&*pending, "t_demo", "dev"),
        (&*upper, "t_demo", "dev"),
        (&*escaped, "t_demo", "dev"),
        ("x", "t_demo", "dev"),
        ("..", "t_demo", "dev"),
        ("%2e%2e%2f", "t_demo", "dev"),
        (&*registered, "t_demo", "prod"),
        (&*registered, "t_other", "dev"),
    ];
    let mut answers = Vec::new();
    for (asset_id, tenant, env) in cases {
        let path = format!("/nexus/raw/{asset_id}");
        let request = house.get(&path).with("authorization", "Bearer both");
        let answer = request
            .with("x-tenant-id", tenant)
            .with("x-env", env)
            .send()
            .await;
        assert_eq!(
            answer.problem(),
            (404, "asset-not-found".to_owned(), vec![]),
            "{path}"
        );
        let mut body = answer.json();
        assert_eq!(body["instance"].take(), json!(path));
        answers.push((body, answer.header_names().join(" ")));
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
}

#[actix_web::test]
async fn events_from_presign_on_are_returned_to_readers_of_the_scope() {
    let house = House::open();
    let (asset_id, _) = house.registered().await;
    let path = format!("/nexus/raw/{asset_id}/events");
    let answer = house
        .get(&path)
        .with("authorization", "Bearer viewer")
        .send()
        .await;
    let (status, body) = answer.whole();
    assert_eq!(status, 200);
    let events: Vec<_> = body["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            (
                event["sequence"].as_u64().unwrap(),
                event["event_type"].as_str().unwrap(),
                event["train_ok"].clone(),
            )
        })
        .collect();
    assert_eq!(
        events,
        [
            (1, "raw_asset_presigned", json!(null)),
            (2, "raw_asset_registered", json!(false)),
        ]
    );
    let pending = house.presigned().await;
    let answer = house
        .get(&format!("/nexus/raw/{pending}/events"))
        .send()
        .await;
    assert_eq!(answer.json()["events"].as_array().unwrap().len(), 1);
    let foreign = house.get(&path).with("x-env", "prod").send().await;
    assert_eq!(
        foreign.problem(),
        (404, "asset-not-found".to_owned(), vec![])
    );
}

#[actix_web::test]
async fn events_of_an_asset_come_in_pages_and_an_empty_one_is_the_end() {
    let house = House::open();
    let (asset_id, _) = house.registered().await;
    house.presigned().await;
    let path = format!("/nexus/raw/{asset_id}/events");
    let all = house.get(&path).send().await.json()["events"].take();
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 2);
    for (query, events) in [
        ("?", &all[..]),
        ("?limit=1", &all[..1]),
        ("?after=1", &all[1..]),
        ("?limit=1&after=1", &all[1..]),
        ("?after=2", &[]),
        ("?after=9223372036854775807&limit=1000", &[]),
    ] {
        let page = house.get(&format!("{path}{query}")).send().await;
        assert_eq!(page.whole(), (200, json!({"events": events})), "{query}");
    }
    let foreign = house.get(&format!("{path}?after=2")).with("x-env", "prod");
    let absent = (404, "asset-not-found".to_owned(), vec![]);
    assert_eq!(foreign.send().await.problem(), absent);
    let faulty = house.get(&format!("{path}?limit=0&after=-1&x&wait_seconds=1"));
    let answer = faulty.send().await;
    assert_eq!(
        (answer.status, answer.json()["errors"].take()),
        (
            422,
            json!([
                {"pointer": "/after", "detail": "must be an integer from 0 to 9223372036854775807"},
                {"pointer": "/limit", "detail": "must be an integer from 1 to 1000"},
                {"pointer": "/wait_seconds", "detail": "is not a known parameter"},
                {"pointer": "/x", "detail": "is not a known parameter"},
            ])
        )
    );
}
