//! Examines the server, the stream and the rights of the user, for an operator.

use std::{future::Future, time::Duration};

use async_nats::{
    HeaderMap,
    header::NATS_EXPECTED_STREAM,
    jetstream::{
        self, Context, ErrorCode,
        context::{GetStreamError, GetStreamErrorKind, PublishError},
        stream::{self, DiscardPolicy, RetentionPolicy, StorageType},
    },
};
use nexus_raw::checkup::Examined;

use super::{NatsEventSink, STREAM, SUBJECTS, connection::covers, permissions::DeniedPermissions};

/// How long each answer may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A subject of the stream that belongs to no tenant: no valid id has upper case.
const SUBJECT: &str = "nexus.raw.DOCTOR.none.none";

/// A stream that is not there, so that nothing is stored.
const OTHER_STREAM: &str = "NEXUS_RAW_DOCTOR";

/// Larger than any event is: a record may have 64 KiB of JSON.
const EVENT_BYTES: i32 = 128 * 1024;

/// Shorter ones are outlived by the retries of an event.
const MIN_DUPLICATE_WINDOW: Duration = Duration::from_mins(2);

impl NatsEventSink {
    /// Examines the server, the stream, and the rights of this user. Nothing is created or stored.
    pub async fn examine(&self) -> Vec<Examined> {
        const CHECK: &str = "nats.server";
        let permissions = DeniedPermissions::default();
        let client = match self.connection.connect(permissions.clone()).await {
            Ok(client) => client,
            // its text may hold what the server said, and no password
            Err(error) => {
                return vec![Examined::unknown(
                    CHECK,
                    format!("cannot be reached: {error}"),
                    "check events.nats.url, its credentials, and the way to it",
                )];
            }
        };
        let largest = client.server_info().max_payload;
        let mut context = jetstream::new(client);
        context.set_timeout(TIMEOUT);
        let mut all = vec![if largest < EVENT_BYTES.unsigned_abs() as usize {
            Examined::fault(
                CHECK,
                format!("takes messages of up to {largest} bytes, and events may be larger"),
                format!("set max_payload of the server to {EVENT_BYTES} or more"),
            )
        } else {
            Examined::sound(CHECK, "reached")
        }];
        all.extend(examine_stream(&context, &permissions).await);
        all
    }
}

async fn examine_stream(context: &Context, permissions: &DeniedPermissions) -> Vec<Examined> {
    const CHECK: &str = "nats.stream";
    let found = allowed(permissions, context.get_stream(STREAM)).await;
    let config = match found {
        Err(denied) => return vec![rights(denied)],
        Ok(Ok(stream)) => stream.cached_info().config.clone(),
        Ok(Err(error)) if is_absent(&error) => {
            return vec![Examined::note(
                CHECK,
                format!("{STREAM} is not there yet: the first delivery creates it"),
            )];
        }
        Ok(Err(error)) => {
            return vec![Examined::unknown(
                CHECK,
                format!("{STREAM} cannot be read: {error}"),
                "enable JetStream on the server, and try again",
            )];
        }
    };
    let mut all = faults_of(&config, CHECK);
    if all.is_empty() {
        all.push(Examined::sound(
            CHECK,
            format!("{STREAM} keeps events on disk"),
        ));
    }
    all.extend(losses_of(&config, CHECK));
    all.push(publish(context, permissions).await);
    all
}

fn is_absent(error: &GetStreamError) -> bool {
    match error.kind() {
        GetStreamErrorKind::JetStream(error) => error.error_code() == ErrorCode::STREAM_NOT_FOUND,
        _ => false,
    }
}

/// What must be changed of a stream.
fn faults_of(config: &stream::Config, check: &'static str) -> Vec<Examined> {
    let mut all = Vec::new();
    let mut fault = |found: String, mend: String| all.push(Examined::fault(check, found, mend));
    if !config.subjects.iter().any(|it| covers(it)) {
        fault(
            format!("{STREAM} does not cover the subjects {SUBJECTS}"),
            format!("`nats stream edit {STREAM} --subjects '{SUBJECTS}'`"),
        );
    }
    if config.storage == StorageType::Memory {
        fault(
            format!("{STREAM} is kept in memory, and gone with the server"),
            format!("make {STREAM} anew with file storage; the type of a stream is not changed"),
        );
    }
    if config.duplicate_window < MIN_DUPLICATE_WINDOW {
        let seconds = config.duplicate_window.as_secs();
        fault(
            format!(
                "{STREAM} drops repeats for {seconds} s only, and an event may be sent again later"
            ),
            format!("`nats stream edit {STREAM} --dupe-window 10m`"),
        );
    }
    if config.sealed || config.no_ack {
        fault(
            format!("{STREAM} takes or acknowledges no messages"),
            format!("make {STREAM} anew, neither sealed nor without acknowledgements"),
        );
    }
    if (1..EVENT_BYTES).contains(&config.max_message_size) {
        let bytes = config.max_message_size;
        fault(
            format!("{STREAM} takes messages of up to {bytes} bytes, and events may be larger"),
            format!("`nats stream edit {STREAM} --max-msg-size {EVENT_BYTES}`"),
        );
    }
    all
}

/// What an owner of the stream may have meant, and a consumer should know.
fn losses_of(config: &stream::Config, check: &'static str) -> Vec<Examined> {
    let mut all = Vec::new();
    let mut note = |found: String| all.push(Examined::note(check, found));
    if !config.max_age.is_zero() {
        let hours = config.max_age.as_secs() / 3600;
        note(format!("events are dropped after {hours} h, read or not"));
    }
    let is_bounded = config.max_messages > 0 || config.max_bytes > 0;
    if is_bounded && config.discard == DiscardPolicy::Old {
        note("the oldest events are dropped once the stream is full, read or not".to_owned());
    }
    if config.retention != RetentionPolicy::Limits {
        note("an event is dropped once its consumers have acknowledged it".to_owned());
    }
    if config.num_replicas < 2 {
        note("one server has the stream: with its disk the events are lost there".to_owned());
    }
    all
}

/// Publishes what the stream refuses, since it names another one.
async fn publish(context: &Context, permissions: &DeniedPermissions) -> Examined {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_EXPECTED_STREAM, OTHER_STREAM);
    let publishing = async {
        let sent = context.publish_with_headers(SUBJECT, headers, "".into());
        sent.await?.await
    };
    match allowed(permissions, publishing).await {
        Err(denied) => rights(denied),
        Ok(Err(error)) if is_other_stream(&error) => {
            Examined::sound("nats.rights", "the user may publish events")
        }
        Ok(Ok(stored)) => Examined::fault(
            "nats.rights",
            format!("the stream {} took a message meant for none", stored.stream),
            format!("let no stream but {STREAM} have the subjects {SUBJECTS}"),
        ),
        Ok(Err(error)) => Examined::unknown(
            "nats.rights",
            format!("publishing is not answered: {error}"),
            "try again",
        ),
    }
}

fn is_other_stream(error: &PublishError) -> bool {
    let source = std::error::Error::source(error);
    let of_stream = source.and_then(|it| it.downcast_ref::<jetstream::Error>());
    of_stream.is_some_and(|it| it.error_code() == ErrorCode::STREAM_NOT_MATCH)
}

fn rights(denied: String) -> Examined {
    Examined::fault(
        "nats.rights",
        denied,
        "give the user the permissions of docs/EVENTS.md",
    )
}

/// Returns the answer, or what the server said of a missing permission.
async fn allowed<T>(
    permissions: &DeniedPermissions,
    answer: impl Future<Output = T>,
) -> Result<T, String> {
    tokio::select! {
        answer = answer => Ok(answer),
        denied = permissions.denied_any() => Err(denied),
    }
}
