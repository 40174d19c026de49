use nexus_raw::{event::DatasetEvent, time::Timestamp};
use serde::Serialize;
use uuid::Uuid;

/// The context attributes of an event (`CloudEvents` 1.0, "Context Attributes"; names of at most
/// 20 lower-case letters and digits).
///
/// None of them holds text of a caller's choice: all are safe in a header as they are.
#[derive(Serialize)]
pub(super) struct Attributes {
    specversion: &'static str,
    /// With `source`, what tells repeats.
    id: Uuid,
    /// The scope: `sequence` counts within its source.
    source: String,
    r#type: String,
    subject: String,
    time: Timestamp,
    /// Extension "Sequence": ordered by its bytes, so with leading zeros.
    sequence: String,
    /// Extension "Partitioning": what must stay in order.
    partitionkey: String,
}

impl Attributes {
    pub(super) fn of(event: &DatasetEvent) -> Self {
        let body = &event.body;
        let scope = format!("{}/{}", body.tenant_id, body.env);
        Self {
            specversion: "1.0",
            id: event.event_id,
            source: format!("urn:nexus-raw:{}:{}", body.tenant_id, body.env),
            r#type: format!("nexus.raw.{}", body.event_type.as_str()),
            subject: body.asset_id.to_string(),
            time: body.occurred_at,
            sequence: format!("{:020}", event.sequence),
            partitionkey: scope,
        }
    }

    /// Each as a header of the HTTP binding, `datacontenttype` left to `content-type`.
    pub(super) fn into_headers(self) -> [(&'static str, String); 8] {
        [
            ("ce-specversion", self.specversion.to_owned()),
            ("ce-id", self.id.to_string()),
            ("ce-source", self.source),
            ("ce-type", self.r#type),
            ("ce-subject", self.subject),
            ("ce-time", self.time.to_string()),
            ("ce-sequence", self.sequence),
            ("ce-partitionkey", self.partitionkey),
        ]
    }
}
