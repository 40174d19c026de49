//! A signature opens what was signed, and nothing else.

use crate::support::{Server, Signer, owned, upload_headers};
use nexus_raw_testkit::s3::Presign;

const CONTENT: &[u8] = b"a photograph";

fn presign(signer: &Signer, expires: u32) -> String {
    signer.presign(&Presign {
        method: "PUT",
        path: "/raw/k",
        query: &[],
        headers: &upload_headers(CONTENT),
        expires,
    })
}

fn denied(code: &str) -> (u16, String) {
    (403, code.to_owned())
}

#[test]
fn a_tampered_target_is_refused() {
    let server = Server::start();
    let target = presign(&server.signer(), 900);
    let today = server.signer().date.format("%Y%m%d").to_string();
    let mismatch = denied("SignatureDoesNotMatch");
    let malformed = (400, "AuthorizationQueryParametersError".to_owned());
    for (from, to, expected) in [
        ("/raw/k", "/raw/other", &mismatch),
        ("/raw/k", "/raw/k/", &mismatch),
        ("/raw/k", "/raw//k", &mismatch),
        ("/raw/k", "/other/k", &mismatch),
        ("Expires=900", "Expires=901", &mismatch),
        ("if-none-match%3B", "", &mismatch),
        (&today, "20200101", &mismatch),
        (
            "Signature=",
            "Signature=0",
            &(400, "InvalidRequest".to_owned()),
        ),
        ("AKIDEXAMPLE", "AKIDOTHER", &denied("InvalidAccessKeyId")),
        ("eu-central-1", "us-east-1", &malformed),
        ("%2Fs3%2F", "%2Fsts%2F", &malformed),
        ("X-Amz-Date", "X-Amz-Other", &malformed),
        ("Expires=900", "Expires=900&X-Amz-Expires=900", &malformed),
    ] {
        let tampered = target.replacen(from, to, 1);
        assert_ne!(tampered, target);
        let answer = server.send("PUT", &tampered, &upload_headers(CONTENT), CONTENT);
        assert_eq!(&answer.error(), expected, "{from} -> {to}");
    }
    assert_eq!(server.object_files(), 0);
}

#[test]
fn a_url_for_one_method_is_none_for_another() {
    let server = Server::start();
    let target = presign(&server.signer(), 900);
    for method in ["GET", "HEAD", "DELETE"] {
        let answer = server.send(method, &target, &upload_headers(CONTENT), CONTENT);
        assert_eq!(answer.status, 403, "{method}");
    }
    let post = server.send("POST", &target, &upload_headers(CONTENT), CONTENT);
    assert_eq!(post.error(), (405, "MethodNotAllowed".to_owned()));
}

#[test]
fn a_signed_header_that_is_changed_or_left_out_is_refused() {
    let server = Server::start();
    let target = presign(&server.signer(), 900);
    let headers = upload_headers(CONTENT);
    for at in 0..headers.len() {
        let mut without = headers.clone();
        without.remove(at);
        let mut changed = headers.clone();
        changed[at].1 += "1";
        for tampered in [without, changed] {
            if tampered
                .iter()
                .any(|(name, value)| name == "content-length" && value != "12")
            {
                continue;
            }
            let answer = server.send("PUT", &target, &tampered, CONTENT);
            let is_length = headers[at].0 == "content-length";
            // the client adds the length by itself, and it is the right one
            let expected = if is_length { 200 } else { 403 };
            assert_eq!(answer.status, expected, "{:?}", headers[at]);
        }
    }
}

#[test]
fn another_length_or_host_is_refused() {
    let server = Server::start();
    let target = presign(&server.signer(), 900);
    let mut longer = upload_headers(CONTENT);
    longer[0].1 = "13".to_owned();
    let answer = server.send("PUT", &target, &longer, b"a photograph!");
    assert_eq!(answer.error(), denied("SignatureDoesNotMatch"));

    let mut elsewhere = upload_headers(CONTENT);
    elsewhere.push(("host".to_owned(), "localhost".to_owned()));
    let answer = server.send("PUT", &target, &elsewhere, CONTENT);
    assert_eq!(answer.error(), denied("SignatureDoesNotMatch"));
    assert_eq!(server.object_files(), 0);
}

#[test]
fn an_added_header_that_is_not_signed_is_refused() {
    let server = Server::start();
    let target = presign(&server.signer(), 900);
    for added in [
        "x-amz-acl",
        "x-amz-copy-source",
        "x-amz-grant-read",
        "x-amz-meta-other",
        "x-amz-server-side-encryption",
        "x-amz-storage-class",
        "x-amz-tagging",
        "x-amz-website-redirect-location",
    ] {
        let mut headers = upload_headers(CONTENT);
        headers.push((added.to_owned(), "v".to_owned()));
        let answer = server.send("PUT", &target, &headers, CONTENT);
        assert_eq!(answer.error(), denied("AccessDenied"), "{added}");
        let text = String::from_utf8(answer.body).unwrap();
        assert!(text.contains("There were headers present in the request which were not signed"));

        let mut headers = server.signer().sign_header("PUT", "/raw/k", &[], CONTENT);
        headers.push((added.to_owned(), "v".to_owned()));
        let answer = server.send("PUT", "/raw/k", &headers, CONTENT);
        assert_eq!(answer.error(), denied("AccessDenied"), "{added}");
    }
    assert_eq!(server.object_files(), 0);
}

#[test]
fn a_signed_url_works_once_and_until_it_expires() {
    let server = Server::start();
    let send = |target: &str| server.send("PUT", target, &upload_headers(CONTENT), CONTENT);
    let other_bytes = server.send(
        "PUT",
        &presign(&server.signer(), 60),
        &upload_headers(CONTENT),
        b"a  holograph",
    );
    assert_eq!(other_bytes.error(), (400, "BadDigest".to_owned()));

    let expired = send(&presign(&server.signer().signed_at(-61), 60));
    assert_eq!(expired.error(), denied("AccessDenied"));
    assert!(
        String::from_utf8(expired.body)
            .unwrap()
            .contains("Request has expired")
    );
    let early = send(&presign(&server.signer().signed_at(3600), 60));
    assert_eq!(early.error(), denied("RequestTimeTooSkewed"));
    let too_long = send(&presign(&server.signer(), 604_801));
    assert_eq!(
        too_long.error(),
        (400, "AuthorizationQueryParametersError".to_owned())
    );
    assert_eq!(server.object_files(), 0);

    let nearly_a_week_old = presign(&server.signer().signed_at(-604_000), 604_800);
    assert_eq!(send(&nearly_a_week_old).status, 200);
    assert_eq!(
        send(&nearly_a_week_old).error(),
        (412, "PreconditionFailed".to_owned())
    );
}

#[test]
fn what_carries_no_signature_of_version_4_is_refused() {
    let server = Server::start();
    let get = |target: &str, headers: &[(&str, &str)]| {
        server.send("GET", target, &owned(headers), b"").error()
    };
    assert_eq!(get("/raw/k", &[]), denied("AccessDenied"));
    assert_eq!(get("/", &[]), denied("AccessDenied"));
    let not_supported = (400, "InvalidRequest".to_owned());
    assert_eq!(
        get("/raw/k", &[("authorization", "AWS AKIDEXAMPLE:c2ln")]),
        not_supported
    );
    assert_eq!(
        get(
            "/raw/k?AWSAccessKeyId=AKIDEXAMPLE&Expires=4102444800&Signature=c2ln",
            &[]
        ),
        not_supported
    );
    let both = presign(&server.signer(), 60);
    assert_eq!(
        get(&both, &[("authorization", "AWS4-HMAC-SHA256 x")]),
        (400, "InvalidArgument".to_owned())
    );
}

#[test]
fn a_wrong_secret_or_an_old_date_is_refused() {
    let server = Server::start();
    let get = |signer: &Signer| {
        let headers = signer.sign_header("GET", "/raw/k", &[], b"");
        server.send("GET", "/raw/k", &headers, b"").error()
    };
    let mut wrong = server.signer();
    wrong.secret += "x";
    assert_eq!(get(&wrong), denied("SignatureDoesNotMatch"));
    assert_eq!(
        get(&server.signer().signed_at(-1000)),
        denied("RequestTimeTooSkewed")
    );
    let mut elsewhere = server.signer();
    elsewhere.region = "us-east-1".to_owned();
    assert_eq!(
        get(&elsewhere),
        (400, "AuthorizationHeaderMalformed".to_owned())
    );
    assert_eq!(get(&server.signer()), (404, "NoSuchKey".to_owned()));
}

#[test]
fn a_session_token_cannot_be_right() {
    let server = Server::start();
    let answer = server.signed("GET", "/raw/k", &[("x-amz-security-token", "t")], b"");
    assert_eq!(answer.error(), (400, "InvalidToken".to_owned()));
}
