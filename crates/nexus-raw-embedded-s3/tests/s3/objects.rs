//! What is put is what is got.

use crate::support::{Server, upload_headers};
use nexus_raw_testkit::s3::Presign;
use nexus_raw_testkit::s3::{base64_sha256, encode_path};

const PATH: &str = "/raw/tenants/t_demo/dev/raw/1/a.jpg";

#[test]
fn a_presigned_upload_is_kept_with_all_that_it_carried() {
    let server = Server::start();
    let content = b"a photograph";
    let headers = upload_headers(content);
    let target = server.signer().presign(&Presign {
        method: "PUT",
        path: PATH,
        query: &[],
        headers: &headers,
        expires: 900,
    });
    let digest = base64_sha256(content);
    let etag = "\"a4aaf8062678c67a5b5cbe1da2b2a044\"";

    let put = server.send("PUT", &target, &headers, content);
    assert_eq!((put.status, put.body.as_slice()), (200, &b""[..]));
    assert_eq!(put.header("etag"), Some(etag));
    assert_eq!(put.header("x-amz-checksum-sha256"), Some(digest.as_str()));

    let got = server.signed("GET", PATH, &[], b"");
    assert_eq!((got.status, got.body.as_slice()), (200, &content[..]));
    let head = server.signed("HEAD", PATH, &[("x-amz-checksum-mode", "ENABLED")], b"");
    assert_eq!((head.status, head.body.as_slice()), (200, &b""[..]));
    for (name, value) in [
        ("content-length", "12"),
        ("content-type", "image/jpeg"),
        ("etag", etag),
        ("accept-ranges", "bytes"),
        ("x-amz-meta-tenant-id", "t_demo"),
        ("x-amz-checksum-sha256", digest.as_str()),
        ("x-amz-checksum-type", "FULL_OBJECT"),
    ] {
        assert_eq!(head.header(name), Some(value), "{name}");
    }
    assert!(
        head.header("last-modified")
            .is_some_and(|time| time.ends_with(" GMT"))
    );
}

#[test]
fn a_checksum_is_returned_only_on_request() {
    let server = Server::start();
    server.signed("PUT", "/raw/k", &[], b"123456789");
    let plain = server.signed("HEAD", "/raw/k", &[], b"");
    let requested = server.signed("HEAD", "/raw/k", &[("x-amz-checksum-mode", "ENABLED")], b"");
    let other = server.signed("GET", "/raw/k", &[("x-amz-checksum-mode", "yes")], b"");
    assert_eq!(plain.header("x-amz-checksum-crc64nvme"), None);
    assert_eq!(
        requested.header("x-amz-checksum-crc64nvme"),
        Some("rosUhgp5mIg=")
    );
    assert_eq!(requested.header("x-amz-checksum-sha256"), None);
    assert_eq!(other.error(), (400, "InvalidArgument".to_owned()));
}

#[test]
fn headers_come_back_byte_for_byte() {
    let server = Server::start();
    let headers = [
        ("cache-control", "no-cache,  private"),
        (
            "content-disposition",
            "attachment; filename=\"=?utf-8?q?a?=\"",
        ),
        ("content-encoding", "gzip"),
        ("content-language", "de, it"),
        ("content-type", "Text/HTML;Charset=\"utf-8\""),
        ("expires", "Wed, 21 Oct 2026 07:28:00 GMT"),
        ("x-amz-meta-empty", ""),
        ("x-amz-meta-encoded", "=?UTF-8?Q?=C3=A9?="),
    ];
    // a signature does not see how many spaces there are, a store does
    let signable = headers.map(|(name, value)| (name, value.replace("  ", " ")));
    let signable = signable
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let mut sent = server
        .signer()
        .sign_header("PUT", "/raw/k", &signable, b"x");
    for (name, value) in &mut sent {
        if name == "cache-control" {
            *value = "no-cache,  private".to_owned();
        }
    }
    assert_eq!(server.send("PUT", "/raw/k", &sent, b"x").status, 200);
    let head = server.signed("HEAD", "/raw/k", &[], b"");
    for (name, value) in headers {
        assert_eq!(head.header(name), Some(value), "{name}");
    }
}

#[test]
fn an_upload_without_a_type_has_the_type_of_s3() {
    let server = Server::start();
    server.signed("PUT", "/raw/k", &[], b"x");
    let head = server.signed("HEAD", "/raw/k", &[], b"");
    assert_eq!(head.header("content-type"), Some("binary/octet-stream"));
}

#[test]
fn metadata_has_a_limit() {
    let server = Server::start();
    let (fits, too_long) = ("v".repeat(2048 - 1), "v".repeat(2048));
    let put = |value: &str| server.signed("PUT", "/raw/k", &[("x-amz-meta-a", value)], b"x");
    assert_eq!(put(&too_long).error(), (400, "MetadataTooLarge".to_owned()));
    assert_eq!(server.object_files(), 0);
    assert_eq!(put(&fits).status, 200);
}

#[test]
fn odd_keys_are_kept_apart_and_inside() {
    let server = Server::start();
    let long = ["k".repeat(1024), "é".repeat(512)];
    let keys = [
        ".",
        "..",
        "../x",
        "a/../../b",
        "a/b",
        "a//b",
        "/lead",
        "trail/",
        "trail",
        "sp ace",
        "pl+us",
        "100%",
        "a%2Fb",
        "\u{e9}",
        "e\u{301}",
        "\u{202e}x",
        "A",
        "a",
        "new\nline",
        "nul\0",
        "?q=1",
        "#f",
        long[0].as_str(),
        long[1].as_str(),
    ];
    for key in keys {
        let put = server.signed("PUT", &path(key), &[("if-none-match", "*")], key.as_bytes());
        assert_eq!(put.status, 200, "{key:?}: {put:?}");
    }
    for key in keys {
        let got = server.signed("GET", &path(key), &[], b"");
        assert_eq!(
            (got.status, got.body.as_slice()),
            (200, key.as_bytes()),
            "{key:?}"
        );
    }
    assert_eq!(server.object_files(), keys.len());
    let too_long = server.signed("PUT", &path(&"k".repeat(1025)), &[], b"x");
    assert_eq!(too_long.error(), (400, "KeyTooLongError".to_owned()));
}

fn path(key: &str) -> String {
    format!("/raw/{}", encode_path(key))
}

#[test]
fn a_range_is_a_part_of_the_content() {
    let server = Server::start();
    server.signed("PUT", "/raw/k", &[], b"0123456789");
    server.signed("PUT", "/raw/empty", &[], b"");
    let get = |range: &str| {
        let got = server.signed("GET", "/raw/k", &[("range", range)], b"");
        let shown = got.header("content-range").map(str::to_owned);
        (got.status, String::from_utf8(got.body).unwrap(), shown)
    };
    let part = |text: &str, range: &str| (206, text.to_owned(), Some(range.to_owned()));
    assert_eq!(get("bytes=0-0"), part("0", "bytes 0-0/10"));
    assert_eq!(get("bytes=3-5"), part("345", "bytes 3-5/10"));
    assert_eq!(get("bytes=8-"), part("89", "bytes 8-9/10"));
    assert_eq!(get("bytes=8-99"), part("89", "bytes 8-9/10"));
    assert_eq!(get("bytes=-3"), part("789", "bytes 7-9/10"));
    let out = server.signed("GET", "/raw/k", &[("range", "bytes=10-")], b"");
    assert_eq!(out.error(), (416, "InvalidRange".to_owned()));
    let empty = server.signed("GET", "/raw/empty", &[], b"");
    assert_eq!((empty.status, empty.body.as_slice()), (200, &b""[..]));
    let none = server.signed("GET", "/raw/empty", &[("range", "bytes=0-")], b"");
    assert_eq!(none.error(), (416, "InvalidRange".to_owned()));
}

#[test]
fn a_large_object_streams_in_and_out() {
    let server = Server::start();
    let content: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    let put = server.signed(
        "PUT",
        "/raw/k",
        &[("x-amz-checksum-sha256", &base64_sha256(&content))],
        &content,
    );
    assert_eq!(put.status, 200);
    let got = server.signed("GET", "/raw/k", &[], b"");
    assert_eq!((got.status, got.body == content), (200, true));
    let part = server.signed("GET", "/raw/k", &[("range", "bytes=1000000-1999999")], b"");
    assert_eq!(
        (part.status, part.body == content[1_000_000..2_000_000]),
        (206, true)
    );
}

#[test]
fn a_read_has_conditions() {
    let server = Server::start();
    let put = server.signed("PUT", "/raw/k", &[], b"x");
    let etag = put.header("etag").unwrap();
    let get = |name: &str, value: &str| {
        server
            .signed("GET", "/raw/k", &[(name, value)], b"")
            .error()
    };
    assert_eq!(get("if-match", etag).0, 200);
    assert_eq!(
        get("if-match", "\"other\""),
        (412, "PreconditionFailed".to_owned())
    );
    assert_eq!(get("if-none-match", etag), (304, String::new()));
    assert_eq!(get("if-none-match", "\"other\"").0, 200);
}

#[test]
fn a_presigned_read_overrides_headers() {
    let server = Server::start();
    server.signed("PUT", "/raw/k", &[("content-type", "a/b")], b"x");
    let target = server.signer().presign(&Presign {
        method: "GET",
        path: "/raw/k",
        query: &[
            ("response-content-type", "c/d"),
            ("response-content-disposition", "inline"),
        ],
        headers: &[],
        expires: 60,
    });
    let got = server.send("GET", &target, &[], b"");
    assert_eq!(got.status, 200);
    assert_eq!(got.header("content-type"), Some("c/d"));
    assert_eq!(got.header("content-disposition"), Some("inline"));
}

#[test]
fn an_absent_key_and_an_absent_bucket_are_different_errors() {
    let server = Server::start();
    for method in ["GET", "HEAD"] {
        assert_eq!(server.signed(method, "/raw/k", &[], b"").status, 404);
    }
    let key = server.signed("GET", "/raw/k", &[], b"");
    assert_eq!(key.error(), (404, "NoSuchKey".to_owned()));
    for method in ["GET", "PUT", "DELETE"] {
        let bucket = server.signed(method, "/absent/k", &[], b"");
        assert_eq!(bucket.error(), (404, "NoSuchBucket".to_owned()), "{method}");
    }
}

#[test]
fn a_deleted_object_is_gone_and_its_key_free() {
    let server = Server::start();
    for _ in 0..2 {
        assert_eq!(
            server
                .signed("PUT", "/raw/k", &[("if-none-match", "*")], b"x")
                .status,
            200
        );
        assert_eq!(server.signed("DELETE", "/raw/k", &[], b"").status, 204);
        assert_eq!(server.signed("DELETE", "/raw/k", &[], b"").status, 204);
        assert_eq!(server.signed("GET", "/raw/k", &[], b"").status, 404);
    }
}

#[test]
fn objects_survive_a_restart() {
    let server = Server::start();
    let headers = [("content-type", "a/b"), ("x-amz-meta-a", "1")];
    server.signed("PUT", "/raw/k", &headers, b"x");
    let before = server.signed("GET", "/raw/k", &[], b"");
    let server = server.restart();
    let after = server.signed("GET", "/raw/k", &[], b"");
    let without_date = |mut answer: crate::support::Answer| {
        answer.headers.retain(|(name, _)| name != "date");
        answer
    };
    assert_eq!(without_date(after), without_date(before));
    let again = server.signed("PUT", "/raw/k", &[("if-none-match", "*")], b"y");
    assert_eq!(again.error(), (412, "PreconditionFailed".to_owned()));
}

/// Beside the rules of the suite for all servers.
#[test]
fn a_list_of_versions_is_of_one_bucket_and_has_a_valid_page() {
    let server = Server::start();
    let listed = |query: &str| server.signed("GET", &format!("/raw?versions{query}"), &[], b"");
    let invalid = (400, "InvalidArgument".to_owned());
    for query in ["&max-keys=0", "&encoding-type=xml", "&version-id-marker=a"] {
        assert_eq!(listed(query).error(), invalid, "{query}");
    }
    let delimited = listed("&delimiter=/").error();
    assert_eq!(delimited, (501, "NotImplemented".to_owned()));
    let absent = server.signed("GET", "/no-such-bucket?versions", &[], b"");
    assert_eq!(absent.error(), (404, "NoSuchBucket".to_owned()));
    let empty = listed("");
    assert_eq!(empty.error(), (200, String::new()));
    assert_eq!(empty.texts("Key"), Vec::<String>::new());
    assert_eq!(empty.texts("IsTruncated"), ["false"]);
}
