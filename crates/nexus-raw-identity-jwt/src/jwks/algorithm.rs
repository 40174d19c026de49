use jsonwebtoken::Algorithm;

/// RFC 7518, section 3.3.
pub(super) const MIN_RSA_BITS: usize = 2048;
/// The library's maximum; larger keys would slow down verification.
pub(super) const MAX_RSA_BITS: usize = 8192;

/// The algorithm of tokens that are signed with a private key (RFC 7518, section 3.1;
/// RFC 8037, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwksAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256; keys of 2048 to 8192 bits.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// `EdDSA` on Ed25519.
    EdDsa,
}

impl JwksAlgorithm {
    /// Returns whether `alg`, of a token's header or of a key, names it.
    pub(crate) fn is_named(self, alg: &str) -> bool {
        // the name in RFC 9864, section 2.2, since `EdDSA` does not name the curve
        alg == self.name() || (self == Self::EdDsa && alg == "Ed25519")
    }

    /// Returns whether a signature can have this length: that of the modulus for RSA, two numbers
    /// of 32 bytes for the others.
    pub(crate) fn has_signatures_of(self, bytes: usize) -> bool {
        match self {
            Self::Rs256 => (MIN_RSA_BITS / 8..=MAX_RSA_BITS / 8).contains(&bytes),
            Self::Es256 | Self::EdDsa => bytes == 64,
        }
    }

    /// Returns its name in the configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(crate) fn of_library(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}
