use nexus_raw::{
    event::{EventBody, StoredEvent},
    ports::{BoxError, CatalogError},
};
use sha2::{Digest, Sha256};

/// The random bytes that protect a digest from guesses: without them the few possible texts could
/// be tried against it.
pub(crate) type Salt = [u8; 32];

/// Returns SHA-256 over the salt followed by the text. The salt's length is fixed, so no two pairs
/// have the same input.
pub(crate) fn salted_digest(salt: &Salt, text: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(salt)
        .chain_update(text)
        .finalize()
        .into()
}

/// A text to store, with its salt and digest.
#[derive(Debug, Clone)]
pub(crate) struct SealedText {
    pub(crate) salt: Salt,
    pub(crate) digest: [u8; 32],
    pub(crate) text: String,
}

impl SealedText {
    fn new(salt: Salt, text: String) -> Self {
        Self {
            salt,
            digest: salted_digest(&salt, &text),
            text,
        }
    }
}

/// An event to store, without its sequence.
#[derive(Debug, Clone)]
pub(crate) struct SealedEvent {
    pub(crate) body: EventBody,
    pub(crate) facts: SealedText,
    pub(crate) personal: SealedText,
}

impl SealedEvent {
    /// Seals an event under fresh salts.
    pub(crate) fn of(event: EventBody) -> Result<Self, CatalogError> {
        let unavailable = |error: BoxError| CatalogError::Unavailable(error);
        let mut salts = [0; 64];
        getrandom::fill(&mut salts).map_err(|error| unavailable(Box::new(error)))?;
        let [first, second] = {
            let (first, second) = salts.split_at(32);
            [first, second].map(|half| {
                let mut salt = [0; 32];
                salt.copy_from_slice(half);
                salt
            })
        };
        let stored = StoredEvent::of(&event).map_err(|error| unavailable(Box::new(error)))?;
        Ok(Self {
            facts: SealedText::new(first, stored.facts),
            personal: SealedText::new(second, stored.personal),
            body: event,
        })
    }
}

#[cfg(test)]
mod tests {
    use nexus_raw_testkit::sample;

    use super::*;

    #[test]
    fn the_digest_is_sha256_over_salt_and_text() {
        // (head -c 32 /dev/zero; printf '{}') | sha256sum
        assert_eq!(
            hex::encode(salted_digest(&[0; 32], "{}")),
            "fb1634c4e6cd4b1f1afe3ce2d6ef080f7ac5d1f357d723ad4dfca782733b62db"
        );
        assert_ne!(salted_digest(&[0; 32], "{}"), salted_digest(&[1; 32], "{}"));
    }

    #[test]
    fn one_event_sealed_twice_has_four_salts_and_four_digests() {
        let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
        let event = sample::presigned(&intent);
        let stored = StoredEvent::of(&event).unwrap();
        let sealed = [0, 1].map(|_| SealedEvent::of(event.clone()).unwrap());
        let mut seen = std::collections::BTreeSet::new();
        for it in sealed {
            assert_eq!(it.facts.text, stored.facts);
            assert_eq!(it.personal.text, stored.personal);
            for text in [it.facts, it.personal] {
                assert_eq!(text.digest, salted_digest(&text.salt, &text.text));
                seen.extend([text.salt, text.digest]);
            }
        }
        assert_eq!(seen.len(), 8);
    }
}
