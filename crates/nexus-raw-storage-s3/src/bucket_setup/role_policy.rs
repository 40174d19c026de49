use super::{
    arn,
    import_source::ImportSource,
    policy::{PolicyDocument, Statement},
};
use crate::settings::{S3Settings, ServerSideEncryption};

/// What the role does besides serving.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleTasks {
    /// It compares the bucket with the catalogue, all versions included.
    pub reconcile: bool,
    /// It examines how the bucket is set up.
    pub doctor: bool,
    /// It imports from there.
    pub import: Option<ImportSource>,
}

impl S3Settings {
    /// Returns the permissions of the service's role, no more than its calls need. Reading again
    /// what is registered needs no other ones.
    #[must_use]
    pub fn role_policy(&self, tasks: &RoleTasks) -> PolicyDocument {
        let bucket = arn::bucket(self, self.bucket.as_str());
        // `s3:PutObject` also begins and completes uploads in parts, and `s3:ListBucket` makes an
        // absent object a 404
        let mut statements = vec![
            Statement::allow(
                "OwnObjects",
                &[
                    "s3:PutObject",
                    "s3:GetObject",
                    "s3:GetObjectVersion",
                    "s3:AbortMultipartUpload",
                    "s3:ListMultipartUploadParts",
                ],
                arn::own_objects(self),
            ),
            Statement::allow(
                "OwnBucket",
                &["s3:ListBucket", "s3:ListBucketMultipartUploads"],
                vec![bucket.clone()],
            ),
        ];
        if tasks.doctor {
            statements.push(Statement::allow(
                "Doctor",
                &[
                    "s3:GetBucketCORS",
                    "s3:GetBucketObjectLockConfiguration",
                    "s3:GetBucketPolicy",
                    "s3:GetBucketVersioning",
                    "s3:GetEncryptionConfiguration",
                    "s3:GetLifecycleConfiguration",
                ],
                vec![bucket.clone()],
            ));
        }
        if self.require_versioning {
            statements.push(Statement::allow(
                "RequireVersioning",
                &["s3:GetBucketVersioning"],
                vec![bucket.clone()],
            ));
        }
        if let ServerSideEncryption::Kms { key_id } = &self.server_side_encryption {
            statements.push(self.key_statement(key_id.as_deref()));
        }
        if tasks.reconcile {
            statements.push(Statement::allow(
                "Reconcile",
                &["s3:ListBucketVersions"],
                vec![bucket],
            ));
        }
        if let Some(source) = &tasks.import {
            statements.extend(self.import_statements(source));
        }
        PolicyDocument::new(statements)
    }

    /// A policy names a key by its ARN. An alias is a condition on the key instead (AWS KMS Developer
    /// Guide, "Use aliases to control access"), and without a key it is the alias of S3's own.
    fn key_statement(&self, key_id: Option<&str>) -> Statement {
        let actions = &["kms:GenerateDataKey", "kms:Decrypt"];
        let statement = |key: String| Statement::allow("EncryptionKey", actions, vec![key]);
        let id = key_id.unwrap_or("alias/aws/s3");
        let (place, name) = if let Some((place, name)) = id.rsplit_once(':') {
            (place.to_owned(), name)
        } else {
            let partition = arn::partition(&self.region);
            (format!("arn:{partition}:kms:{}:*", self.region), id)
        };
        if name.starts_with("alias/") {
            let of_any = statement(format!("{place}:key/*"));
            return of_any.only_if("ForAnyValue:StringEquals", "kms:ResourceAliases", name);
        }
        let name = name.trim_start_matches("key/");
        statement(format!("{place}:key/{name}"))
    }

    fn import_statements(&self, source: &ImportSource) -> [Statement; 2] {
        let bucket = arn::bucket(self, source.bucket().as_str());
        let prefix = source.prefix();
        let objects = vec![format!("{bucket}/{prefix}*")];
        let list = Statement::allow(
            "ImportList",
            &["s3:ListBucket", "s3:ListBucketVersions"],
            vec![bucket],
        );
        [
            Statement::allow(
                "ImportRead",
                &["s3:GetObject", "s3:GetObjectVersion"],
                objects,
            ),
            list.only_if("StringLike", "s3:prefix", format!("{prefix}*")),
        ]
    }
}
