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

/// What is known of a request, for its one line in the log.
///
/// Only values that were parsed are in it: no header, path or body as it came, no token, no URL.
#[derive(Default)]
pub(super) struct LogEntry {
    pub(super) user: Option<UserId>,
    pub(super) route: Option<&'static Route>,
    /// Whether the route's GET was asked for by HEAD.
    pub(super) head: bool,
    pub(super) scope: NamedScope,
    /// Whose answer it is: the tenant of which the caller was proved to be a member.
    pub(super) member_of: Option<TenantId>,
    /// What was set aside for the answer before anything was written.
    pub(super) reserved: Option<Charge>,
}

impl LogEntry {
    /// Writes the line of a request that got what it asked for.
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

    /// Writes the line of a browser's question what a page may send.
    pub(super) fn preflight(
        log: &Logger,
        context: &RequestContext,
        status: StatusCode,
        took: Duration,
    ) {
        let log = Self::default().write(log, context, status, took);
        slog::debug!(log, "preflight");
    }

    /// Writes the line of a request that did not: a failure with all its causes, a refused write
    /// or a credential that was refused or could not be judged as a warning, a refused read for
    /// information.
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
            // anybody can bring it about, and what is away is told where it is asked
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
