//! The rules of uploads in the store.

use std::io::Read as _;

use super::*;
use crate::store::ObjectRecord;
use tempfile::tempdir;

fn bucket() -> BucketName {
    BucketName::parse("raw").unwrap()
}

fn store() -> (TempDir, Store) {
    let directory = tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    store.create_bucket(&bucket()).unwrap();
    (directory, store)
}

fn begin(store: &Store, key: &str) -> OpenUpload {
    let record = MultipartRecord {
        bucket: "raw".to_owned(),
        key: key.to_owned(),
        initiated_unix_ms: 1_795_478_400_000,
        headers: vec![("content-type".to_owned(), "image/jpeg".to_owned())],
    };
    let id = store.begin_upload(&bucket(), &record).unwrap();
    let upload = OpenUpload::new(&record, id);
    assert_eq!(store.read_upload(&upload).unwrap(), record);
    upload
}

fn part(number: u16, content: &str) -> StoredPart {
    StoredPart {
        record: PartRecord {
            number,
            modified_unix_ms: 1,
            md5: content.to_owned(),
            checksum: None,
        },
        content_bytes: content.len() as u64,
    }
}

fn put(store: &Store, upload: &OpenUpload, number: u16, content: &str) -> Result<(), StoreError> {
    let mut staged = store.stage()?;
    staged.write(content.as_bytes())?;
    store.store_part(staged, upload, &part(number, content).record)
}

fn complete(store: &Store, upload: &OpenUpload, parts: &[StoredPart]) -> Result<(), StoreError> {
    let staged = store.assemble(upload, parts)?;
    let record = ObjectRecord {
        bucket: "raw".to_owned(),
        key: upload.key.clone(),
        modified_unix_ms: 1,
        md5: "0".repeat(32),
        checksum: None,
        headers: Vec::new(),
        part_count: Some(parts.len()),
    };
    store.complete_upload(upload, staged, &bucket(), &record, IfTaken::Refuse)
}

fn get(store: &Store, key: &str) -> Option<(String, String)> {
    let mut object = store.open_object(&bucket(), key).unwrap()?;
    let mut content = String::new();
    std::io::Seek::rewind(&mut object.file).unwrap();
    object
        .file
        .take(object.content_bytes)
        .read_to_string(&mut content)
        .unwrap();
    Some((content, object.record.etag()))
}

fn files(directory: &TempDir, name: &str) -> usize {
    fs::read_dir(directory.path().join(name)).unwrap().count()
}

#[test]
fn an_object_is_its_parts_in_their_order() {
    let (directory, store) = store();
    let upload = begin(&store, "k");
    for (number, content) in [(2, "two"), (1, "one"), (2, "zwei"), (9, "left out")] {
        put(&store, &upload, number, content).unwrap();
    }
    let parts = [part(1, "one"), part(2, "zwei")];
    complete(&store, &upload, &parts).unwrap();
    let etag = format!("{}-2", "0".repeat(32));
    assert_eq!(get(&store, "k"), Some(("onezwei".to_owned(), etag)));
    let left = (files(&directory, "uploads"), files(&directory, "staging"));
    assert_eq!(left, (0, 0));
}

#[test]
fn open_uploads_outlive_the_store_and_leftovers_do_not() {
    let (directory, store) = store();
    let upload = begin(&store, "k");
    put(&store, &upload, 1, "one").unwrap();
    drop(store);
    // a part half written, and an upload half begun and half removed
    let staging = directory.path().join("staging");
    fs::write(staging.join(".tmpPART"), "half").unwrap();
    fs::create_dir(staging.join("x".repeat(24))).unwrap();
    fs::write(staging.join("x".repeat(24)).join("00001"), "half").unwrap();

    let store = Store::open(directory.path()).unwrap();
    assert_eq!(files(&directory, "staging"), 0);
    let (parts, _) = store.list_parts(&upload, 0, 10).unwrap();
    assert_eq!(parts, [part(1, "one")]);
    let (uploads, _) = store.list_uploads(&bucket(), "", None, 10).unwrap();
    assert_eq!(uploads, [(upload.clone(), 1_795_478_400_000)]);
    complete(&store, &upload, &parts).unwrap();
    assert_eq!(get(&store, "k").unwrap().0, "one");
}

#[test]
fn a_damaged_upload_is_not_open_and_is_left_alone() {
    let (directory, store) = store();
    let (upload, damaged) = (begin(&store, "k"), begin(&store, "damaged"));
    let record = Layout::upload_record(&store.layout.upload(&damaged.id));
    fs::write(record, "damaged").unwrap();
    drop(store);
    let store = Store::open(directory.path()).unwrap();
    let (uploads, _) = store.list_uploads(&bucket(), "", None, 10).unwrap();
    assert_eq!(uploads.len(), 1);
    assert_eq!(uploads[0].0, upload);
    assert_eq!(files(&directory, "uploads"), 2);
}

#[test]
fn an_upload_that_has_ended_takes_no_more_parts() {
    let (directory, store) = store();
    let (aborted, completed) = (begin(&store, "a"), begin(&store, "c"));
    put(&store, &aborted, 1, "one").unwrap();
    put(&store, &completed, 1, "one").unwrap();
    let late = store.stage().unwrap();
    store.abort_upload(&aborted).unwrap();
    complete(&store, &completed, &[part(1, "one")]).unwrap();
    let refused = [
        store.store_part(late, &aborted, &part(2, "").record),
        put(&store, &completed, 1, "two"),
        store.abort_upload(&aborted),
        store.abort_upload(&completed),
        store.list_parts(&aborted, 0, 1).map(drop),
        store.read_parts(&completed, &[1]).map(drop),
        complete(&store, &aborted, &[part(1, "one")]),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(StoreError::NoSuchUpload)));
    }
    let left = (files(&directory, "uploads"), files(&directory, "staging"));
    assert_eq!(left, (0, 0));
}

#[test]
fn a_refused_completion_leaves_the_upload_open() {
    let (_directory, store) = store();
    let (first, second) = (begin(&store, "k"), begin(&store, "k"));
    put(&store, &first, 1, "one").unwrap();
    put(&store, &second, 1, "two").unwrap();
    complete(&store, &first, &[part(1, "one")]).unwrap();
    let refused = complete(&store, &second, &[part(1, "two")]);
    assert!(matches!(refused, Err(StoreError::ObjectExists)));
    assert_eq!(get(&store, "k").unwrap().0, "one");
    assert_eq!(
        store.read_parts(&second, &[1, 2]).unwrap(),
        [Some(part(1, "two")), None]
    );
}

#[test]
fn a_part_that_was_replaced_is_not_copied() {
    let (_directory, store) = store();
    let upload = begin(&store, "k");
    put(&store, &upload, 1, "new").unwrap();
    for other in [part(1, "old"), part(2, "new")] {
        let refused = store.assemble(&upload, &[other]).map(drop);
        assert!(matches!(refused, Err(StoreError::PartReplaced)));
    }
}

#[test]
fn lists_have_pages() {
    let (_directory, store) = store();
    let one = begin(&store, "a/1");
    for number in [1, 3, 10_000] {
        put(&store, &one, number, "x").unwrap();
    }
    let numbers = |after, limit| {
        let (parts, has_more) = store.list_parts(&one, after, limit).unwrap();
        let numbers: Vec<_> = parts.iter().map(|part| part.record.number).collect();
        (numbers, has_more)
    };
    assert_eq!(numbers(0, 2), (vec![1, 3], true));
    assert_eq!(numbers(3, 2), (vec![10_000], false));

    let mut all = vec![one, begin(&store, "a/1"), begin(&store, "a/2")];
    all.sort();
    begin(&store, "b");
    let page = |after, limit| {
        let (uploads, has_more) = store.list_uploads(&bucket(), "a/", after, limit).unwrap();
        let uploads: Vec<_> = uploads.into_iter().map(|(upload, _)| upload).collect();
        (uploads, has_more)
    };
    assert_eq!(page(None, 3), (all.clone(), false));
    assert_eq!(page(None, 1), (all[..1].to_vec(), true));
    let first = Some(("a/1", Some(all[0].id.as_str())));
    assert_eq!(page(first, 9), (all[1..].to_vec(), false));
    assert_eq!(page(Some(("a/1", None)), 9), (all[2..].to_vec(), false));
}

#[test]
fn an_upload_has_a_bucket() {
    let (_directory, store) = store();
    let absent = BucketName::parse("absent").unwrap();
    let record = MultipartRecord {
        bucket: "absent".to_owned(),
        key: "k".to_owned(),
        initiated_unix_ms: 1,
        headers: Vec::new(),
    };
    assert!(matches!(
        store.begin_upload(&absent, &record),
        Err(StoreError::NoSuchBucket)
    ));
    assert!(matches!(
        store.list_uploads(&absent, "", None, 1),
        Err(StoreError::NoSuchBucket)
    ));
}

#[test]
fn the_number_of_open_uploads_is_limited() {
    let (_directory, store) = store();
    let upload = begin(&store, "k");
    let record = store.read_upload(&upload).unwrap();
    for number in 1..MAX_OPEN_UPLOADS {
        let key = format!("k{number}");
        let other = OpenUpload {
            key,
            ..upload.clone()
        };
        store.uploads.insert(other, &record);
    }
    let refused = store.begin_upload(&bucket(), &record);
    assert!(matches!(refused, Err(StoreError::TooManyUploads)));
    store.abort_upload(&upload).unwrap();
    assert!(store.begin_upload(&bucket(), &record).is_ok());
}

#[test]
fn after_a_flush_that_failed_no_upload_changes() {
    let (_directory, store) = store();
    let upload = begin(&store, "k");
    put(&store, &upload, 1, "one").unwrap();
    let record = store.read_upload(&upload).unwrap();
    let (staged, whole) = (store.stage().unwrap(), store.stage().unwrap());
    let (pipe, _other_end) = io::pipe().unwrap();
    let unflushable = File::from(std::os::fd::OwnedFd::from(pipe));
    store.flush(&unflushable, || Ok(())).unwrap_err();
    let object = ObjectRecord {
        bucket: "raw".to_owned(),
        key: "k".to_owned(),
        modified_unix_ms: 1,
        md5: String::new(),
        checksum: None,
        headers: Vec::new(),
        part_count: Some(1),
    };
    let refused = [
        store.begin_upload(&bucket(), &record).map(drop),
        store.list_uploads(&bucket(), "", None, 1).map(drop),
        store.store_part(staged, &upload, &part(2, "").record),
        store.list_parts(&upload, 0, 1).map(drop),
        store.abort_upload(&upload),
        store.assemble(&upload, &[]).map(drop),
        store.complete_upload(&upload, whole, &bucket(), &object, IfTaken::Refuse),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(StoreError::Stopped)));
    }
}

#[test]
fn what_waits_for_an_upload_does_not_outlive_it() {
    let (directory, store) = store();
    let upload = begin(&store, "k");
    put(&store, &upload, 1, "one").unwrap();
    let change = store.pending.begin(&store.layout.upload(&upload.id));
    std::thread::scope(|scope| {
        let stored = scope.spawn(|| put(&store, &upload, 2, "two"));
        let completed = scope.spawn(|| complete(&store, &upload, &[part(1, "one")]));
        // both have written their files, and wait
        while files(&directory, "staging") < 2 {
            std::thread::yield_now();
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        drop(store.end_upload(&upload).unwrap());
        drop(change);
        for refused in [stored.join().unwrap(), completed.join().unwrap()] {
            assert!(matches!(refused, Err(StoreError::NoSuchUpload)));
        }
    });
    assert_eq!(get(&store, "k"), None);
    let left = (files(&directory, "uploads"), files(&directory, "staging"));
    assert_eq!(left, (0, 0));
}
