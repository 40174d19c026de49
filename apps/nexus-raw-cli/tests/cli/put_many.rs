//! `put` of directories and of several files, with the real server.

use std::fs;

use serde_json::{Value, json};

use crate::{
    footage::{Footage, last, lines},
    run::run,
};

#[test]
fn the_files_of_a_directory_are_stored_once_each_with_its_path() {
    let footage = Footage::with(&[
        ("a.txt", b"one"),
        ("day 1/a.txt", b"one"),
        ("day 1/clip.mp4", b"two"),
        ("day 1/empty", b""),
        ("day 2/deep/note.txt", b"three"),
    ]);
    let ran = footage.put(&[]);
    assert_eq!((ran.exit, ran.out.lines().count()), (0, 5), "{ran:?}");
    for path in ["footage/a.txt", "footage/day 1/clip.mp4"] {
        let line = ran.out.lines().find(|it| it.ends_with(path)).unwrap();
        assert_eq!(line.len(), 36 + 2 + path.len());
    }
    assert_eq!(
        lines(&ran.err),
        ["5 files, 14 B", "stored 5 files (14 B)"],
        "{ran:?}"
    );
    let expected = [
        ("a.txt", json!("a.txt"), 3),
        ("a.txt", json!("day 1/a.txt"), 3),
        ("clip.mp4", json!("day 1/clip.mp4"), 3),
        ("empty", json!("day 1/empty"), 0),
        ("note.txt", json!("day 2/deep/note.txt"), 5),
    ];
    let expected = expected.map(|(name, path, size)| (name.to_owned(), path, size));
    assert_eq!(footage.assets(), expected);

    // an empty file has nothing by which it could be recognised
    footage.write("new", b"four");
    let again = footage.put(&["--json"]);
    assert_eq!(again.exit, 0);
    assert_eq!(
        lines(&again.err),
        [
            "6 files, 18 B",
            "stored 2 files (4 B), 4 registered already"
        ]
    );
    let stored: Vec<Value> = again
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(stored.len(), 6);
    assert_eq!(footage.assets().len(), 7);

    let anew = footage.put(&["--again", "--quiet"]);
    assert_eq!((anew.exit, anew.err.as_str()), (0, ""));
    assert_eq!(footage.assets().len(), 13);
}

#[test]
fn a_large_file_goes_up_in_parts_and_is_recognised() {
    let content: Vec<u8> = (0..20_000_003_u32).map(|it| (it % 251) as u8).collect();
    let footage = Footage::with(&[("film.mp4", &content), ("note.txt", b"three")]);
    let ran = footage.put(&["--part-threshold", "10MiB", "--json"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let film = ran.out.lines().find(|it| it.contains("film.mp4")).unwrap();
    let record: Value = serde_json::from_str(film).unwrap();
    assert_eq!(record["integrity"]["level"], "s3_composite_sha256");
    assert_eq!(record["integrity"]["parts"], 3);
    assert!(footage.object(film) == content);
    let asset = record["asset_id"].as_str().unwrap();
    assert_eq!(
        lines(&ran.err),
        [
            "2 files, 19.1 MiB, 1 of them in parts".to_owned(),
            format!("asset {asset}: footage/film.mp4"),
            "stored 2 files (19.1 MiB)".to_owned(),
        ]
    );
    // in one request or in parts, it is the same content of the same user
    for threshold in ["10MiB", "1GiB"] {
        let again = footage.put(&["--part-threshold", threshold]);
        assert_eq!(
            last(&again.err).rsplit_once(", in ").unwrap().0,
            "stored 0 files (0 B), 2 registered already",
            "{again:?}"
        );
    }
    assert_eq!(footage.assets().len(), 2);
    let left = fs::read_dir(footage.directory.path().join("state/nexus-raw"));
    assert_eq!(left.unwrap().count(), 0);
}

#[test]
fn patterns_select_files_of_directories() {
    let files: [(&str, &[u8]); 6] = [
        ("a.mp4", b"1"),
        ("a.txt", b"2"),
        ("day1/b.mp4", b"3"),
        ("day1/proxy/b.mp4", b"4"),
        ("day2/c.MP4", b"5"),
        ("day2/.cache/d.mp4", b"6"),
    ];
    let footage = Footage::with(&files);
    for (args, expected) in [
        (
            &["--include", "*.mp4"][..],
            &["a.mp4", "day1/b.mp4", "day1/proxy/b.mp4"][..],
        ),
        (
            &["--include", "*.mp4", "--exclude", "proxy"],
            &["a.mp4", "day1/b.mp4"],
        ),
        (&["--include", "day1/*"], &["day1/b.mp4"]),
        (
            &["--include", "day1/**", "--include", "*.MP4"],
            &["day1/b.mp4", "day1/proxy/b.mp4", "day2/c.MP4"],
        ),
        (&["--exclude", "*.[mM][pP]4", "--hidden"], &["a.txt"]),
        (
            &["--hidden", "--include", "/day2/**"],
            &["day2/.cache/d.mp4", "day2/c.MP4"],
        ),
    ] {
        let ran = footage.put(&[args, &["--dry-run"]].concat());
        let paths = ran.out.lines().map(|line| line.split("footage/").nth(1));
        let paths: Vec<_> = paths.map(Option::unwrap).collect();
        assert_eq!((ran.exit, &*paths), (0, expected), "{args:?}");
    }
    assert_eq!(footage.assets(), []);
}

#[test]
fn a_dry_run_tells_what_would_be_done() {
    let footage = Footage::with(&[("a.txt", b"one"), ("b.bin", &vec![7; 9_000_000])]);
    assert_eq!(footage.run(&["put", "footage/a.txt"]).exit, 0);
    // a file of a directory has its path, too
    let plan = |args: &[&str]| footage.run(&[&["put", "--dry-run"], args].concat());
    let ran = plan(&["footage", "--part-threshold", "8MiB"]);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (
            0,
            "store                  3 B  footage/a.txt\n\
             store in parts     8.6 MiB  footage/b.bin\n"
        )
    );
    let ran = plan(&["footage", "--part-threshold", "8MiB", "--json"]);
    let lines: Vec<Value> = ran
        .out
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            json!({"path": "footage/a.txt", "would": "store", "size_bytes": 3}),
            json!({"path": "footage/b.bin", "would": "store in parts", "size_bytes": 9_000_000}),
        ]
    );
    let ran = plan(&["footage/a.txt"]);
    assert_eq!(ran.out, "skip                   3 B  footage/a.txt\n");
    assert_eq!(footage.assets().len(), 1);
}

#[test]
fn paths_come_from_a_list_and_a_file_from_standard_input() {
    let footage = Footage::with(&[("a.txt", b"one"), ("b.txt", b"two"), ("c.txt", b"three")]);
    let list = footage.directory.path().join("list");
    fs::write(&list, "footage/a.txt\n\nfootage/b.txt\n").unwrap();
    let ran = footage.run(&["put", "--files-from", "list", "footage/c.txt"]);
    assert_eq!((ran.exit, ran.out.lines().count()), (0, 3), "{ran:?}");
    assert!(footage.assets().iter().all(|(_, path, _)| path.is_null()));
    fs::write(&list, "\n").unwrap();
    let ran = footage.run(&["put", "--files-from", "list"]);
    assert_eq!(
        (ran.exit, ran.err.as_str()),
        (2, "error: --files-from list: no path in it\n")
    );
    let mut command = footage.server.command();
    command.write_stdin(&b"from a pipe"[..]);
    let ran = run(
        &mut command,
        ["put", "-", "--filename", "piped.txt", "--json"],
    );
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    assert_eq!(footage.object(&ran.out), b"from a pipe");
}

#[test]
fn a_decomposed_name_is_stored_composed_unless_names_are_strict() {
    let footage = Footage::with(&[("cafe\u{301}/e\u{301}.txt", b"one")]);
    let strict = footage.put(&["--strict-names"]);
    assert_eq!(
        lines(&strict.err),
        [
            "0 files, 0 B",
            "error: footage/cafe\u{301}/e\u{301}.txt: is not in Unicode Normalization Form C",
            "stored 0 files (0 B), 1 failed",
        ]
    );
    assert_eq!((strict.exit, footage.assets().len()), (2, 0));
    let ran = footage.put(&[]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert!(
        ran.err
            .starts_with("e\u{301}.txt is stored with its name composed (NFC)\n")
    );
    let stored = ("\u{e9}.txt".to_owned(), json!("caf\u{e9}/\u{e9}.txt"), 3);
    assert_eq!(footage.assets(), [stored]);
}

#[test]
fn a_stated_path_is_compared_as_well() {
    let footage = Footage::with(&[("a.txt", b"one")]);
    for (args, count) in [
        (&["--label", "path=x"][..], 1),
        (&["--label", "path=x"], 1),
        (&[], 2),
        (&["--label", "path=y"], 3),
        (&[], 3),
    ] {
        let ran = footage.run(&[&["put", "footage/a.txt"], args].concat());
        assert_eq!((ran.exit, footage.assets().len()), (0, count), "{args:?}");
    }
}

/// What the caller alone has stated of a content is no proof for another.
#[test]
fn an_upload_in_parts_of_another_user_is_taken_only_if_it_was_verified() {
    let content = vec![5; 2_000_000];
    let footage = Footage::with(&[("film.mp4", &content)]);
    let in_parts = ["put", "footage/film.mp4", "--part-threshold", "1MiB"];
    let first = footage.run(&[&in_parts[..], &["--json"]].concat());
    let record: Value = serde_json::from_str(&first.out).unwrap();
    let id = record["asset_id"].as_str().unwrap();

    let token = footage.run(&[
        "token",
        "--data-dir",
        footage.server.data_dir(),
        "--tenant",
        "t_demo",
        "--role",
        "owner",
        "--user",
        "u_other",
    ]);
    let other = [&in_parts[..], &["--token", token.out.trim(), "--dry-run"]].concat();
    assert!(footage.run(&other).out.starts_with("store in parts "));
    assert!(
        footage
            .run(&[&in_parts[..], &["--dry-run"]].concat())
            .out
            .starts_with("skip ")
    );
    assert_eq!(footage.run(&["verify", id]).exit, 0);
    assert!(footage.run(&other).out.starts_with("skip "));

    // one that is denied is none even for its own user
    footage.write("other.mp4", &[content, vec![6]].concat());
    let in_parts = ["put", "footage/other.mp4", "--part-threshold", "1MiB"];
    let first = footage.run(&[&in_parts[..], &["--json"]].concat());
    let record: Value = serde_json::from_str(&first.out).unwrap();
    let object = footage.server.object(record["uri"].as_str().unwrap());
    let mut bytes = fs::read(&object).unwrap();
    bytes[0] ^= 1;
    fs::write(&object, bytes).unwrap();
    let plan = || footage.run(&[&in_parts[..], &["--dry-run"]].concat()).out;
    assert!(plan().starts_with("skip "), "nobody has looked yet");
    let id = record["asset_id"].as_str().unwrap();
    assert_eq!(footage.run(&["verify", id]).exit, 1);
    assert!(plan().starts_with("store in parts "));
}
