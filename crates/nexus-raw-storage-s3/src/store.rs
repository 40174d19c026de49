use std::sync::Arc;

use aws_sdk_s3::{Client, operation::get_object::GetObjectOutput, types::BucketVersioningStatus};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use nexus_raw::{
    asset::BucketName,
    ports::{Clock, PinnedObject},
};

use crate::{
    client::{ATTEMPTS, client},
    clock_offset::{ClockOffset, DateObserver},
    credentials::CredentialsCell,
    deadlines::Deadlines,
    endpoint::BucketUrl,
    failure::{FailureKind, RequestFailure},
    settings::S3Settings,
    signing::Signer,
    stat::version_id,
    time::ClockTimeSource,
};

/// A bucket, with the client and the signer for it.
pub(crate) struct Store {
    pub(crate) settings: S3Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) deadlines: Deadlines,
    pub(crate) connector: SharedHttpConnector,
    /// For large bodies: the timeout of a connector is for sending them too.
    pub(crate) patient_connector: SharedHttpConnector,
    pub(crate) credentials: CredentialsCell,
    pub(crate) signer: Signer,
    pub(crate) clock_offset: ClockOffset,
    pub(crate) client: Client,
    /// For requests that take long and are tried once.
    pub(crate) patient_client: Client,
}

/// The connection pools of a store.
#[derive(Debug, Clone)]
pub(crate) struct Connectors {
    /// For all requests but the patient ones, and for the probe's own.
    pub(crate) prompt: SharedHttpConnector,
    /// For requests whose answer may take long.
    pub(crate) patient: SharedHttpConnector,
    /// For such requests where they are tried once.
    pub(crate) once: SharedHttpConnector,
}

#[cfg(test)]
impl Connectors {
    /// One for all.
    pub(crate) fn one(connector: SharedHttpConnector) -> Self {
        Self {
            prompt: connector.clone(),
            patient: connector.clone(),
            once: connector,
        }
    }
}

/// Exactly one object of the bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ObjectPin<'a> {
    pub(crate) key: &'a str,
    /// Without quotes; empty if the store has told none, as of an empty object.
    pub(crate) etag: &'a str,
    pub(crate) version_id: Option<&'a str>,
    pub(crate) size_bytes: u64,
}

impl<'a> From<&'a PinnedObject> for ObjectPin<'a> {
    fn from(object: &'a PinnedObject) -> Self {
        Self {
            key: object.address.key.as_str(),
            etag: &object.etag,
            version_id: object.version_id.as_deref(),
            size_bytes: object.size_bytes.get(),
        }
    }
}

impl ObjectPin<'_> {
    /// Returns whether the response is of another object, as of a store without `If-Match` or versions,
    /// which returns the current one.
    pub(crate) fn is_not(&self, answer: &GetObjectOutput) -> Result<bool, RequestFailure> {
        let malformed = |what| RequestFailure::new("GetObject", FailureKind::Malformed(what));
        let etag = answer.e_tag().map(|etag| etag.trim_matches('"'));
        let etag = etag.ok_or_else(|| malformed("no entity tag"))?;
        let version = version_id(answer.version_id());
        // some stores return no version id even when one was requested
        let is_tagged = !self.etag.is_empty();
        if (is_tagged && etag != self.etag)
            || (version.is_some() && version.as_deref() != self.version_id)
        {
            return Ok(true);
        }
        let length = answer.content_length().map(u64::try_from);
        Ok(length.is_some_and(|length| length != Ok(self.size_bytes)))
    }
}

/// The outcome of a GET of one pinned object.
pub(crate) enum GetOutcome {
    /// The response, with its body not yet read.
    Object(Box<GetObjectOutput>),
    /// Another object has replaced it.
    Replaced,
    /// The object or this version of it does not exist.
    Gone,
}

impl Store {
    pub(crate) fn new(
        settings: S3Settings,
        bucket: BucketUrl,
        credentials: CredentialsCell,
        connectors: Connectors,
        clock: Arc<dyn Clock>,
        deadlines: Deadlines,
    ) -> Self {
        let clock_offset = ClockOffset::unknown();
        let observed =
            |connector| DateObserver::around(connector, Arc::clone(&clock), clock_offset.clone());
        let connector = observed(connectors.prompt);
        let client_on = |connector, deadlines, attempts| {
            let time = ClockTimeSource(Arc::clone(&clock));
            let credentials = credentials.clone();
            client(&settings, credentials, connector, time, deadlines, attempts)
        };
        let client = client_on(connector.clone(), deadlines, ATTEMPTS);
        let patient_connector = observed(connectors.patient);
        let patient_client = client_on(observed(connectors.once), deadlines.patient(), 1);
        Self {
            signer: Signer::new(bucket, &settings),
            settings,
            clock,
            deadlines,
            connector,
            patient_connector,
            credentials,
            clock_offset,
            client,
            patient_client,
        }
    }

    pub(crate) fn bucket(&self) -> &BucketName {
        &self.settings.bucket
    }

    pub(crate) async fn head_bucket(&self, owner: Option<&str>) -> Result<(), RequestFailure> {
        let request = self
            .client
            .head_bucket()
            .bucket(self.bucket().as_str())
            .set_expected_bucket_owner(owner.map(str::to_owned));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(RequestFailure::sdk("HeadBucket", &error)),
        }
    }

    /// Requests exactly this object, by entity tag and version.
    pub(crate) async fn get(&self, object: ObjectPin<'_>) -> Result<GetOutcome, RequestFailure> {
        let tag = !object.etag.is_empty();
        let request = self
            .client
            .get_object()
            .bucket(self.bucket().as_str())
            .key(object.key)
            .set_if_match(tag.then(|| format!("\"{}\"", object.etag)))
            .set_version_id(object.version_id.map(str::to_owned))
            .set_expected_bucket_owner(self.settings.expected_bucket_owner.clone());
        match request.send().await {
            Ok(answer) if object.is_not(&answer)? => Ok(GetOutcome::Replaced),
            Ok(answer) => Ok(GetOutcome::Object(Box::new(answer))),
            Err(error) => {
                let failure = RequestFailure::sdk("GetObject", &error);
                match failure.status() {
                    Some(412) => Ok(GetOutcome::Replaced),
                    // a missing bucket says nothing about the object
                    Some(404) if failure.code() != Some("NoSuchBucket") => Ok(GetOutcome::Gone),
                    // the status of a version that is a delete marker
                    Some(405) => Ok(GetOutcome::Gone),
                    _ => Err(failure),
                }
            }
        }
    }

    pub(crate) async fn versioning_is_enabled(&self) -> Result<bool, RequestFailure> {
        let request = self
            .client
            .get_bucket_versioning()
            .bucket(self.bucket().as_str())
            .set_expected_bucket_owner(self.settings.expected_bucket_owner.clone());
        match request.send().await {
            Ok(versioning) => Ok(versioning.status() == Some(&BucketVersioningStatus::Enabled)),
            Err(error) => Err(RequestFailure::sdk("GetBucketVersioning", &error)),
        }
    }
}
