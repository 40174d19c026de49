use std::fmt;

use super::IntentState;
use crate::{
    asset::{Sha256Digest, UploadIntent},
    event::EventBody,
    tenancy::{Scope, UserId},
    time::Timestamp,
};

/// A caller's own name for one request (draft-ietf-httpapi-idempotency-key-header): 1 to 255
/// visible ASCII characters.
///
/// Only a digest of the name is kept. Callers put all sorts of things into it, secrets too, and
/// nothing ever needs more than to know it again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(Sha256Digest);

/// Why a text is no [`IdempotencyKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 255 visible ASCII characters")]
#[non_exhaustive]
pub struct IdempotencyKeyError;

impl IdempotencyKey {
    /// Takes the name as it is: letters keep their case, nothing is trimmed.
    ///
    /// # Errors
    /// When it is empty, longer, or has a space or any other character that is not visible ASCII.
    pub fn parse(text: &str) -> Result<Self, IdempotencyKeyError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=255).contains(&text.len()) {
            Ok(Self(Sha256Digest::of(text.as_bytes())))
        } else {
            Err(IdempotencyKeyError)
        }
    }

    /// The key of one item of a batch that has this key.
    #[must_use]
    pub fn of_item(&self, place: usize) -> Self {
        Self(Sha256Digest::of(format!("{}/{place}", self.0).as_bytes()))
    }

    /// The SHA-256 of the name: what a catalogue keeps.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        self.0
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // a short name could be guessed from its digest
        out.write_str("IdempotencyKey(redacted)")
    }
}

/// A key and all that belongs to it: the same key of another scope, user or route is another one,
/// and the two never meet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallerKey {
    /// The tenant and environment.
    pub scope: Scope,
    /// The user.
    pub user: UserId,
    /// For which route. A catalogue keeps the name, so it never changes.
    pub route: &'static str,
    /// The caller's name for the request.
    pub key: IdempotencyKey,
}

/// What a key in use is bound to.
#[derive(Debug, Clone, PartialEq)]
pub struct StandingKey {
    /// The digest of the request that it was first used for.
    pub body_digest: Sha256Digest,
    /// The intent that came of it, and what became of that.
    pub state: IntentState,
}

/// An intent to be written under a caller's key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyedIntent {
    /// The key; its scope is the intent's. It is in use until the intent ends.
    pub key: CallerKey,
    /// The digest of the request.
    pub body_digest: Sha256Digest,
    /// The intent. The key counts as free when its earlier intent had ended at `requested_at`, or was
    /// aborted.
    pub intent: UploadIntent,
    /// The event of its presign.
    pub event: EventBody,
}

/// A caller's key to be bound to a whole batch. Its items have keys of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyClaim {
    /// The key.
    pub key: CallerKey,
    /// The digest of the request.
    pub body_digest: Sha256Digest,
    /// The key counts as free when its earlier use had ended by then.
    pub claimed_at: Timestamp,
    /// When the key is free again.
    pub ends_at: Timestamp,
}

/// The outcome of recording an intent under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyedOutcome {
    /// Intent, event and key are durable.
    Recorded,
    /// The key is already in use; nothing was written. It was free a moment ago, so
    /// another call with it has come first: [`AssetCatalog::find_key`](super::AssetCatalog::find_key)
    /// returns its use.
    KeyStands,
}

/// The outcome of presigning an intent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RepeatOutcome {
    /// The event is durable.
    Recorded,
    /// The intent is not pending, or there is none; nothing was written.
    NotPending,
    /// The intent is pending and was presigned [`UploadIntent::MAX_PRESIGNS`] times already;
    /// nothing was written.
    Exhausted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_to_255_visible_ascii_characters() {
        let longest = "k".repeat(255);
        for good in ["a", "!", "~", "'; DROP TABLE idempotency; --", &longest] {
            let good = good.replace(' ', "_");
            assert!(IdempotencyKey::parse(&good).is_ok(), "{good}");
        }
        let long = "k".repeat(256);
        for bad in [
            "", " ", "a b", "a\tb", "a\n", "\u{0}", "\u{7f}", "\u{e9}", &long,
        ] {
            assert_eq!(
                IdempotencyKey::parse(bad),
                Err(IdempotencyKeyError),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn keys_differ_where_any_byte_of_them_does() {
        let key = |text| IdempotencyKey::parse(text).unwrap();
        assert_eq!(key("order-1"), key("order-1"));
        for other in ["Order-1", "order-2", "order-1-", "order1"] {
            assert_ne!(key("order-1"), key(other), "{other}");
        }
    }

    #[test]
    fn a_key_keeps_nothing_of_what_it_was_made_of() {
        let key = IdempotencyKey::parse("a-secret").unwrap();
        assert_eq!(format!("{key:?}"), "IdempotencyKey(redacted)");
        assert_eq!(key.digest(), Sha256Digest::of(b"a-secret"));
    }
}
