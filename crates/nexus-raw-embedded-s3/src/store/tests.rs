//! The rules of the store as a whole.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::format::FormatError;
use super::*;
use tempfile::{TempDir, tempdir};

fn store() -> (TempDir, Store, BucketName) {
    let directory = tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let bucket = BucketName::parse("raw").unwrap();
    store.create_bucket(&bucket).unwrap();
    (directory, store, bucket)
}

fn record(key: &str, value: &str) -> ObjectRecord {
    ObjectRecord {
        bucket: "raw".to_owned(),
        key: key.to_owned(),
        modified_unix_ms: 1,
        md5: String::new(),
        checksum: None,
        headers: vec![("content-type".to_owned(), value.to_owned())],
        part_count: None,
    }
}

fn put(store: &Store, key: &str, content: &str, if_taken: IfTaken) -> Result<(), StoreError> {
    let mut staged = store.stage()?;
    staged.write(content.as_bytes())?;
    let bucket = BucketName::parse("raw").unwrap();
    store.publish(staged, &bucket, &record(key, content), if_taken)
}

fn get(store: &Store, key: &str) -> Option<(String, ObjectRecord)> {
    let bucket = BucketName::parse("raw").unwrap();
    let object = store.open_object(&bucket, key).unwrap()?;
    let mut content = String::new();
    std::io::Seek::rewind(&mut &object.file).unwrap();
    (&object.file)
        .take(object.content_bytes)
        .read_to_string(&mut content)
        .unwrap();
    Some((content, object.record))
}

fn files(directory: &Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

#[test]
fn an_object_is_read_as_it_was_published() {
    let (_directory, store, _) = store();
    put(&store, "a/../b", "one", IfTaken::Refuse).unwrap();
    assert_eq!(
        get(&store, "a/../b"),
        Some(("one".to_owned(), record("a/../b", "one")))
    );
    assert_eq!(get(&store, "b"), None);
}

#[test]
fn a_taken_key_is_refused_or_replaced_as_requested() {
    let (_directory, store, _) = store();
    put(&store, "k", "one", IfTaken::Refuse).unwrap();
    assert!(matches!(
        put(&store, "k", "two", IfTaken::Refuse),
        Err(StoreError::ObjectExists)
    ));
    assert_eq!(get(&store, "k").unwrap().0, "one");
    put(&store, "k", "two", IfTaken::Replace).unwrap();
    assert_eq!(
        get(&store, "k"),
        Some(("two".to_owned(), record("k", "two")))
    );
}

#[test]
fn what_is_dropped_or_refused_leaves_no_file() {
    let (directory, store, _) = store();
    put(&store, "k", "one", IfTaken::Refuse).unwrap();
    put(&store, "k", "two", IfTaken::Refuse).unwrap_err();
    let mut staged = store.stage().unwrap();
    staged.write(b"half").unwrap();
    assert_eq!(files(&directory.path().join("staging")), 1);
    drop(staged);
    assert_eq!(files(&directory.path().join("staging")), 0);
}

#[test]
fn objects_outlive_the_store_and_leftovers_do_not() {
    let (directory, store, bucket) = store();
    put(&store, "k", "one", IfTaken::Refuse).unwrap();
    drop(store);
    std::fs::write(directory.path().join("staging/.tmpXYZ"), "half").unwrap();

    let store = Store::open(directory.path()).unwrap();
    assert_eq!(get(&store, "k").unwrap().0, "one");
    assert_eq!(files(&directory.path().join("staging")), 0);
    assert!(matches!(
        store.create_bucket(&bucket),
        Err(StoreError::BucketExists)
    ));
}

#[test]
fn a_directory_has_one_store_at_a_time() {
    let (directory, store, _) = store();
    assert!(matches!(
        Store::open(directory.path()),
        Err(OpenError::InUse)
    ));
    drop(store);
    assert!(Store::open(directory.path()).is_ok());
}

#[test]
fn a_directory_that_is_made_is_for_its_owner_alone() {
    let parent = tempdir().unwrap();
    let root = parent.path().join("s3");
    drop(Store::open(&root).unwrap());
    let mode = root.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn an_unknown_format_is_left_alone() {
    let directory = tempdir().unwrap();
    std::fs::write(
        directory.path().join("store"),
        "nexus-raw-embedded-s3 format 2\n",
    )
    .unwrap();
    assert!(matches!(
        Store::open(directory.path()),
        Err(OpenError::UnknownFormat)
    ));
}

#[test]
fn a_format_line_cut_by_a_crash_is_completed() {
    let directory = tempdir().unwrap();
    std::fs::write(directory.path().join("store"), "nexus-raw-emb").unwrap();
    drop(Store::open(directory.path()).unwrap());
    assert!(Store::open(directory.path()).is_ok());
}

#[test]
fn a_file_under_another_key_is_damaged() {
    let (_directory, store, bucket) = store();
    put(&store, "k", "one", IfTaken::Refuse).unwrap();
    let (from, to) = (
        store.layout.object(&bucket, "k"),
        store.layout.object(&bucket, "other"),
    );
    std::fs::rename(from.file, to.file).unwrap();
    assert!(matches!(
        store.open_object(&bucket, "other"),
        Err(StoreError::Damaged(FormatError::OtherObject))
    ));
}

#[test]
fn an_open_object_stays_what_it_was() {
    let (_directory, store, bucket) = store();
    put(&store, "k", "one", IfTaken::Refuse).unwrap();
    let object = store.open_object(&bucket, "k").unwrap().unwrap();
    put(&store, "k", "two", IfTaken::Replace).unwrap();
    store.delete_object(&bucket, "k").unwrap();

    let mut content = String::new();
    std::io::Seek::rewind(&mut &object.file).unwrap();
    (&object.file)
        .take(object.content_bytes)
        .read_to_string(&mut content)
        .unwrap();
    assert_eq!(
        (content.as_str(), object.record),
        ("one", record("k", "one"))
    );
    assert_eq!(get(&store, "k"), None);
}

#[test]
fn an_absent_bucket_is_distinguished_from_an_absent_key() {
    let (_directory, store, _) = store();
    let absent = BucketName::parse("absent").unwrap();
    let mut staged = store.stage().unwrap();
    staged.write(b"x").unwrap();
    assert!(matches!(
        store.publish(staged, &absent, &record("k", "v"), IfTaken::Replace),
        Err(StoreError::NoSuchBucket)
    ));
    assert!(matches!(
        store.open_object(&absent, "k"),
        Err(StoreError::NoSuchBucket)
    ));
    assert!(matches!(
        store.delete_object(&absent, "k"),
        Err(StoreError::NoSuchBucket)
    ));
}

#[test]
fn a_reader_waits_for_the_change_under_way() {
    let (_directory, store, bucket) = store();
    put(&store, "k", "one", IfTaken::Refuse).unwrap();
    let change = store.pending.begin(&store.layout.object(&bucket, "k").file);
    std::thread::scope(|scope| {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (store, bucket) = (&store, &bucket);
        scope.spawn(move || sender.send(store.open_object(bucket, "k").unwrap().is_some()));
        assert!(
            receiver
                .recv_timeout(std::time::Duration::from_millis(200))
                .is_err()
        );
        // another key is no matter
        put(store, "other", "one", IfTaken::Refuse).unwrap();
        assert!(get(store, "other").is_some());
        std::fs::remove_file(store.layout.object(bucket, "k").file).unwrap();
        drop(change);
        assert!(!receiver.recv().unwrap());
    });
}

#[test]
fn after_a_flush_that_failed_nothing_is_read_or_written_any_more() {
    let (_directory, store, bucket) = store();
    put(&store, "k", "one", IfTaken::Refuse).unwrap();
    let staged = store.stage().unwrap();
    // a pipe is no medium: it cannot be flushed
    let (pipe, _other_end) = io::pipe().unwrap();
    let unflushable = File::from(std::os::fd::OwnedFd::from(pipe));
    let place = store.layout.object(&bucket, "k").file;
    let failed = store.flush(&unflushable, || fs::remove_file(&place));
    assert!(matches!(failed, Err(StoreError::Flush(_))));
    assert!(!place.exists());
    let refused = [
        store.open_object(&bucket, "k").map(drop),
        store.stage().map(drop),
        store.publish(staged, &bucket, &record("k", "v"), IfTaken::Refuse),
        store.delete_object(&bucket, "k"),
        store.create_bucket(&BucketName::parse("more").unwrap()),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(matches!(error, StoreError::Stopped) && error.is_of_the_medium());
    }
}
