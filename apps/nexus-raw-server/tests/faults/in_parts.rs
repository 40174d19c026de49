//! Faults of the store in each of its requests for an upload in parts.

use nexus_raw::asset::Sha256Digest;
use nexus_raw_testkit::Fault;
use serde_json::{Value, json};

use crate::{
    caller::Caller,
    house::{Store, TENANT},
    http::Answer,
    parts,
    running::{Site, timely},
    starting::side_by_side,
};

/// How many servers share the cases: most of a case is waiting.
const SERVERS: usize = 6;
const CONTENT: &[u8] = b"what a store may make of it, in parts";

/// What is asked of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Declare,
    List,
    Register,
    Abort,
}

/// A status, and the code of a problem.
type Expected = (u16, &'static str);

const FINE: Expected = (200, "");
const GONE: Expected = (204, "");
const UNAVAILABLE: Expected = (503, "storage-unavailable");
const PENDING: Expected = (409, "verification-pending");
const NOT_UPLOADED: Expected = (409, "object-not-uploaded");

/// A call, the fault of the store's requests of one method meanwhile, and the answer.
type Case = (&'static str, Call, (&'static str, Fault), Expected);

/// An XML document with 200.
fn said(body: &str) -> Fault {
    Fault::answer(200, "content-type: application/xml\r\n", body)
}

/// An error in the body of a 200, as S3 has them of what it was long at.
fn error_inside(code: &str) -> Fault {
    said(&format!("<Error><Code>{code}</Code></Error>"))
}

fn cases() -> Vec<Case> {
    use Call::{Abort, Declare, List, Register};
    let error = Fault::s3_error;
    let unknown = || error(404, "NoSuchUpload");
    let begin = |fault| ("POST", fault);
    let complete = begin;
    let list = |fault| ("GET", fault);
    let abort = |fault| ("DELETE", fault);
    let no_id = said("<InitiateMultipartUploadResult/>");
    let no_parts = said("<ListPartsResult/>");
    let done = said("<CompleteMultipartUploadResult/>");
    vec![
        ("begun, and lost", Declare, begin(Fault::Lose), UNAVAILABLE),
        ("begun, and cut", Declare, begin(Fault::Half), UNAVAILABLE),
        ("begun without id", Declare, begin(no_id), UNAVAILABLE),
        (
            "not begun",
            Declare,
            begin(error(500, "InternalError")),
            UNAVAILABLE,
        ),
        ("parts lost", List, list(Fault::Lose), UNAVAILABLE),
        ("parts cut", List, list(Fault::Half), UNAVAILABLE),
        ("parts unknown", List, list(unknown()), FINE),
        ("named and lost", Register, list(Fault::Lose), UNAVAILABLE),
        ("named and cut", Register, list(Fault::Half), UNAVAILABLE),
        ("none named", Register, list(no_parts), NOT_UPLOADED),
        ("named nowhere", Register, list(unknown()), NOT_UPLOADED),
        ("lost", Register, complete(Fault::Lose), UNAVAILABLE),
        ("cut", Register, complete(Fault::Half), UNAVAILABLE),
        ("closed", Register, complete(Fault::Close), UNAVAILABLE),
        ("hanging", Register, complete(Fault::Hang), PENDING),
        ("dripping", Register, complete(Fault::Drip), PENDING),
        ("kept alive", Register, complete(Fault::KeepAlive), PENDING),
        (
            "an error inside",
            Register,
            complete(error_inside("InternalError")),
            UNAVAILABLE,
        ),
        (
            "a part refused inside",
            Register,
            complete(error_inside("InvalidPart")),
            NOT_UPLOADED,
        ),
        (
            "an error",
            Register,
            complete(error(500, "InternalError")),
            UNAVAILABLE,
        ),
        (
            "another completion",
            Register,
            complete(error(409, "ConditionalRequestConflict")),
            UNAVAILABLE,
        ),
        (
            "a taken key that is free",
            Register,
            complete(error(412, "PreconditionFailed")),
            NOT_UPLOADED,
        ),
        // nor is it begun anew
        ("unknown", Register, complete(unknown()), UNAVAILABLE),
        ("done, it says", Register, complete(done), NOT_UPLOADED),
        ("aborted, and lost", Abort, abort(Fault::Lose), UNAVAILABLE),
        ("aborted, and cut", Abort, abort(Fault::Half), UNAVAILABLE),
        (
            "not aborted",
            Abort,
            abort(error(500, "InternalError")),
            UNAVAILABLE,
        ),
        ("aborted, it says", Abort, abort(unknown()), GONE),
    ]
}

#[test]
fn any_fault_in_an_upload_in_parts_is_answered_and_the_same_call_ends_it_later() {
    let mut shares: Vec<Vec<Case>> = (0..SERVERS).map(|_| Vec::new()).collect();
    for (index, case) in cases().into_iter().enumerate() {
        shares[index % SERVERS].push(case);
    }
    side_by_side(shares, survive_all);
}

/// One store and one server, and one fault after the other.
#[tokio::main(flavor = "current_thread")]
async fn survive_all(cases: Vec<Case>) {
    let store = Store::start();
    let site = Site::before(&store);
    for case in cases {
        survive(&site, &store, case).await;
    }
    // whatever was begun and not used
    let site = site.restarted();
    parts::wait_until_open(&store.s3(), "nexus-raw", &[]).await;
    site.ends_well();
}

async fn survive(site: &Site, store: &Store, (name, call, (method, fault), expected): Case) {
    let name = &*format!("{call:?}, {name}");
    let caller = site.owner.caller();
    let id = parts::promised(&caller, CONTENT).await;
    if call != Call::Declare {
        upload(&caller, &id).await;
    }
    let lasts = fault == Fault::KeepAlive;
    site.proxy.break_only(method, fault);
    let answer = timely(name, async { Some(called(&caller, call, &id).await) }).await;
    assert_eq!(answer.status, expected.0, "{name}: {answer:?}");
    if expected == FINE {
        assert_eq!(answer.json()["parts"], json!([]), "{name}");
    }
    if expected == GONE {
        let open = parts::open_uploads(&store.s3(), "nexus-raw");
        assert!(open.iter().any(|key| key.contains(&id)), "{name}: {open:?}");
    }
    if expected.0 >= 400 {
        assert_eq!(answer.problem().1, expected.1, "{name}");
        let waits = answer.header("retry-after").is_some();
        assert_eq!(waits, expected != NOT_UPLOADED, "{name}");
    }
    if expected != GONE {
        // nothing is registered or aborted that was not proved
        assert_eq!(events_of(&caller, &id).await, ["raw_asset_presigned"]);
        let read = caller.get(&format!("/nexus/raw/{id}")).await;
        assert_eq!(read.problem().1, "asset-not-found", "{name}");
    }
    if !lasts {
        site.proxy.mend();
    }

    if call == Call::Abort {
        let again = called(&caller, call, &id).await;
        assert_eq!(again.status, 204, "{name}: {again:?}");
        let late = caller.register(&statement(&id)).await;
        assert_eq!(late.problem().1, "upload-expired", "{name}");
        let types = ["raw_asset_presigned", "raw_asset_upload_aborted"];
        assert_eq!(events_of(&caller, &id).await, types, "{name}");
        return;
    }
    if call == Call::Declare {
        upload(&caller, &id).await;
    }
    let mut answer = parts::registered(&caller, &statement(&id)).await;
    if answer.status == 409 && expected == NOT_UPLOADED {
        // the store had said that it does not know the upload
        let missing = (409, NOT_UPLOADED.1.to_owned(), vec!["/parts/1".to_owned()]);
        assert_eq!(answer.problem(), missing, "{name}");
        upload(&caller, &id).await;
        answer = parts::registered(&caller, &statement(&id)).await;
    }
    site.proxy.mend();
    assert_eq!(answer.status, 201, "{name}: {answer:?}");
    let types = ["raw_asset_presigned", "raw_asset_registered"];
    assert_eq!(events_of(&caller, &id).await, types, "{name}");
    let path = format!("/nexus-raw/tenants/{TENANT}/dev/raw/{id}/film.mp4");
    let read = store.s3().signed("GET", &path, &[], b"");
    assert_eq!((read.status, &*read.body), (200, CONTENT), "{name}");
}

async fn called(caller: &Caller, call: Call, id: &str) -> Answer {
    let path = format!("/nexus/raw/{id}/parts");
    match call {
        Call::Declare => caller.post(&path, &parts::declaration(CONTENT)).await,
        Call::List => caller.get(&path).await,
        Call::Register => caller.register(&statement(id)).await,
        Call::Abort => {
            let path = format!("/nexus/raw/{id}/upload");
            caller.request("DELETE", &path).send().await
        }
    }
}

fn statement(id: &str) -> Value {
    json!({"asset_id": id, "sha256": Sha256Digest::of(CONTENT)})
}

/// Declares and uploads the part.
async fn upload(caller: &Caller, id: &str) {
    let declared = parts::declared(caller, id, CONTENT).await;
    let put = parts::upload(&declared[0]).body(CONTENT).send().await;
    assert_eq!(put.status, 200, "{put:?}");
}

async fn events_of(caller: &Caller, id: &str) -> Vec<String> {
    let events = caller.get(&format!("/nexus/raw/{id}/events")).await.json();
    let events = events["events"].as_array().unwrap().iter();
    let types = events.map(|it| it["event_type"].as_str().unwrap().to_owned());
    types.collect()
}
