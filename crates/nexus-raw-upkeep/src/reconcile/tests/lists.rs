use nexus_raw_testkit::ListManner;

use super::*;

/// Whatever a list does short of lying by omission, the report is the same.
#[tokio::test]
async fn a_list_in_any_manner_neither_invents_nor_loses_a_difference() {
    for manner in [
        ListManner::Sound,
        ListManner::Unordered,
        ListManner::Twice,
        ListManner::Hesitant,
        ListManner::Strays,
    ] {
        for page in [7, 1000] {
            let house = BothSides::new();
            let planted = house.plant(200).await;
            house.bucket.set_manner(manner);
            house.bucket.set_page(page);
            let report = house.report().await;
            assert_eq!(report.found(), planted, "{manner:?}");
            assert_eq!(report.summary.counts.unlisted, 0, "{manner:?}");
        }
    }
}

/// A list that was cut has no foreign objects to look at, which shows by the registered ones that it
/// left out. None of those is reported as missing.
#[tokio::test]
async fn a_cut_list_is_told() {
    let house = BothSides::new();
    let planted = house.plant(200).await;
    house.bucket.set_page(50);
    house.bucket.set_manner(ListManner::Cut(2));
    let report = house.report().await;
    assert!(report.summary.counts.unlisted > 50, "{:?}", report.summary);
    assert!(report.text.contains("the list is incomplete: it left out"));
    let found = report.found();
    assert!(found.len() < planted.len());
    assert!(found.iter().all(|it| planted.contains(it)), "{found:?}");
}

/// What was registered after the list was taken is not in it.
#[tokio::test]
async fn an_object_that_is_younger_than_the_list_is_no_gap_of_it() {
    let house = BothSides::new();
    let mut file = house.work_file();
    house.bucket.set_manner(ListManner::Cut(0));
    house.clock.set(sample::seconds_after(7200));
    // registered an hour before the sample's time, and so before the run began
    house.register(1).await;
    let outcome = house.reconciliation().run(&mut file).await.unwrap();
    assert_eq!(outcome, RunOutcome::Finished);
    assert_eq!(file.summary().unwrap().counts.unlisted, 1);
    file.remove().unwrap();

    let began = sample::seconds_after(-3600);
    let mut file = WorkFile::open(&house.path(), "a test", began).unwrap();
    house.reconciliation().run(&mut file).await.unwrap();
    assert_eq!(file.summary().unwrap().counts.unlisted, 0);
}

#[tokio::test]
async fn a_list_without_end_is_an_error_that_says_so() {
    for (manner, expected) in [
        (ListManner::Loops, EndlessList::Repeats),
        (ListManner::Endless, EndlessList::Fruitless(MAX_FRUITLESS)),
    ] {
        let house = BothSides::new();
        let planted = house.plant(100).await;
        house.bucket.set_manner(manner);
        house.bucket.set_page(10);
        let error = house.step().await.unwrap_err();
        let ReconcileError::Endless { list, reason } = error else {
            panic!("{error:?}");
        };
        assert_eq!((list, reason), ("objects", expected));

        // the next run lists from the beginning
        house.bucket.set_manner(ListManner::Sound);
        house.bucket.set_page(2);
        assert_eq!(house.report().await.found(), planted);
    }
}

#[tokio::test]
async fn a_forbidden_list_names_the_permission() {
    let house = BothSides::new();
    house.bucket.set_manner(ListManner::Denied);
    let error = house.step().await.unwrap_err();
    let ReconcileError::Bucket(denied) = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        denied.to_string(),
        "the object store refuses: allow s3:ListBucketVersions"
    );
}

/// The memory of a run is that of a page and of a step, however large the bucket is.
#[tokio::test]
async fn nothing_larger_than_a_page_is_asked_for() {
    let house = BothSides::new();
    house.plant(1000).await;
    house.bucket.set_page(10);
    house.report().await;
    assert_eq!(house.bucket.longest_page(), 10);
}
