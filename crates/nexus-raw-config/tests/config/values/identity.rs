//! Tokens.

use nexus_raw_config::{TokenAlgorithm, TokenKeys, load};

use super::holds;
use crate::support::{errors_in, fault, sources};

#[test]
fn issuer_and_audience_are_one_line_of_text() {
    let too_long = "x".repeat(256);
    for key in ["identity.issuer", "identity.audience"] {
        holds(
            key,
            "text of 1 to 255 bytes without control characters",
            &[
                "https://login.example.com/",
                "größe",
                "000123",
                "true",
                &too_long[..255],
            ],
            &[&too_long, "a\nb", "a\u{0}b", "a\u{85}b"],
        );
    }
}

#[test]
fn an_hs256_secret_has_at_least_32_bytes() {
    let key = "identity.hs256_secret";
    let [short, long, too_long] = [31, 4096, 4097].map(|length| "s".repeat(length));
    holds(
        key,
        "text of 32 to 4096 bytes",
        &[
            "s s s s s s s s s s s s s s s s ",
            "ßßßßßßßßßßßßßßßß",
            &long,
        ],
        &[&short, &too_long],
    );
}

#[test]
fn an_algorithm_is_one_of_four_names() {
    holds(
        "identity.algorithm",
        "HS256 with a secret, and RS256, ES256 or EdDSA with a JWKS",
        &["HS256"],
        &["hs256", "none", "HS512", "RS512", "PS256", "HS256 "],
    );
    for (name, algorithm) in [
        ("RS256", TokenAlgorithm::Rs256),
        ("ES256", TokenAlgorithm::Es256),
        ("EdDSA", TokenAlgorithm::EdDsa),
    ] {
        let keys = [
            ("identity.jwks_file", "keys.json"),
            ("identity.algorithm", name),
        ];
        let settings = load(&sources(&["identity.hs256_secret"], &keys)).unwrap();
        assert_eq!(settings.identity.algorithm, algorithm);
        assert!(
            matches!(settings.identity.keys, TokenKeys::JwksFile(path) if path.to_str() == Some("keys.json"))
        );
    }
}

#[test]
fn a_jwks_is_fetched_by_https_or_from_loopback() {
    let with = |url: &str| {
        sources(
            &["identity.hs256_secret"],
            &[("identity.jwks_url", url), ("identity.algorithm", "RS256")],
        )
    };
    for good in [
        "https://login.example.com/keys?tenant=a",
        "http://127.0.0.1:8081/keys",
    ] {
        let settings = load(&with(good)).unwrap();
        assert!(
            matches!(settings.identity.keys, TokenKeys::JwksUrl(url) if url.as_url().as_str() == good)
        );
    }
    for bad in [
        "http://login.example.com/keys",
        "https://u:p@h/k",
        "https://169.254.169.254/",
        "https://h/#k",
        "keys.json",
    ] {
        assert_eq!(
            errors_in(&with(bad)),
            fault(
                "identity.jwks_url",
                "must be an https URL (http only to loopback) without user and fragment, and not a metadata or unspecified address"
            )
        );
    }
}

#[test]
fn a_claim_has_a_plain_name() {
    for key in ["identity.tenant_ids_claim", "identity.role_map_claim"] {
        holds(
            key,
            "a claim's name of 1 to 128 visible ASCII characters",
            &["https://example.com/claim", "c"],
            &["a b", "é", "a\n", &"c".repeat(129)],
        );
    }
}
