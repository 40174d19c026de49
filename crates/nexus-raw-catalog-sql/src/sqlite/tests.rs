//! Tests that need private access.

use nexus_raw::{
    asset::{Disposition, InForce, Provenance, RawAsset},
    event::{EventBody, EventDownload},
    ports::{
        CatalogError, DownloadKey, DownloadOutcome, EventQuery, IntentState, NewDownload,
        RegisterOutcome, RepeatOutcome, UnverifiedPlace,
    },
};
use nexus_raw_testkit::sample;
use rusqlite::params_from_iter;

use super::*;
use crate::listing::Listing;
use crate::{
    backend::{GroupWriter, WriteError},
    sealed::SealedEvent,
    writer::{
        IntentKey, IntentOutcome, Kind, NewIntent, RecordedDownload, Registration, RepeatedPresign,
        Write, Written,
    },
};

mod parts;

fn store() -> ObjectStoreIdentity {
    ObjectStoreIdentity {
        endpoint: None,
        region: "eu-west-1".to_owned(),
        bucket: sample::bucket(),
    }
}

fn new_intent(number: u64) -> NewIntent {
    let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(number));
    NewIntent {
        event: SealedEvent::of(sample::presigned(&intent)).unwrap(),
        intent,
        key: None,
    }
}

/// Writes the group and returns its outcomes, none of which may fail alone.
async fn write(
    writer: &mut dyn GroupWriter,
    group: impl IntoIterator<Item = Write>,
) -> Result<Vec<Written>, WriteError> {
    let group: Vec<_> = group.into_iter().collect();
    let outcomes = writer.write(&group.iter().collect::<Vec<_>>()).await?;
    Ok(outcomes.into_iter().map(Result::unwrap).collect())
}

async fn opened(file: &Path) -> (SqliteReader, Box<dyn GroupWriter>) {
    let Backend { reader, writer } = open(file, &store()).await.unwrap();
    match reader {
        Reader::Sqlite(reader) => (reader, writer),
        Reader::Postgres(_) => panic!("a file is opened by SQLite"),
    }
}

fn intents(outcomes: impl IntoIterator<Item = IntentOutcome>) -> Vec<Written> {
    outcomes.into_iter().map(Written::Intent).collect()
}

/// `.cargo/config.toml` sets the flag, which SQLite does not report.
#[test]
fn sqlite_flushes_without_the_times_of_the_file() {
    let flags = option_env!("LIBSQLITE3_FLAGS").unwrap_or_default();
    assert!(flags.contains("-DHAVE_FDATASYNC=1"), "{flags}");
}

/// Returns the steps of a statement's plan.
fn plan(connection: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let explain = format!("EXPLAIN QUERY PLAN {sql}");
    // a plan does not depend on the values, which may all be null
    let count = (1..100).take_while(|it| sql.contains(&format!("?{it}")));
    let count = count
        .count()
        .max(sql.matches('?').count() * usize::from(!sql.contains("?1")));
    let nulls = params_from_iter(vec![rusqlite::types::Null; count]);
    let steps = connection.rows_of(&explain, nulls, |row| row.get("plan.detail"));
    steps.unwrap()
}

/// No statement scans a table that grows with use. Only the relay's reads and the census scan the
/// scopes, of which there are few.
#[test]
fn no_statement_scans_a_table_that_grows_with_use() {
    let mut connection = SqliteConnection::in_memory().unwrap();
    schema::migrate(&mut connection).unwrap();
    for sql in queries::ALL
        .iter()
        .chain(queries::outbox::ALL)
        .chain(write::ALL)
    {
        for step in plan(&mut connection, sql) {
            let scanned = step.strip_prefix("SCAN ").unwrap_or_default();
            let table = scanned.split(' ').next().unwrap_or_default();
            let small = [
                "",
                "json_each",
                "k",
                "h",
                "up",
                "s",
                "b",
                "turn",
                "t",
                "share",
                "CONSTANT",
            ];
            assert!(small.contains(&table), "{step} in {sql}");
        }
    }
}

/// A page of a scope's entries comes from the key of the intents, in its order.
#[test]
fn a_page_of_entries_neither_scans_nor_sorts() {
    let mut connection = SqliteConnection::in_memory().unwrap();
    schema::migrate(&mut connection).unwrap();
    let scope = sample::scope("t_a", "dev");
    let first = Some(sample::asset_id(1));
    for (after, only) in [(None, ""), (first, ""), (first, " AND i.state <> 'ended'")] {
        let page = crate::inspect::page(queries::ENTRIES, &scope, after, only, 10);
        for step in plan(&mut connection, &page.text) {
            let is_long = step.starts_with("SCAN") || step.contains("TEMP B-TREE FOR ORDER BY");
            assert!(!is_long, "{step} in {}", page.text);
        }
    }
}

/// Each filter alone, and all together: a page comes from an index in its order, and no statement
/// goes through a scope.
#[test]
fn every_list_comes_from_an_index_in_its_order() {
    let mut connection = SqliteConnection::in_memory().unwrap();
    schema::migrate(&mut connection).unwrap();
    let scope = sample::scope("t_a", "dev");
    for (filter, index) in crate::listing::tests::filters() {
        let listing = Listing::of(&scope, &filter);
        let rows = listing.rows(queries::lists::LISTED, 9, 1, 101);
        for sql in [listing.floor(9), rows] {
            let steps = plan(&mut connection, &sql.text);
            let first = &steps[0];
            assert!(
                first.starts_with("SEARCH ") && first.contains(index),
                "{steps:?}"
            );
            let is_sorted = steps.iter().any(|it| it == "USE TEMP B-TREE FOR ORDER BY");
            assert!(!is_sorted, "{steps:?}");
            // `up` is the ancestors of one asset
            let mut scans = steps.iter().filter(|it| it.starts_with("SCAN "));
            assert!(scans.all(|it| it == "SCAN up"), "{steps:?}");
        }
    }
}

/// In pages, however far down.
#[test]
fn the_longest_unverified_come_from_an_index_in_their_order() {
    let mut connection = SqliteConnection::in_memory().unwrap();
    schema::migrate(&mut connection).unwrap();
    let scope = sample::scope("t_a", "dev");
    let place = UnverifiedPlace {
        since: sample::now(),
        sequence: 9,
    };
    for (after, bounds) in [
        (None, "(tenant_id=? AND env=? AND <expr><?)"),
        (
            Some(place),
            "(tenant_id=? AND env=? AND <expr>>? AND <expr><?)",
        ),
    ] {
        let from = queries::lists::BY_VERIFICATION;
        let sql = crate::backlog::unverified(from, &scope, sample::now(), after, 10);
        let by_index = format!("SEARCH a USING INDEX asset_by_verification {bounds}");
        assert_eq!(plan(&mut connection, &sql.text), [by_index]);
    }
    let scopes = crate::backlog::scopes(Some(&scope.tenant), Some(&scope), 10);
    let by_key = "SEARCH s USING PRIMARY KEY (tenant_id=?)";
    assert_eq!(plan(&mut connection, &scopes.text), [by_key]);
}

/// A full disk refuses writes, and they succeed once there is space again.
#[tokio::test]
async fn a_full_disk_refuses_writes_until_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("catalog.sqlite");
    let lock = CatalogLock::take(&file).unwrap();
    make_private(&file).unwrap();
    let mut connection = connect::writer(&file).unwrap();
    connect::make_durable(&mut connection).unwrap();
    schema::migrate(&mut connection).unwrap();
    connection.batch("PRAGMA max_page_count = 1").unwrap();
    identify(&mut connection).unwrap();
    let files = OpenFiles::of(&file);
    let mut writer = SqliteWriter::new(connection, files, lock, store(), <_>::default());

    let many = || (0..200).map(|n| new_intent(n).into_write());
    let Err(WriteError::Refused(failure)) = write(&mut writer, many()).await else {
        panic!("there was room");
    };
    assert!(matches!(
        failure.to_catalog_error(),
        CatalogError::Unavailable(_)
    ));

    let room = "PRAGMA max_page_count = 100000";
    writer.connection.batch(room).unwrap();
    let outcomes = write(&mut writer, many()).await.unwrap();
    assert_eq!(outcomes, intents([IntentOutcome::Recorded; 200]));
}

/// The largest group of the largest records stays within SQLite's limits.
#[tokio::test]
async fn the_largest_group_is_written_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("catalog.sqlite");
    let (_, mut writer) = opened(&file).await;
    let intents = (0..256).map(|n| new_intent(n).into_write());
    write(&mut *writer, intents).await.unwrap();
    let registrations = (0..256).map(|n| registration(&new_intent(n)).into_write());
    let outcomes = write(&mut *writer, registrations).await.unwrap();
    let registered = |outcome: &_| *outcome == Written::Register(RegisterOutcome::Registered);
    assert!(outcomes.len() == 256 && outcomes.iter().all(registered));
}

fn registration(of: &NewIntent) -> Registration {
    let new = sample::new_asset(&of.intent, Provenance::default());
    Registration {
        event: SealedEvent::of(new.event.clone()).unwrap(),
        new: Box::new(new),
        intent: None,
    }
}

fn keyed(number: u64, name: &str) -> NewIntent {
    let new = new_intent(number);
    let key = sample::key(&new.intent.scope, name);
    let body_digest = sample::keyed(&key, &new.intent).body_digest;
    NewIntent {
        key: Some(Box::new(IntentKey {
            caller: key,
            body_digest,
        })),
        ..new
    }
}

/// Of members with one key in a group, the first takes it and the others are not written, and each
/// outcome goes to its own member.
#[tokio::test]
async fn of_members_of_a_group_with_one_key_the_first_is_written() {
    use IntentOutcome::{AlreadyExists, KeyStands, Recorded};
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("catalog.sqlite");
    let (reader, mut writer) = opened(&file).await;
    let group = [
        keyed(1, "a"),
        new_intent(2),
        keyed(3, "a"),
        keyed(4, "b"),
        keyed(2, "c"),
        new_intent(5),
        keyed(6, "a"),
    ];
    let group = group.map(Kind::into_write);
    let outcomes = write(&mut *writer, group).await.unwrap();
    let expected = [
        Recorded,
        Recorded,
        KeyStands,
        Recorded,
        AlreadyExists,
        Recorded,
        KeyStands,
    ];
    assert_eq!(outcomes, intents(expected));
    let later = [keyed(7, "b"), keyed(8, "c"), new_intent(9), keyed(10, "a")];
    let later = later.map(Kind::into_write);
    let outcomes = write(&mut *writer, later).await.unwrap();
    let expected = [KeyStands, Recorded, Recorded, KeyStands];
    assert_eq!(outcomes, intents(expected));

    let scope = sample::scope("t_a", "dev");
    let now = sample::now();
    for (name, number) in [("a", 1), ("b", 4), ("c", 8)] {
        let key = sample::key(&scope, name);
        let standing = reader.find_key(&key, now).await.unwrap().unwrap();
        let intent = sample::intent(&scope, sample::asset_id(number));
        assert_eq!(standing.state, IntentState::Pending(intent), "{name}");
    }
    for (number, events) in [
        (1, 1),
        (2, 1),
        (3, 0),
        (4, 1),
        (5, 1),
        (6, 0),
        (7, 0),
        (8, 1),
    ] {
        let asset = sample::asset_id(number);
        let result = reader
            .events(&scope, &EventQuery::first(1000).of_asset(asset))
            .await
            .unwrap();
        assert_eq!(result.len(), events, "events of {number}");
    }
}

/// Within a group an intent comes before its repeated presigns, and these before its registration.
#[tokio::test]
async fn of_a_group_presigns_come_first_then_repeats_then_registrations() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("catalog.sqlite");
    let (reader, mut writer) = opened(&file).await;
    let (first, second) = (keyed(1, "a"), new_intent(2));
    let registration = registration(&first);
    let repeat = |number| RepeatedPresign {
        scope: sample::scope("t_a", "dev"),
        event: new_intent(number).event,
    };
    // in the opposite order
    let group = [
        registration.into_write(),
        repeat(2).into_write(),
        repeat(3).into_write(),
        first.into_write(),
        repeat(1).into_write(),
        second.into_write(),
        repeat(2).into_write(),
    ];
    let outcomes = write(&mut *writer, group).await.unwrap();
    let repeated = Written::Repeat;
    let expected = [
        Written::Register(RegisterOutcome::Registered),
        repeated(RepeatOutcome::Recorded),
        repeated(RepeatOutcome::NotPending),
        Written::Intent(IntentOutcome::Recorded),
        repeated(RepeatOutcome::Recorded),
        Written::Intent(IntentOutcome::Recorded),
        repeated(RepeatOutcome::Recorded),
    ];
    assert_eq!(outcomes, expected);
    let scope = sample::scope("t_a", "dev");
    for (number, sequences) in [(1, vec![1, 4, 6]), (2, vec![2, 3, 5]), (3, vec![])] {
        let asset = sample::asset_id(number);
        let result = reader
            .events(&scope, &EventQuery::first(1000).of_asset(asset))
            .await
            .unwrap();
        let result: Vec<_> = result.iter().map(|event| event.sequence).collect();
        assert_eq!(result, sequences, "events of {number}");
    }
}

/// A group with only a repeated presign notifies the relay.
#[test]
fn a_repeat_is_an_event_and_a_key_in_use_is_none() {
    assert!(Written::Repeat(RepeatOutcome::Recorded).concerns_relay());
    for nothing in [
        Written::Intent(IntentOutcome::KeyStands),
        Written::Repeat(RepeatOutcome::NotPending),
        Written::Retry(0),
    ] {
        assert!(!nothing.concerns_relay(), "{nothing:?}");
    }
}

/// A download from second `from` to second `to` after [`sample::now`].
fn download(asset: &RawAsset, from: i64, to: i64) -> RecordedDownload {
    let key = DownloadKey {
        scope: asset.scope().clone(),
        asset_id: asset.asset_id(),
        user: sample::user(),
        disposition: Disposition::Attachment,
    };
    let stated = EventDownload {
        disposition: key.disposition,
        expires_at: sample::seconds_after(to),
    };
    let in_force = InForce::as_registered(asset, true);
    let (context, at) = (sample::context(), sample::seconds_after(from));
    let event = EventBody::download_presigned(asset, &in_force, stated, &key.user, &context, at);
    RecordedDownload {
        event: SealedEvent::of(event.clone()).unwrap(),
        new: Box::new(NewDownload {
            last_fact: None,
            key,
            ends_at: stated.expires_at,
            enough_until: sample::seconds_after(i64::midpoint(from, to)),
            event,
        }),
    }
}

/// Of the members of a group that need an event, the one that ends last has it; what an earlier
/// event is enough for is none of them, however late it ends.
#[tokio::test]
async fn of_downloads_in_a_group_the_one_that_ends_last_is_written() {
    use DownloadOutcome::{Granted, Recorded};
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("catalog.sqlite");
    let (_, mut writer) = opened(&file).await;
    let intent = new_intent(1);
    let registered = registration(&intent);
    let asset = registered.new.asset.clone();
    write(&mut *writer, [intent.into_write()]).await.unwrap();
    write(&mut *writer, [registered.into_write()])
        .await
        .unwrap();
    let mut outcomes = async |times: &[(i64, i64)]| {
        let group = times.iter().map(|(from, to)| download(&asset, *from, *to));
        let group: Vec<_> = group.map(Kind::into_write).collect();
        write(&mut *writer, group).await.unwrap()
    };
    let end = |seconds| Written::Download(Granted(sample::seconds_after(seconds)));
    let recorded = || Written::Download(Recorded);
    let first = outcomes(&[(0, 100), (0, 900), (0, 900), (1, 2)]).await;
    assert_eq!(first, [end(900), recorded(), end(900), end(900)]);
    // the second is satisfied until 900, although it ends later than the first
    let second = outcomes(&[(802, 1001), (0, 1800)]).await;
    assert_eq!(second, [recorded(), end(900)]);
}
