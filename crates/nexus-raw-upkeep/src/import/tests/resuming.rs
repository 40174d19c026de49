use std::{
    future::pending,
    num::NonZeroU16,
    pin::pin,
    task::{Context, Waker},
};

use nexus_raw::{
    asset::{ContentType, Filename, Sha256Digest, UploadIntent},
    ports::{AssetCatalog as _, AssetWriter as _, WriteOutcome},
};
use nexus_raw_testkit::sample;

use super::{
    super::{ImportError, ImportKind as Kind},
    house::{Archive, id_of, kinds},
};

/// Writes the object as a run does that is killed before it registers it.
async fn leave(house: &Archive, object: &nexus_raw::ports::SourceObject, content: &[u8]) {
    let intent = house.intent(object);
    let sha256 = Sha256Digest::of(content);
    let written = house
        .store
        .put_object(&intent, sha256, content.to_vec())
        .await;
    assert_eq!(written.unwrap(), WriteOutcome::Written);
}

#[tokio::test]
async fn what_a_killed_run_has_written_is_taken_up_after_it_was_read() {
    let house = Archive::new();
    let object = house.source.put("archive/a", b"a");
    leave(&house, &object, b"a").await;
    let (summary, _) = house.run().await;
    assert_eq!(summary.imported, 1);
    assert_eq!(house.store.calls().hash, 1);
    house.record(&object, b"a").await;
}

/// Nobody would ever find it otherwise.
#[tokio::test]
async fn what_a_killed_run_has_written_is_taken_up_although_its_content_is_registered() {
    let house = Archive::new();
    let one = house.source.put("archive/a", b"same");
    house.run().await;
    let two = house.source.put("archive/b", b"same");
    leave(&house, &two, b"same").await;
    let (summary, _) = house.run().await;
    assert_eq!((summary.imported, summary.known), (1, 1));
    assert_eq!(house.registered(), [id_of(&one), id_of(&two)]);
}

#[tokio::test]
async fn another_content_at_the_key_is_refused() {
    let house = Archive::new();
    let object = house.source.put("archive/a", b"a");
    leave(&house, &object, b"a").await;
    let address = house.intent(&object).address;
    house.store.rot(&address, b"b");
    let (summary, lines) = house.run().await;
    assert_eq!(kinds(&lines), [(Kind::Refused, "a")]);
    assert_eq!(
        lines[0].reason.as_deref(),
        Some("what was uploaded is not what was promised: sha256")
    );
    assert!(summary.asks_for_action());
    assert_eq!(house.registered(), []);
}

/// With the name of its key and the type and digest that the store has.
#[tokio::test]
async fn what_reconcile_has_adopted_keeps_its_name_type_and_digest() {
    type Change = fn(&mut UploadIntent);
    let cases: [(Change, bool); 5] = [
        (|_| (), true),
        (|it| it.facts.sha256 = Some(Sha256Digest::of(b"a")), true),
        (|it| it.facts.sha256 = Some(Sha256Digest::of(b"b")), false),
        (
            |it| it.facts.content_type = ContentType::parse("text/plain").unwrap(),
            false,
        ),
        (
            |it| it.facts.filename = Filename::parse("other").unwrap(),
            false,
        ),
    ];
    for (change, is_imported) in cases {
        let house = Archive::new();
        let object = house.source.put("archive/a", b"a");
        house.source.put("archive/b", b"b");
        let mut intent = house.intent(&object);
        change(&mut intent);
        let event = sample::presigned(&intent);
        let recorded = house.catalog.record_intent(intent.clone(), event).await;
        recorded.unwrap();
        let (summary, lines) = house.run().await;
        let imported = 1 + u64::from(is_imported);
        assert_eq!(
            (summary.imported, summary.refused),
            (imported, 2 - imported)
        );
        if !is_imported {
            let reason = lines[0].reason.as_deref().unwrap();
            let asset = format!("register asset {} as it is, ", intent.asset_id);
            assert!(reason.contains(&asset), "{reason}");
        }
    }
}

#[tokio::test]
async fn a_registration_whose_answer_was_lost_is_found_by_the_next_run() {
    let house = Archive::new();
    house.source.put("archive/a", b"a");
    house.catalog.lose_next_answer();
    let ended = house.run_with(None).await.unwrap_err();
    assert!(matches!(ended, ImportError::Catalog(_)), "{ended:?}");
    let (summary, _) = house.run().await;
    assert_eq!((summary.imported, summary.known), (0, 1));
    assert_eq!(house.registered().len(), 1);
}

/// Dropped at each of its waits in turn, as by a kill.
#[tokio::test]
async fn a_run_that_is_killed_anywhere_leaves_what_the_next_one_finishes() {
    for (concurrency, at_least) in [(1, 30), (3, 15)] {
        let kills = kill_anywhere(NonZeroU16::new(concurrency).unwrap()).await;
        assert!(kills >= at_least, "{concurrency}: {kills}");
    }
}

async fn kill_anywhere(concurrency: NonZeroU16) -> u32 {
    let contents: [&[u8]; 4] = [b"one", b"two of several parts", b"one", b""];
    let mut kills = 0;
    loop {
        let house = Archive::with_small_parts();
        let keys = ["archive/a", "archive/b", "archive/c", "archive/d"];
        let objects: Vec<_> = keys
            .iter()
            .zip(contents)
            .map(|(key, content)| house.source.put(key, content))
            .collect();
        let mut import = house.import(None);
        import.settings.concurrency = concurrency;
        let mut is_over = false;
        {
            let mut report = |_: &_| Ok(());
            let mut run = pin!(import.run(pending(), &mut report));
            for _ in 0..kills {
                let mut context = Context::from_waker(Waker::noop());
                is_over = run.as_mut().poll(&mut context).is_ready();
                if is_over {
                    break;
                }
                // wakes what has let others run
                tokio::task::yield_now().await;
            }
        }
        let (summary, lines) = house.run().await;
        assert_eq!(lines.len(), 4, "killed after {kills}");
        assert_eq!(summary.refused + summary.failed + summary.changed, 0);
        // of the two with one content one is left out, unless both were written before the kill
        let registered = house.registered();
        assert!((3..=4).contains(&registered.len()), "killed after {kills}");
        for (object, content) in objects.iter().zip(contents) {
            if registered.contains(&id_of(object)) {
                house.record(object, content).await;
            } else {
                let address = house.intent(object).address;
                assert_eq!(house.store.object(&address), None, "killed after {kills}");
            }
        }
        assert_eq!(house.store.open_uploads(), 0, "killed after {kills}");
        let (summary, _) = house.run().await;
        assert_eq!(summary.imported, 0, "killed after {kills}");
        if is_over {
            return kills;
        }
        kills += 1;
        assert!(kills < 1000, "it does not end");
    }
}
