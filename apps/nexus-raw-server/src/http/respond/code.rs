use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

macro_rules! problem_codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal, $status:ident, $title:literal;)+) => {
        /// The code of a problem. Each code has one status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        pub enum ProblemCode {
            $($(#[$doc])* #[serde(rename = $name)] $code),+
        }

        impl ProblemCode {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$code),+];

            /// Returns the code's name on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$code => $name),+ }
            }

            /// Returns its status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$code => StatusCode::$status),+ }
            }

            /// Returns its title.
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
    /// The caller is not authenticated.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Not authenticated";
    /// The caller has no such right in this tenant.
    Forbidden = "forbidden", FORBIDDEN, "Forbidden";
    /// There is no such asset in this tenant and environment.
    AssetNotFound = "asset-not-found", NOT_FOUND, "Asset not found";
    /// There is no such route.
    RouteNotFound = "route-not-found", NOT_FOUND, "Route not found";
    /// The route does not have this method.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "Method not allowed";
    /// The request took too long.
    RequestTimeout = "request-timeout", REQUEST_TIMEOUT, "Request timeout";
    /// The existing asset differs from the request.
    AssetConflict = "asset-conflict", CONFLICT, "Asset conflict";
    /// The object is not uploaded yet.
    ObjectNotUploaded = "object-not-uploaded", CONFLICT, "Object not uploaded";
    /// The service is still hashing the object.
    VerificationPending = "verification-pending", CONFLICT, "Verification pending";
    /// The upload has expired.
    UploadExpired = "upload-expired", GONE, "Upload expired";
    /// The body is over the route's limit.
    PayloadTooLarge = "payload-too-large", PAYLOAD_TOO_LARGE, "Payload too large";
    /// The body is not plain JSON.
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "Unsupported media type";
    /// The body or query validation failed, each named in `errors`.
    ValidationFailed = "validation-failed", UNPROCESSABLE_ENTITY, "Validation failed";
    /// The uploaded object differs from the declared content.
    ObjectMismatch = "object-mismatch", UNPROCESSABLE_ENTITY, "Object mismatch";
    /// The key was used for another request.
    IdempotencyKeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "Idempotency key reused";
    /// The caller exceeded the rate limit.
    RateLimited = "rate-limited", TOO_MANY_REQUESTS, "Rate limited";
    /// The service failed.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Internal error";
    /// The object store is unavailable.
    StorageUnavailable = "storage-unavailable", SERVICE_UNAVAILABLE, "Storage unavailable";
    /// The catalogue is unavailable.
    CatalogUnavailable = "catalog-unavailable", SERVICE_UNAVAILABLE, "Catalogue unavailable";
    /// Events are not delivered in time.
    SinkUnavailable = "sink-unavailable", SERVICE_UNAVAILABLE, "Event sink unavailable";
    /// The service has no keys to authenticate callers.
    IdentityUnavailable = "identity-unavailable", SERVICE_UNAVAILABLE, "Identity unavailable";
}

// not derived, since the derive macro does not see the names from this macro
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
