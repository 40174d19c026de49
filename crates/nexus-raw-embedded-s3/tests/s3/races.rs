//! Many writers of one key.

use std::collections::BTreeMap;
use std::thread;

use crate::support::Server;

const WRITERS: usize = 50;

#[test]
fn of_many_first_writers_one_wins() {
    let server = Server::start();
    let contents: Vec<_> = (0..WRITERS)
        .map(|writer| format!("writer {writer}"))
        .collect();
    let mut statuses = BTreeMap::new();
    let mut winner = String::new();
    thread::scope(|scope| {
        let writers: Vec<_> = contents
            .iter()
            .map(|content| {
                let write = || {
                    server.signed(
                        "PUT",
                        "/raw/k",
                        &[("if-none-match", "*")],
                        content.as_bytes(),
                    )
                };
                scope.spawn(write)
            })
            .collect();
        for (writer, content) in writers.into_iter().zip(&contents) {
            let answer = writer.join().unwrap();
            *statuses.entry(answer.error()).or_insert(0) += 1;
            if answer.status == 200 {
                winner.clone_from(content);
            }
        }
    });
    let expected = BTreeMap::from([
        ((200, String::new()), 1),
        ((412, "PreconditionFailed".to_owned()), WRITERS - 1),
    ]);
    assert_eq!(statuses, expected);
    let got = server.signed("GET", "/raw/k", &[], b"");
    assert_eq!(String::from_utf8(got.body).unwrap(), winner);
    assert_eq!((server.object_files(), server.staged_files()), (1, 0));
}

#[test]
fn a_reader_never_sees_one_write_with_the_headers_of_another() {
    let server = Server::start();
    let write = |value: &str| {
        let content = value.repeat(1000);
        let put = server.signed(
            "PUT",
            "/raw/k",
            &[("x-amz-meta-value", value)],
            content.as_bytes(),
        );
        assert_eq!(put.status, 200);
    };
    write("0");
    thread::scope(|scope| {
        for value in ["1", "2"] {
            scope.spawn(move || (0..30).for_each(|_| write(value)));
        }
        for _ in 0..60 {
            let got = server.signed("GET", "/raw/k", &[], b"");
            let value = got.header("x-amz-meta-value").unwrap();
            assert_eq!(String::from_utf8_lossy(&got.body), value.repeat(1000));
        }
    });
}
