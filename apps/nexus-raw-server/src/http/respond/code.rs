use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

macro_rules! problem_codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal, $status:ident, $title:literal;)+) => {
        /// What kind of problem an answer tells of. Each kind has one status, always.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        pub enum ProblemCode {
            $($(#[$doc])* #[serde(rename = $name)] $code),+
        }

        impl ProblemCode {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$code),+];

            /// The kind's name on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$code => $name),+ }
            }

            /// Its status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$code => StatusCode::$status),+ }
            }

            /// Its name for a person.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$code => $title),+ }
            }
        }
    };
}

problem_codes! {
    /// The body is not one strict JSON text, or a header is missing, repeated or ill-formed.
    MalformedRequest = "malformed-request", BAD_REQUEST, "Malformed request";
    /// No caller is proved.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Not authenticated";
    /// The caller has no such right in this tenant.
    Forbidden = "forbidden", FORBIDDEN, "Forbidden";
    /// There is no such asset in this tenant and environment.
    AssetNotFound = "asset-not-found", NOT_FOUND, "Asset not found";
    /// There is no such route.
    RouteNotFound = "route-not-found", NOT_FOUND, "Route not found";
    /// The route does not have this method.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "Method not allowed";
    /// Body and answer together took too long.
    RequestTimeout = "request-timeout", REQUEST_TIMEOUT, "Request timeout";
    /// What stands differs from what is asked for.
    AssetConflict = "asset-conflict", CONFLICT, "Asset conflict";
    /// Nothing was uploaded yet.
    ObjectNotUploaded = "object-not-uploaded", CONFLICT, "Object not uploaded";
    /// The service still reads the object in order to hash it.
    VerificationPending = "verification-pending", CONFLICT, "Verification pending";
    /// The time to upload is over.
    UploadExpired = "upload-expired", GONE, "Upload expired";
    /// The body is over the route's limit.
    PayloadTooLarge = "payload-too-large", PAYLOAD_TOO_LARGE, "Payload too large";
    /// The body is not plain JSON.
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "Unsupported media type";
    /// The body or query validation failed, each named in `errors`.
    ValidationFailed = "validation-failed", UNPROCESSABLE_ENTITY, "Validation failed";
    /// What was uploaded is not what was promised.
    ObjectMismatch = "object-mismatch", UNPROCESSABLE_ENTITY, "Object mismatch";
    /// The key was used for another request.
    IdempotencyKeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "Idempotency key reused";
    /// The caller asks too often.
    RateLimited = "rate-limited", TOO_MANY_REQUESTS, "Rate limited";
    /// The service failed.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Internal error";
    /// The object store gives no answer.
    StorageUnavailable = "storage-unavailable", SERVICE_UNAVAILABLE, "Storage unavailable";
    /// The catalogue gives no answer.
    CatalogUnavailable = "catalog-unavailable", SERVICE_UNAVAILABLE, "Catalogue unavailable";
    /// Events are not delivered in time.
    SinkUnavailable = "sink-unavailable", SERVICE_UNAVAILABLE, "Event sink unavailable";
    /// The service has no keys yet to prove callers with.
    IdentityUnavailable = "identity-unavailable", SERVICE_UNAVAILABLE, "Identity unavailable";
}

// not derived: the derive does not see names that a macro has put in
impl PartialSchema for ProblemCode {
    fn schema() -> RefOr<Schema> {
        let names = Self::ALL.iter().map(|code| code.as_str());
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "The kind of a problem, for a program. Each has one status.",
            ))
            .enum_values(Some(names))
            .into()
    }
}

impl ToSchema for ProblemCode {}
