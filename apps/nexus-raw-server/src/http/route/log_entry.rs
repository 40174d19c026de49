use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use nexus_raw::{
    ErrorChain,
    event::RequestContext,
    tenancy::{TenantId, UserId},
};
use slog::{Logger, o};

use super::{Access, Route};
use crate::http::{
    request::NamedScope,
    respond::{ApiError, Charge, ProblemCode},
};

/// The fields of a request's log line.
///
/// Only parsed values: no raw header, path or body, no token, no URL.
#[derive(Default)]
pub(super) struct LogEntry {
    pub(super) user: Option<UserId>,
    pub(super) route: Option<&'static Route>,
    /// Whether a GET route was called by HEAD.
    pub(super) head: bool,
    pub(super) scope: NamedScope,
    /// The tenant that the response counts for, of which the caller is a member.
    pub(super) member_of: Option<TenantId>,
    /// The budget that was reserved for the response before any write.
    pub(super) reserved: Option<Charge>,
}

impl LogEntry {
    /// Logs a successful request.
    pub(super) fn served(
        &self,
        log: &Logger,
        context: &RequestContext,
        status: StatusCode,
        took: Duration,
    ) {
        let log = self.write(log, context, status, took);
        if self.access() == Some(Access::Open) {
            slog::debug!(log, "served");
        } else {
            slog::info!(log, "served");
        }
    }

    /// Logs a preflight.
    pub(super) fn preflight(
        log: &Logger,
        context: &RequestContext,
        status: StatusCode,
        took: Duration,
    ) {
        let log = Self::default().write(log, context, status, took);
        slog::debug!(log, "preflight");
    }

    /// Logs a refused or failed request: a failure as an error with its causes, a refused write or
    /// credential as a warning, a refused read as information.
    pub(super) fn refused(
        &self,
        log: &Logger,
        context: &RequestContext,
        error: &ApiError,
        code: ProblemCode,
        took: Duration,
    ) {
        let log = self.write(log, context, code.status(), took);
        let log = log.new(o!("code" => code.as_str(), "error" => ErrorChain(error).to_string()));
        let is_probe = self.access() == Some(Access::Open) && code != ProblemCode::Internal;
        if is_probe {
            slog::info!(log, "refused");
        } else if code == ProblemCode::IdentityUnavailable {
            // strangers can cause it, and the outage itself is logged elsewhere
            slog::warn!(log, "refused");
        } else if code.status().is_server_error() {
            slog::error!(log, "failed");
        } else if self.access() == Some(Access::Read) && code != ProblemCode::Unauthenticated {
            slog::info!(log, "refused");
        } else {
            slog::warn!(log, "refused");
        }
    }

    fn method(&self) -> Option<String> {
        let method = if self.head {
            Some(&Method::HEAD)
        } else {
            self.route.map(|route| &route.method)
        };
        method.map(ToString::to_string)
    }

    fn access(&self) -> Option<Access> {
        self.route.map(Route::access)
    }

    fn write(
        &self,
        log: &Logger,
        context: &RequestContext,
        status: StatusCode,
        took: Duration,
    ) -> Logger {
        log.new(o!(
            "trace_id" => context.trace_id.to_string(),
            "request_id" => context.request_id.to_string(),
            "method" => self.method(),
            "route" => self.route.map(|route| route.pattern),
            "tenant_id" => self.scope.tenant.as_ref().map(ToString::to_string),
            "env" => self.scope.environment.as_ref().map(ToString::to_string),
            "user_id" => self.user.as_ref().map(ToString::to_string),
            "status" => status.as_u16(),
            "duration_ms" => u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        ))
    }
}
