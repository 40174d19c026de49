//! Examines the keys of the issuer, for an operator.

use nexus_raw::{ErrorChain, checkup::Examined};

use crate::{
    JwtIdentityVerifier,
    jwks::{Jwks, KeyFault, LoadError},
    keys::KeySource,
};

const CHECK: &str = "issuer.keys";

/// How many ignored keys are told.
const MAX_IGNORED: usize = 8;

impl JwtIdentityVerifier {
    /// Examines the keys that verify tokens. Those of a file or URL are loaded once more.
    pub async fn examine(&self) -> Vec<Examined> {
        match self.keys() {
            KeySource::SharedSecrets(secrets) => of_secrets(secrets.len()),
            KeySource::Jwks(jwks) => of_issuer(jwks).await,
        }
    }
}

fn of_secrets(count: usize) -> Vec<Examined> {
    let mut all = vec![Examined::sound(
        CHECK,
        "a secret shared with the issuer, HS256",
    )];
    if count > 1 {
        all.push(Examined::note(
            CHECK,
            "tokens of the previous secret are accepted too: remove it once the last of them has ended",
        ));
    }
    all
}

async fn of_issuer(jwks: &Jwks) -> Vec<Examined> {
    let algorithm = jwks.algorithm().name();
    let set = match jwks.load().await {
        Ok(set) => set,
        Err(error) => {
            let found = ErrorChain(&error).to_string();
            return vec![match error {
                LoadError::Set(_) | LoadError::File(_) => Examined::fault(
                    CHECK,
                    found,
                    format!(
                        "let the issuer publish a public key for {algorithm}, or set identity.algorithm to that of its keys"
                    ),
                ),
                LoadError::Fetch(_) | LoadError::Status(_) => Examined::unknown(
                    CHECK,
                    found,
                    "check the URL of the JWKS and the way to it: without keys no token is accepted",
                ),
            }];
        }
    };
    let mut all = Vec::new();
    // one of another algorithm or use is meant for others
    let of_ours = |fault: &KeyFault| !matches!(fault, KeyFault::Other { .. });
    for key in set
        .dropped
        .iter()
        .filter(|it| of_ours(&it.fault))
        .take(MAX_IGNORED)
    {
        all.push(match key.fault {
            KeyFault::Private => Examined::fault(
                CHECK,
                key.to_string(),
                "replace the key at the issuer: whoever read the JWKS can make tokens",
            ),
            _ => Examined::note(CHECK, format!("{key}; it is ignored")),
        });
    }
    let count = set.len();
    let found = format!("{count} public keys for {algorithm}");
    all.insert(0, Examined::sound(CHECK, found));
    all
}
