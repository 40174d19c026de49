use std::fs;

use super::*;

/// The process dies before any request: the next one goes on, and reports the same.
#[tokio::test]
async fn a_run_that_dies_at_any_request_goes_on_to_the_same_report() {
    let house = BothSides::new();
    house.plant(200).await;
    house.bucket.set_page(20);
    let expected = house.report().await;
    for calls in (1..house.bucket.calls()).step_by(7) {
        house.work_file().remove().unwrap();
        let mut died = 0;
        loop {
            house.bucket.fail_after(Some(calls + died * 40));
            match house.step().await {
                Ok(RunOutcome::Finished) => break,
                Ok(RunOutcome::Paused) => panic!("there is no limit"),
                Err(error) => assert!(matches!(error, ReconcileError::Bucket(_)), "{error:?}"),
            }
            died += 1;
            assert!(died < 60, "it makes no progress");
        }
        house.bucket.fail_after(None);
        assert!(house.report().await == expected, "after {calls}");
    }
}

#[tokio::test]
async fn a_run_pauses_when_its_time_is_over_and_goes_on() {
    let house = BothSides::new();
    let planted = house.plant(200).await;
    let mut paused = BothSides {
        max_time: Some(Duration::ZERO),
        ..house
    };
    assert_eq!(paused.step().await.unwrap(), RunOutcome::Paused);
    paused.max_time = Some(Duration::from_secs(1));
    assert_eq!(paused.report().await.found(), planted);
}

/// What happens while a run goes on is not reported as it was before.
#[tokio::test]
async fn a_difference_that_is_mended_before_the_end_is_not_reported() {
    let house = BothSides::new();
    let intent = house.upload(1).await;
    house.bucket.put("tenants/stray", b"");
    house.bucket.begin("tenants/stray", "an-upload");
    let mut file = house.work_file();
    let reconciliation = house.reconciliation();
    let facts = RunFacts {
        listed_at: sample::now(),
        keeps_octet_stream: true,
    };
    while !matches!(file.state().phase, Phase::Review { .. }) {
        reconciliation.step(&mut file, facts).await.unwrap();
    }
    let summary = file.summary().unwrap();
    let found: u64 = summary.differences.iter().map(|(_, count)| count).sum();
    assert_eq!(found, 2);

    house.bucket.delete("tenants/stray");
    house.bucket.end("tenants/stray", "an-upload");
    let key = intent.address.key.as_str();
    let stored = house.bucket.object(key, None).await.unwrap().unwrap();
    let integrity = Integrity {
        level: IntegrityLevel::S3Sha256,
        version_id: stored.version_id,
        etag: stored.etag,
        parts: None,
    };
    house
        .catalog
        .register(registration(&intent, integrity))
        .await
        .unwrap();
    reconciliation.run(&mut file).await.unwrap();
    let report = ReadReport::of(&file);
    assert_eq!(report.differences, []);
    assert_eq!(report.summary.open_uploads, 1);
}

#[test]
fn a_work_file_serves_one_run_and_one_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("work");
    let open = |subject| WorkFile::open(&path, subject, sample::now());
    let first = open("one").unwrap();
    assert!(matches!(open("one"), Err(WorkFileError::InUse(_))));
    drop(first);
    let Err(WorkFileError::OtherRun { of, wanted, .. }) = open("two") else {
        panic!("it took the run of another subject");
    };
    assert_eq!((&*of, &*wanted), ("one", "two"));
    open("one").unwrap().remove().unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_file_of_something_else_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("work");
    fs::write(
        &path,
        "a letter to somebody, which is long enough to be a database",
    )
    .unwrap();
    let open = || WorkFile::open(&path, "one", sample::now());
    assert!(matches!(open(), Err(WorkFileError::Unknown(_))));
    assert!(fs::read_to_string(&path).unwrap().starts_with("a letter"));

    fs::remove_file(&path).unwrap();
    let database = rusqlite::Connection::open(&path).unwrap();
    database
        .execute_batch("CREATE TABLE letter (text)")
        .unwrap();
    drop(database);
    assert!(matches!(open(), Err(WorkFileError::Unknown(_))));

    let nowhere = directory.path().join("no-directory/work");
    let refused = WorkFile::open(&nowhere, "one", sample::now());
    assert!(matches!(refused, Err(WorkFileError::Failed { .. })));
}
