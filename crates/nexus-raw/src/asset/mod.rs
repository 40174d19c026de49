//! What an asset is: its identity, its content, where it came from, where it is kept.

mod asset_id;
mod byte_size;
mod capture;
mod content_type;
mod digest;
mod disposition;
mod fact;
mod filename;
mod in_force;
mod intent;
mod labels;
mod lineage;
mod object_key;
mod parts;
mod pii;
mod provenance;
mod raw_asset;
mod verification;

pub use asset_id::{AssetId, AssetIdError};
pub use byte_size::{ByteSize, ByteSizeError};
pub use capture::{CaptureLocation, CaptureLocationError, CapturedAt};
pub use content_type::{ContentType, ContentTypeError};
pub use digest::{Sha256Digest, Sha256DigestError};
pub use disposition::{Disposition, DispositionError};
pub use fact::{
    C2pa, C2paState, C2paStateError, Fact, FactKind, FactKindError, FactTextError, FactValue,
    FactsInForce, License, LicenseError, Reason, RightsHolder, Scan, ScanVerdict, ScanVerdictError,
    Scanner, StatedFact,
};
pub use filename::{Filename, FilenameError};
pub use in_force::InForce;
pub use intent::{MultipartUpload, UploadIntent};
pub use labels::{LabelError, Labels};
pub use lineage::{
    Activity, ActivityError, DerivedFrom, DerivedFromError, Lineage, SourceUri, SourceUriError,
};
pub use object_key::{BucketName, BucketNameError, ObjectAddress, ObjectKey, ObjectKeyError};
pub use parts::{DeclaredPart, PartLayout, PartNumber, PartNumberError, UploadId, UploadIdError};
pub use pii::{PiiFlag, PiiFlagError, PiiFlags, PiiFlagsError};
pub use provenance::Provenance;
pub use raw_asset::{
    ContentFacts, DeclaredFacts, Integrity, IntegrityLevel, RawAsset, RawAssetParts,
};
pub use verification::{FoundContent, Verdict, VerdictError, Verification};
