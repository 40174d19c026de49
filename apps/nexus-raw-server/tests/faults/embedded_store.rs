//! The medium of the embedded store fails: strace has the flush of a directory, or the opening of
//! one, end in an error.

use std::{fs, path::PathBuf};

use nexus_raw::asset::Sha256Digest;

use crate::{
    house::{Owner, embedded, store_of},
    http::Answer,
    machine::{Machine, Server},
    medium::{Injection, injection, traced},
};

const FLUSHES: &str = "fsync,fdatasync";

/// A machine on which the server has been, so that the directories of objects are there.
struct Used {
    machine: Machine,
    /// Those that the probe of a start does not use.
    directories: Vec<PathBuf>,
}

impl Used {
    fn new() -> Self {
        let machine = Machine::new();
        let server = Machine::start_by(&mut embedded(&machine));
        assert_eq!(server.stop().0.code(), Some(0));
        let bucket = machine.data_dir().join("s3/buckets/nexus-raw");
        let shards = fs::read_dir(bucket).unwrap().map(|it| it.unwrap().path());
        let is_empty = |shard: &PathBuf| fs::read_dir(shard).unwrap().next().is_none();
        let directories: Vec<_> = shards.filter(is_empty).collect();
        assert!(directories.len() > 200, "{directories:?}");
        Self {
            machine,
            directories,
        }
    }

    fn start(&self) -> Server {
        Machine::start_by(&mut embedded(&self.machine))
    }

    /// Starts the server on directories of objects that fail.
    fn start_failing(&self, injection: &Injection, calls: &str) -> Server {
        let trace = self.machine.data_dir().with_file_name("trace");
        let program = embedded(&self.machine);
        let mut failing = traced(&program, &trace, &self.directories, calls, Some(injection));
        Machine::start_by(&mut failing)
    }

    /// Presigns a content whose object is to be in one of the directories.
    async fn presign(&self, owner: &Owner, content: &[u8]) -> Answer {
        loop {
            let presigned = owner.presign(content).await.unwrap();
            let target = target_of(&presigned);
            if self.has(target.strip_prefix("/nexus-raw/").unwrap()) {
                return presigned;
            }
        }
    }

    /// Whether an object is in one of the directories.
    fn has(&self, key: &str) -> bool {
        let name = Sha256Digest::of(key.as_bytes()).to_string();
        self.directories.iter().any(|it| it.ends_with(&name[..2]))
    }
}

fn id_of(presigned: &Answer) -> String {
    presigned.json()["asset_id"].as_str().unwrap().to_owned()
}

/// Where the store has the object, for a client with its keys.
fn target_of(presigned: &Answer) -> String {
    let uri = presigned.json()["uri"].as_str().unwrap().to_owned();
    uri.strip_prefix("s3:/").unwrap().to_owned()
}

fn has_ended_by_the_medium(server: Server) {
    let (status, _, log) = server.ended();
    assert_eq!(status.code(), Some(74), "{log:?}");
    let last = log.last().unwrap();
    let reason = "the medium of the embedded object store failed";
    assert!(last.contains(reason), "{last}");
    assert!(!log.iter().any(|line| line.contains("panick")), "{log:?}");
}

#[tokio::test]
async fn an_object_whose_name_is_not_flushed_is_not_there_and_the_server_ends_with_74() {
    for error in ["EIO", "ENOSPC"] {
        let used = Used::new();
        let server = used.start_failing(&injection(FLUSHES, error, "1+"), FLUSHES);
        let owner = Owner::of(server.address);
        let presigned = used.presign(&owner, b"content").await;
        assert_eq!(
            owner.put(&presigned, b"content").await,
            Some(500),
            "{error}"
        );
        // answered, or not at all since the server is gone; never taken for proved
        if let Some(answer) = owner.register(&id_of(&presigned)).await {
            assert_eq!(answer.status, 503, "{error}: {}", answer.json());
        }
        has_ended_by_the_medium(server);

        let server = used.start();
        let owner = Owner::of(server.address);
        let answer = owner.register(&id_of(&presigned)).await.unwrap();
        let (status, code, _) = answer.problem();
        assert_eq!((status, &*code), (409, "object-not-uploaded"), "{error}");
        let again = used.presign(&owner, b"content").await;
        owner.upload(&again, b"content").await;
        let answer = owner.register(&id_of(&again)).await.unwrap();
        assert_eq!(answer.status, 201, "{error}");
        assert_eq!(server.stop().0.code(), Some(0), "{error}");
    }
}

#[tokio::test]
async fn what_was_replaced_is_there_again_where_the_flush_fails() {
    let used = Used::new();
    let server = used.start();
    let put = |server: &Server, content: &[u8]| {
        let answer = store_of(server).signed("PUT", "/nexus-raw/k", &[], content);
        answer.error().0
    };
    assert!(used.has("k"));
    assert_eq!(put(&server, b"one"), 200);
    assert_eq!(server.stop().0.code(), Some(0));

    let server = used.start_failing(&injection(FLUSHES, "EIO", "1+"), FLUSHES);
    assert_eq!(put(&server, b"two"), 500);
    has_ended_by_the_medium(server);

    let server = used.start();
    let answer = store_of(&server).signed("GET", "/nexus-raw/k", &[], b"");
    assert_eq!((answer.status, &*answer.body), (200, &b"one"[..]));
    assert_eq!(server.stop().0.code(), Some(0));
}

#[tokio::test]
async fn a_deletion_that_is_not_flushed_is_not_answered_as_done_and_the_server_ends_with_74() {
    let used = Used::new();
    let server = used.start();
    let owner = Owner::of(server.address);
    let presigned = used.presign(&owner, b"content").await;
    owner.upload(&presigned, b"content").await;
    assert_eq!(server.stop().0.code(), Some(0));

    let server = used.start_failing(&injection(FLUSHES, "EIO", "1+"), FLUSHES);
    let target = target_of(&presigned);
    let answer = store_of(&server).signed("DELETE", &target, &[], b"");
    assert_eq!(answer.error(), (500, "InternalError".to_owned()));
    has_ended_by_the_medium(server);
}

#[tokio::test]
async fn without_a_descriptor_for_the_directory_nothing_is_published_or_deleted() {
    const OPENING: &str = "open,openat";
    let used = Used::new();
    let server = used.start();
    let owner = Owner::of(server.address);
    let kept = used.presign(&owner, b"kept").await;
    owner.upload(&kept, b"kept").await;
    assert_eq!(server.stop().0.code(), Some(0));

    let server = used.start_failing(&injection(OPENING, "EMFILE", "1+"), OPENING);
    let owner = Owner::of(server.address);
    let refused = used.presign(&owner, b"content").await;
    assert_eq!(owner.put(&refused, b"content").await, Some(500));
    let answer = owner.register(&id_of(&refused)).await.unwrap();
    let (status, code, _) = answer.problem();
    assert_eq!((status, &*code), (409, "object-not-uploaded"));
    let answer = store_of(&server).signed("DELETE", &target_of(&kept), &[], b"");
    assert_eq!(answer.error(), (500, "InternalError".to_owned()));
    // it lacked a descriptor, and nothing else
    let answer = owner.register(&id_of(&kept)).await.unwrap();
    assert_eq!(answer.status, 201);
    assert_eq!(server.stop().0.code(), Some(0));
}
