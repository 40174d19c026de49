use nexus_raw::{
    asset::AssetId,
    event::{EventBody, EventType},
    ports::{BoxError, CatalogError},
    time::Timestamp,
};
use sha2::{Digest, Sha256};

/// The random bytes that keep a commitment from being guessed: without them whoever knows what a
/// body may say could try the possibilities against it.
pub(crate) type Salt = [u8; 32];

/// SHA-256 over the 32 bytes of the salt and then the bytes of the body, nothing in between: the
/// salt's length is fixed, so no two pairs run together to the same bytes.
pub(crate) fn commitment(salt: &Salt, body: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(salt)
        .chain_update(body)
        .finalize()
        .into()
}

/// An event that lacks only its place: its text as it will be kept, and the commitment to it.
#[derive(Debug, Clone)]
pub(crate) struct CommittedBody {
    pub(crate) asset_id: AssetId,
    pub(crate) event_type: EventType,
    pub(crate) occurred_at: Timestamp,
    pub(crate) salt: Salt,
    pub(crate) commitment: [u8; 32],
    pub(crate) body: String,
}

impl CommittedBody {
    /// Writes the body down under a fresh salt.
    pub(crate) fn seal(event: &EventBody) -> Result<Self, CatalogError> {
        let unavailable = |error: BoxError| CatalogError::Unavailable(error);
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(|error| unavailable(Box::new(error)))?;
        let body = serde_json::to_string(event).map_err(|error| unavailable(Box::new(error)))?;
        Ok(Self {
            asset_id: event.asset_id,
            event_type: event.event_type,
            occurred_at: event.occurred_at,
            salt,
            commitment: commitment(&salt, &body),
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    use nexus_raw_testkit::sample;

    use super::*;

    #[test]
    fn the_commitment_is_sha256_over_salt_and_body() {
        // (head -c 32 /dev/zero; printf '{}') | sha256sum
        assert_eq!(
            hex::encode(commitment(&[0; 32], "{}")),
            "fb1634c4e6cd4b1f1afe3ce2d6ef080f7ac5d1f357d723ad4dfca782733b62db"
        );
        assert_ne!(commitment(&[0; 32], "{}"), commitment(&[1; 32], "{}"));
    }

    #[test]
    fn one_body_sealed_twice_has_two_salts_and_two_commitments() {
        let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
        let event = sample::presigned(&intent);
        let [one, other] = [0, 1].map(|_| CommittedBody::seal(&event).unwrap());
        assert_eq!(one.body, other.body);
        assert_eq!(one.body, serde_json::to_string(&event).unwrap());
        assert_ne!(one.salt, other.salt);
        assert_ne!(one.commitment, other.commitment);
        assert_eq!(one.commitment, commitment(&one.salt, &one.body));
    }
}
