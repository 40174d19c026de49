//! What comes to the store past the service.

use std::time::Duration;

use nexus_raw::{
    asset::{
        BucketName, ByteSize, ContentFacts, ContentType, Filename, ObjectAddress, ObjectKey,
        Sha256Digest, UploadIntent,
    },
    ports::{Clock, UploadTerms},
    tenancy::{Environment, Scope, TenantId, UserId},
};

use super::Driver;
use crate::{
    texts::BUCKET,
    words::{CONTENTS, PartUpload, Place, Placed, Upload},
    world::{Put, World},
};

impl Driver {
    pub(super) async fn put(&self, world: &World, put: Put) -> u16 {
        match put {
            Put::Upload { asset, how } => {
                let file = world.assets[asset].file;
                let upload = self.assets[asset].upload.as_ref().unwrap();
                let mut headers = upload.headers.clone();
                let mut body = file.content().bytes;
                let extra = |name: &str, value: &str| (name.to_owned(), value.to_owned());
                match how {
                    Upload::AsSigned => {}
                    Upload::OtherBytes => body = file.other_bytes().bytes,
                    Upload::OtherLength => body = file.other_length().bytes,
                    Upload::WithoutMetadata => headers.retain(|(name, _)| name != "x-amz-meta-env"),
                    Upload::WithMoreMetadata => headers.push(extra("x-amz-meta-more", "1")),
                    Upload::AsABrowser => headers.extend([
                        extra("cache-control", "no-cache"),
                        extra("pragma", "no-cache"),
                    ]),
                    Upload::WithAnEncoding => headers.push(extra("content-encoding", "gzip")),
                }
                self.ports.store.put(upload, &headers, body).await
            }
            Put::Part {
                asset,
                part,
                content,
                how,
            } => {
                let upload = &self.assets[asset].parts[&part];
                let mut body = CONTENTS[content].part(part).to_vec();
                if how == PartUpload::OtherLength {
                    body.push(b'.');
                }
                self.ports.store.put(upload, &upload.headers, &body).await
            }
            Put::Place { asset, what } => self.place(world, asset, what).await,
        }
    }

    /// Uploads with a URL of the bucket's owner's own making.
    async fn place(&self, world: &World, number: usize, what: Placed) -> u16 {
        let asset = &world.assets[number];
        let content = match what {
            Placed::OtherBytes => asset.file.other_bytes(),
            Placed::OtherLength => asset.file.other_length(),
            _ => asset.file.content(),
        };
        let content_type = match what {
            Placed::OtherType => "image/png",
            _ => asset.file.content_type(),
        };
        let mut scope = scope_of(asset.place);
        if what == Placed::OtherMetadata {
            scope.environment = Environment::parse("elsewhere").unwrap();
        }
        let sha256 = Sha256Digest::parse(content.hex).unwrap();
        let intent = UploadIntent {
            asset_id: self.assets[number].id,
            scope,
            address: self.address(world, number),
            facts: ContentFacts {
                filename: Filename::parse(asset.file.name()).unwrap(),
                content_type: ContentType::parse(content_type).unwrap(),
                size_bytes: ByteSize::parse(u64::try_from(content.bytes.len()).unwrap()).unwrap(),
                sha256: Some(sha256),
            },
            multipart: None,
            requested_by: UserId::parse("u_owner_of_the_bucket").unwrap(),
            requested_at: self.clock.now(),
            ends_at: self.clock.now().saturating_add(Duration::from_hours(1)),
        };
        let terms = UploadTerms {
            intent: &intent,
            sha256,
            now: self.clock.now(),
            ttl: Duration::from_mins(1),
        };
        let upload = self.ports.storage.presign_upload(terms).await.unwrap();
        let (store, headers) = (&self.ports.store, &upload.headers);
        store.put(&upload, headers, content.bytes).await
    }

    pub(super) fn address(&self, world: &World, asset: usize) -> ObjectAddress {
        let (scope, file) = (
            scope_of(world.assets[asset].place),
            world.assets[asset].file,
        );
        let name = Filename::parse(file.name()).unwrap();
        ObjectAddress {
            bucket: BucketName::parse(BUCKET).unwrap(),
            key: ObjectKey::for_asset(&scope, self.assets[asset].id, &name),
        }
    }
}

fn scope_of(place: Place) -> Scope {
    Scope {
        tenant: TenantId::parse(place.tenant).unwrap(),
        environment: Environment::parse(place.env).unwrap(),
    }
}
