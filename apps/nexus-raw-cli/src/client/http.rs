use std::{cell::OnceCell, time::Duration};

use reqwest::{Client, ClientBuilder, redirect};
use url::Url;

use crate::failure::Failure;

/// HTTP clients by scheme, used for the service and the store, so without the service's token.
pub(super) struct Http {
    /// Uses no proxy, since an unencrypted token is sent only to this machine, and no certificates,
    /// so that it works without installed ones.
    plain: Client,
    /// Uses the system's certificates, loaded on first use.
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
        // a redirect would send the token or the upload to another server
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .tcp_keepalive(Duration::from_secs(15))
}
