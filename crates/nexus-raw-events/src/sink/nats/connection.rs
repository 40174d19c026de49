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

use super::{STREAM, SUBJECTS, rights::Rights};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// As long as a relay may take to come back with what it is not sure of: it is an outage of NATS
/// itself that lasts longer, and what it did not acknowledge it may still have.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(10);

/// The way to the server: made when it is first needed, and again when it was lost.
pub(super) struct Connection {
    url: NatsUrl,
    open: Mutex<Option<Open>>,
}

/// A connection that is there, with the stream behind it.
#[derive(Clone)]
pub(super) struct Open {
    pub(super) context: Context,
    pub(super) rights: Rights,
}

impl Connection {
    pub(super) fn to(url: NatsUrl) -> Self {
        Self {
            url,
            open: Mutex::new(None),
        }
    }

    /// The connection, with the stream there; each answer is waited for `patience` long.
    ///
    /// # Errors
    /// When the server or the stream is not to be had now.
    pub(super) async fn open(&self, patience: Duration) -> Result<Open, BoxError> {
        let mut open = self.open.lock().await;
        match &*open {
            Some(open) if open.context.client().connection_state() == State::Connected => {
                return Ok(open.clone());
            }
            // the client would come back by itself, but not before its own waits are over
            _ => *open = None,
        }
        let rights = Rights::default();
        let mut context = jetstream::new(self.connect(rights.clone()).await?);
        context.set_timeout(patience);
        tokio::select! {
            had = have_stream(&context) => had?,
            // nothing else was asked on this connection yet
            refused = rights.refused_any() => return Err(refused.into()),
        }
        Ok(open.insert(Open { context, rights }).clone())
    }

    /// Looks for the stream again before the next delivery.
    pub(super) async fn distrust(&self) {
        *self.open.lock().await = None;
    }

    /// What the URL says before the host: the client itself does not look there.
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

    async fn connect(&self, rights: Rights) -> Result<Client, BoxError> {
        let address: ServerAddr = self.url.as_url().as_str().parse()?;
        let options = self.credentials()?;
        let options = options
            .name("nexus-raw")
            .require_tls(self.url.as_url().scheme() == "tls")
            .connection_timeout(CONNECT_TIMEOUT)
            .event_callback(move |event| {
                rights.hear(event);
                ready(())
            })
            // the servers of a cluster may name addresses that nobody vouches for
            .ignore_discovered_servers();
        Ok(options.connect(address).await?)
    }
}

/// Makes the stream where there is none. One that is there stays as it is, if it takes our
/// subjects: how long and how often it keeps events is its owner's.
async fn have_stream(context: &Context) -> Result<(), BoxError> {
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
    let takes_ours = |subject: &String| matches!(subject.as_str(), SUBJECTS | "nexus.>" | ">");
    if subjects.iter().any(takes_ours) {
        Ok(())
    } else {
        Err(format!("the stream {STREAM} does not take the subjects {SUBJECTS}").into())
    }
}
