use nexus_raw::{
    event::{DatasetEvent, EventBody},
    time::Timestamp,
};
use serde::Serialize;
use uuid::Uuid;

/// The context attributes of an event (`CloudEvents` 1.0, "Context Attributes"; names of at most
/// 20 lower-case letters and digits).
///
/// None of them has text that a caller chose, so all are safe as header values.
#[derive(Serialize)]
pub(super) struct Attributes {
    specversion: &'static str,
    /// Unique within `source`; consumers deduplicate by both.
    id: Uuid,
    /// The scope, within which `sequence` counts.
    source: String,
    r#type: String,
    subject: String,
    time: Timestamp,
    /// Extension "Sequence": compared as text, so it has leading zeros.
    sequence: String,
    /// Extension "Partitioning": events of one key stay in order.
    partitionkey: String,
}

/// Returns the URN of the event's scope.
pub(super) fn source(body: &EventBody) -> String {
    format!("urn:nexus-raw:{}:{}", body.tenant_id, body.env)
}

impl Attributes {
    pub(super) fn of(event: &DatasetEvent) -> Self {
        let body = &event.body;
        let scope = format!("{}/{}", body.tenant_id, body.env);
        Self {
            specversion: "1.0",
            id: event.event_id,
            source: source(body),
            r#type: format!("nexus.raw.{}", body.event_type.as_str()),
            subject: body.asset_id.to_string(),
            time: body.occurred_at,
            sequence: format!("{:020}", event.sequence),
            partitionkey: scope,
        }
    }

    /// Returns the headers of the HTTP binding; `content-type` replaces `datacontenttype`.
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
