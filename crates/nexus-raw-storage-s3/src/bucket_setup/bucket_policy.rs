use super::{
    arn,
    policy::{PolicyDocument, Resources, Statement},
};
use crate::settings::S3Settings;

impl S3Settings {
    /// Returns the policy of the bucket. It grants nothing, and refuses to everybody, administrators
    /// too, what the service never does: plain HTTP, unless that is how it speaks to the store; a
    /// write that could replace an object, a key outside its prefixes, a deletion.
    #[must_use]
    pub fn bucket_policy(&self) -> PolicyDocument {
        let bucket = arn::bucket(self, self.bucket.as_str());
        let objects = || Resources::These(vec![format!("{bucket}/*")]);
        let all = Resources::These(vec![bucket.clone(), format!("{bucket}/*")]);
        let is_plain = self
            .endpoint
            .as_ref()
            .is_some_and(|it| it.as_url().scheme() == "http");
        let over_tls = (!is_plain).then(|| {
            Statement::deny("OnlyOverTls", &["s3:*"], all).only_if(
                "Bool",
                "aws:SecureTransport",
                "false",
            )
        });
        let others = [
            // Amazon S3 User Guide, "Enforce conditional writes": beginning an upload in parts and
            // uploading a part take no `If-None-Match` and create no object; its completion does
            Statement::deny("OnlyCreateOnce", &["s3:PutObject"], objects())
                .only_if("Null", "s3:if-none-match", "true")
                .only_if("Bool", "s3:ObjectCreationOperation", "true"),
            // the bucket too, which no `PutObject` is of: SeaweedFS 4.48 takes listing the uploads of a
            // bucket for one
            Statement::deny(
                "OnlyOwnKeys",
                &["s3:PutObject"],
                Resources::Others([vec![bucket.clone()], arn::own_objects(self)].concat()),
            ),
            Statement::deny(
                "NoDeletion",
                &["s3:DeleteObject", "s3:DeleteObjectVersion"],
                objects(),
            ),
        ];
        PolicyDocument::new(over_tls.into_iter().chain(others).collect())
    }
}
