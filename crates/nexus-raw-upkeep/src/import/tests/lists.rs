use nexus_raw::ports::InventoryError;
use nexus_raw_testkit::ListManner;

use super::{super::ImportError, house::Archive};

fn filled(manner: ListManner) -> Archive {
    let house = Archive::new();
    house.source.set_page(3);
    for n in 0..10 {
        let key = format!("archive/{n}");
        house.source.put(&key, key.as_bytes());
    }
    house.source.put("elsewhere/x", b"not asked for");
    house.source.set_manner(manner);
    house
}

#[tokio::test]
async fn each_object_is_imported_once_however_it_is_listed() {
    for manner in [
        ListManner::Sound,
        ListManner::Twice,
        ListManner::Unordered,
        ListManner::Hesitant,
    ] {
        let house = filled(manner);
        let (summary, _) = house.run().await;
        assert_eq!(summary.imported, 10, "{manner:?}");
        assert!(!summary.asks_for_action(), "{manner:?}");
        assert_eq!(house.registered().len(), 10, "{manner:?}");
    }
}

#[tokio::test]
async fn what_was_not_asked_for_is_refused() {
    let house = filled(ListManner::Strays);
    let (summary, lines) = house.run().await;
    assert_eq!((summary.imported, summary.refused), (10, 1));
    let last = lines.last().unwrap();
    assert_eq!(last.key, "elsewhere/x");
    assert_eq!(
        last.reason.as_deref(),
        Some("the list was not asked for it")
    );
}

#[tokio::test]
async fn what_a_cut_list_has_left_out_is_imported_by_the_next_run() {
    let house = filled(ListManner::Cut(2));
    assert_eq!(house.run().await.0.imported, 6);
    house.source.set_manner(ListManner::Sound);
    let (summary, _) = house.run().await;
    assert_eq!((summary.imported, summary.known), (4, 6));
}

#[tokio::test]
async fn a_list_that_does_not_end_is_an_error() {
    for manner in [ListManner::Loops, ListManner::Endless] {
        let house = filled(manner);
        let ended = house.run_with(None).await.unwrap_err();
        assert!(matches!(ended, ImportError::Endless), "{manner:?}");
        assert_eq!(house.registered().len(), 10, "{manner:?}");
    }
}

#[tokio::test]
async fn a_list_that_is_forbidden_is_an_error() {
    let house = filled(ListManner::Denied);
    let denied = house.run_with(None).await.unwrap_err();
    let ImportError::List(InventoryError::Denied { right, .. }) = denied else {
        panic!("{denied:?}");
    };
    assert_eq!(right, "s3:ListBucketVersions");
}
