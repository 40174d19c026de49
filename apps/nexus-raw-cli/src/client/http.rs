use std::{cell::OnceCell, time::Duration};

use reqwest::{Client, ClientBuilder, redirect};
use url::Url;

use crate::failure::Failure;

/// Clients by scheme. Nothing that is the service's, such as the token, is in them: they are for
/// the store as well.
pub(super) struct Http {
    /// Knows no proxy, since a token in the clear goes to this machine alone, and no certificates,
    /// so that it works where none are installed.
    plain: Client,
    /// Trusts what the system trusts; loaded when it is first needed.
    encrypted: OnceCell<Client>,
}

impl Http {
    pub(super) fn new() -> Result<Self, Failure> {
        let plain = builder().no_proxy().tls_certs_only([]).build();
        Ok(Self {
            plain: plain.map_err(Failure::Client)?,
            encrypted: OnceCell::new(),
        })
    }

    pub(super) fn for_url(&self, url: &Url) -> Result<&Client, Failure> {
        if url.scheme() == "http" {
            return Ok(&self.plain);
        }
        if let Some(client) = self.encrypted.get() {
            return Ok(client);
        }
        let client = builder()
            .https_only(true)
            .build()
            .map_err(Failure::Client)?;
        Ok(self.encrypted.get_or_init(|| client))
    }
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("nexus-raw/", env!("CARGO_PKG_VERSION")))
        // a redirect would take the token, or the upload, to where nobody sent it
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .tcp_keepalive(Duration::from_secs(15))
}
