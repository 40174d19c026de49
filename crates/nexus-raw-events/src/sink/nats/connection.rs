use std::{future::ready, time::Duration};

use async_nats::{
    Client, ConnectOptions, ServerAddr,
    connection::State,
    jetstream::{
        self, Context,
        stream::{self, StorageType},
    },
};
use nexus_raw::{net::NatsUrl, ports::BoxError};
use percent_encoding::percent_decode_str;
use tokio::sync::Mutex;

use super::{STREAM, SUBJECTS, permissions::DeniedPermissions};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the stream drops repeated ids: longer than a relay takes to resend an unacknowledged
/// event, except in an outage of NATS itself, after which a duplicate is possible.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(10);

/// The connection to the server, opened on first use and again after it was lost.
pub(super) struct Connection {
    url: NatsUrl,
    open: Mutex<Option<Session>>,
}

/// An open connection to a server with the stream.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) context: Context,
    pub(super) permissions: DeniedPermissions,
}

impl Connection {
    pub(super) fn to(url: NatsUrl) -> Self {
        Self {
            url,
            open: Mutex::new(None),
        }
    }

    /// Returns the connection, opened if necessary; `timeout` is for each answer.
    ///
    /// # Errors
    /// When the server or the stream is unavailable.
    pub(super) async fn open(&self, timeout: Duration) -> Result<Session, BoxError> {
        let mut open = self.open.lock().await;
        match &*open {
            Some(open) if open.context.client().connection_state() == State::Connected => {
                return Ok(open.clone());
            }
            // the client would reconnect by itself, but only after its own delays
            _ => *open = None,
        }
        let permissions = DeniedPermissions::default();
        let mut context = jetstream::new(self.connect(permissions.clone()).await?);
        context.set_timeout(timeout);
        tokio::select! {
            ensured = ensure_stream(&context) => ensured?,
            // nothing else was requested on this connection yet
            denied = permissions.denied_any() => return Err(denied.into()),
        }
        Ok(open
            .insert(Session {
                context,
                permissions,
            })
            .clone())
    }

    /// Closes the connection, so that the next delivery checks the stream again.
    pub(super) async fn reset(&self) {
        *self.open.lock().await = None;
    }

    /// Returns the credentials of the URL, which the client itself ignores.
    fn credentials(&self) -> Result<ConnectOptions, BoxError> {
        let decoded = |text| percent_decode_str(text).decode_utf8().map(String::from);
        let options = ConnectOptions::new();
        let url = self.url.as_url();
        Ok(match (url.username(), url.password()) {
            ("", None) => options,
            (token, None) => options.token(decoded(token)?),
            (user, Some(password)) => options.user_and_password(decoded(user)?, decoded(password)?),
        })
    }

    pub(super) async fn connect(&self, permissions: DeniedPermissions) -> Result<Client, BoxError> {
        let address: ServerAddr = self.url.as_url().as_str().parse()?;
        let options = self.credentials()?;
        let options = options
            .name("nexus-raw")
            .require_tls(self.url.as_url().scheme() == "tls")
            .connection_timeout(CONNECT_TIMEOUT)
            .event_callback(move |event| {
                permissions.record(event);
                ready(())
            })
            // only the configured address is trusted, none that the server announces
            .ignore_discovered_servers();
        Ok(options.connect(address).await?)
    }
}

/// Returns whether all events have a subject of it.
pub(super) fn covers(subject: &str) -> bool {
    matches!(subject, SUBJECTS | "nexus.>" | ">")
}

/// Creates the stream if it does not exist. An existing one that takes the subjects is not changed:
/// its retention and replicas are up to its owner.
async fn ensure_stream(context: &Context) -> Result<(), BoxError> {
    let stream = context
        .get_or_create_stream(stream::Config {
            name: STREAM.to_owned(),
            subjects: vec![SUBJECTS.to_owned()],
            storage: StorageType::File,
            duplicate_window: DUPLICATE_WINDOW,
            ..stream::Config::default()
        })
        .await?;
    let subjects = &stream.cached_info().config.subjects;
    if subjects.iter().any(|it| covers(it)) {
        Ok(())
    } else {
        Err(format!("stream {STREAM} does not cover the subjects {SUBJECTS}").into())
    }
}
