//! Everything that a store may do, and what the service makes of it.

use nexus_raw_testkit::Fault;

/// What a registration is answered, of an object that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// 503 `storage-unavailable`, and not ready.
    Unavailable,
    /// The same, though the bucket answers.
    UnavailableThoughReady,
    /// The store says that nothing is there, and is believed: 409 `object-not-uploaded`.
    NotUploaded,
    /// As if nothing were wrong.
    Fine,
}

/// How a start ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// 69: it may be better at another time.
    Later,
    /// 78, with this advice.
    Change(&'static str),
    /// It does not end.
    Ready,
}

/// A fault of every request to the store.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) fault: Fault,
    pub(crate) expected: Expected,
    pub(crate) start: Start,
}

fn case(name: &str, fault: Fault, expected: Expected, start: Start) -> Case {
    Case {
        name: name.to_owned(),
        fault,
        expected,
        start,
    }
}

const CREDENTIALS: Start = Start::Change("check the credentials, the machine's time");

/// All of them; `elsewhere` is where redirects lead.
pub(crate) fn all(elsewhere: &str) -> Vec<Case> {
    let mut cases = connections();
    cases.extend(refusals());
    cases.extend(redirects(elsewhere));
    cases.extend(malformed());
    cases
}

/// Faults of the connection.
fn connections() -> Vec<Case> {
    let bad = |name: &str, fault| case(name, fault, Expected::Unavailable, Start::Later);
    vec![
        bad("refused", Fault::Refuse),
        bad("hanging", Fault::Hang),
        bad("closed", Fault::Close),
        bad("dripping", Fault::Drip),
        bad("cut in the head", Fault::Half),
        bad(
            "hanging in the head",
            Fault::SayAndHang(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()),
        ),
    ]
}

/// Answers of every status.
fn refusals() -> Vec<Case> {
    let mut cases = Vec::new();
    for (status, code, start) in [
        (400, "ExpiredToken", CREDENTIALS),
        (400, "RequestTimeTooSkewed", CREDENTIALS),
        (403, "AccessDenied", CREDENTIALS),
        (403, "ExpiredToken", CREDENTIALS),
        (403, "RequestTimeTooSkewed", CREDENTIALS),
        (409, "OperationAborted", Start::Later),
        (412, "PreconditionFailed", Start::Later),
        (429, "TooManyRequests", Start::Later),
        (500, "InternalError", Start::Later),
        (503, "SlowDown", Start::Later),
    ] {
        let fault = Fault::s3_error(status, code);
        let name = format!("{status} {code}");
        cases.push(case(&name, fault, Expected::Unavailable, start));
    }
    cases.push(case(
        "404 NoSuchKey",
        Fault::s3_error(404, "NoSuchKey"),
        Expected::NotUploaded,
        Start::Change("does not exist"),
    ));
    let date = "date: Thu, 01 Jan 2015 00:00:00 GMT\r\n";
    cases.push(case(
        "403 of a store of another time",
        Fault::answer(403, date, ""),
        Expected::Unavailable,
        CREDENTIALS,
    ));
    cases.push(case(
        "good answers of another time",
        Fault::Dated("Thu, 01 Jan 2015 00:00:00 GMT"),
        Expected::Fine,
        Start::Ready,
    ));
    cases
}

fn redirects(elsewhere: &str) -> Vec<Case> {
    let region = Start::Change("is in another region");
    let redirects = [
        (301, region),
        (302, Start::Later),
        (303, Start::Later),
        (307, Start::Later),
        (308, Start::Later),
    ];
    let to = format!("location: {elsewhere}/nexus-raw/\r\nx-amz-bucket-region: eu-west-1\r\n");
    let body = format!(
        "<Error><Code>PermanentRedirect</Code><Endpoint>{}</Endpoint></Error>",
        elsewhere.trim_start_matches("http://")
    );
    let cases = redirects.map(|(status, start)| {
        let fault = Fault::answer(status, &to, &body);
        let name = format!("{status} to elsewhere");
        case(&name, fault, Expected::Unavailable, start)
    });
    cases.into()
}

/// Malformed responses.
fn malformed() -> Vec<Case> {
    let say = |bytes: &str| Fault::Say(bytes.as_bytes().to_vec());
    let bad = |name: &str, fault| case(name, fault, Expected::Unavailable, Start::Later);
    let huge = format!("x-huge: {}\r\n", "a".repeat(2 * 1024 * 1024));
    let many = "x-many: 1\r\n".repeat(500);
    let no_xml = "<Error><Code>Slow<<&&";
    vec![
        bad("another protocol", say("220 mail.example ESMTP\r\n\r\n")),
        bad("bytes", say("\u{0}\u{1}\u{2}\u{ff}\r\n\r\n")),
        bad("another version", say("HTTP/9.9 200 OK\r\n\r\n")),
        bad("no status", say("HTTP/1.1 OK\r\n\r\n")),
        bad("a huge header", Fault::answer(200, &huge, "")),
        bad("too many headers", Fault::answer(200, &many, "")),
        bad("an error that is no XML", Fault::answer(503, "", no_xml)),
        case(
            "a length that is none",
            say("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n"),
            Expected::UnavailableThoughReady,
            Start::Later,
        ),
        case(
            "an object without an entity tag",
            Fault::answer(200, "", ""),
            Expected::UnavailableThoughReady,
            Start::Later,
        ),
        case(
            "an object of another length than its headers say",
            say(
                "HTTP/1.1 200 OK\r\netag: \"e\"\r\nx-amz-missing-meta: many\r\ncontent-length: 5\r\n\r\n",
            ),
            Expected::UnavailableThoughReady,
            Start::Later,
        ),
    ]
}
