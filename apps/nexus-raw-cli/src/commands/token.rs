use std::{io::Write, sync::Arc, time::Duration};

use nexus_raw::system::SystemClock;
use nexus_raw_config::{EMBEDDED_AUDIENCE, EMBEDDED_ISSUER, EmbeddedMode};
use nexus_raw_identity_jwt::{JwtSettings, KeySettings, TokenIssuer, TokenRequest};

use crate::{args::TokenArgs, failure::Failure};

/// Signs with the secret in the data directory of a server in embedded mode: read access to it
/// permits tokens of any user.
pub(crate) fn run(args: TokenArgs, out: &mut impl Write) -> Result<(), Failure> {
    let embedded = EmbeddedMode::open_existing(&args.data_dir)?;
    let keys = KeySettings::Hs256 {
        secret: embedded.secrets().hs256_secret.clone(),
        previous: None,
    };
    let settings = JwtSettings::new(EMBEDDED_ISSUER, EMBEDDED_AUDIENCE, keys);
    let token = TokenIssuer::new(settings, Arc::new(SystemClock))?.issue(&TokenRequest {
        user: args.user,
        memberships: vec![(args.tenant, Some(args.role))],
        ttl: Duration::from_secs(args.ttl_seconds.into()),
    })?;
    Ok(writeln!(out, "{token}")?)
}
