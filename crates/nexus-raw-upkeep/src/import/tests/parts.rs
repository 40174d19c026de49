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
