use std::time::Duration;

use nexus_raw::{asset::IntegrityLevel, ports::RawStorageRepository as _};

use super::{
    super::ImportKind as Kind,
    house::{Archive, kinds},
};

const CONTENT: &[u8] = b"a content of five parts with 8 bytes";

#[tokio::test]
async fn a_large_object_is_written_in_parts() {
    let house = Archive::with_small_parts();
    let object = house.source.put("archive/large.bin", CONTENT);
    let (summary, _) = house.run().await;
    assert_eq!((summary.imported, summary.bytes), (1, 36));
    let asset = house.record(&object, CONTENT).await;
    assert_eq!(asset.integrity().level, IntegrityLevel::StreamSha256);
    let composite = house.store.object(asset.address()).unwrap().composite;
    assert_eq!(composite.unwrap().parts, 5);
    // as a whole it was not read again
    assert_eq!(
        (house.store.calls().hash, house.store.open_uploads()),
        (0, 0)
    );
}

/// Its parts are dropped.
#[tokio::test]
async fn a_large_object_with_a_registered_content_is_not_stored_twice() {
    let house = Archive::with_small_parts();
    house.source.put("archive/one.bin", CONTENT);
    house.source.put("archive/two.bin", CONTENT);
    let (summary, _) = house.run().await;
    assert_eq!((summary.imported, summary.same_content), (1, 1));
    assert_eq!(house.store.open_uploads(), 0);
}

#[tokio::test(start_paused = true)]
async fn parts_of_an_object_that_breaks_off_are_dropped() {
    let house = Archive::with_small_parts();
    house.source.put("archive/one.bin", CONTENT);
    house
        .source
        .change_list("archive/one.bin", |it| it.size_bytes = 37);
    let (_, lines) = house.run().await;
    assert_eq!(kinds(&lines), [(Kind::Failed, "one.bin")]);
    assert_eq!(house.store.open_uploads(), 0);
    assert_eq!(house.registered(), []);
}

#[tokio::test]
async fn what_a_killed_run_has_begun_in_parts_is_dropped() {
    let house = Archive::with_small_parts();
    let object = house.source.put("archive/one.bin", CONTENT);
    let intent = house.intent(&object);
    for _ in 0..2 {
        house.store.begin_upload(&intent).await.unwrap();
    }
    let (summary, _) = house.run().await;
    assert_eq!((summary.imported, house.store.open_uploads()), (1, 0));
}

/// It may be that of another run, which would drop this one's in turn.
#[tokio::test(start_paused = true)]
async fn what_is_begun_after_a_run_is_left_to_whoever_has_begun_it() {
    let house = Archive::with_small_parts();
    let object = house.source.put("archive/one.bin", CONTENT);
    house.source.break_off("archive/one.bin", 1);
    let intent = house.intent(&object);
    let another = async {
        // during the pause after the first attempt
        tokio::time::sleep(Duration::from_millis(500)).await;
        house.store.begin_upload(&intent).await.unwrap()
    };
    let ((summary, _), _) = tokio::join!(house.run(), another);
    assert_eq!((summary.imported, house.store.open_uploads()), (1, 1));
}

#[tokio::test]
async fn two_runs_at_once_make_one_asset_and_leave_nothing() {
    let house = Archive::with_small_parts();
    let object = house.source.put("archive/one.bin", CONTENT);
    let ((one, _), (other, _)) = tokio::join!(house.run(), house.run());
    assert_eq!(
        (one.imported + other.imported, one.known + other.known),
        (1, 1)
    );
    assert_eq!(house.store.open_uploads(), 0);
    house.record(&object, CONTENT).await;
}
