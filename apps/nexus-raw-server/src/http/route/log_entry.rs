use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use nexus_raw::{
    ErrorChain,
    event::RequestContext,
    tenancy::{Environment, TenantId, UserId},
};
use slog::{KV, Logger, Record, Serializer, Value as _};

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
        let line = self.line(context, status, took);
        if self.access() == Some(Access::Open) {
            slog::debug!(log, "served"; line);
        } else {
            slog::info!(log, "served"; line);
        }
    }

    /// Logs a preflight.
    pub(super) fn preflight(
        log: &Logger,
        context: &RequestContext,
        status: StatusCode,
        took: Duration,
    ) {
        let entry = Self::default();
        let line = entry.line(context, status, took);
        slog::debug!(log, "preflight"; line);
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
        let line = RefusedLine {
            line: self.line(context, code.status(), took),
            code,
            error,
        };
        let is_probe = self.access() == Some(Access::Open) && code != ProblemCode::Internal;
        if is_probe {
            slog::info!(log, "refused"; line);
        } else if code == ProblemCode::IdentityUnavailable {
            // strangers can cause it, and the outage itself is logged elsewhere
            slog::warn!(log, "refused"; line);
        } else if code.status().is_server_error() {
            slog::error!(log, "failed"; line);
        } else if self.access() == Some(Access::Read) && code != ProblemCode::Unauthenticated {
            slog::info!(log, "refused"; line);
        } else {
            slog::warn!(log, "refused"; line);
        }
    }

    fn method(&self) -> Option<&str> {
        if self.head {
            Some(Method::HEAD.as_str())
        } else {
            self.route.map(|route| route.method.as_str())
        }
    }

    fn access(&self) -> Option<Access> {
        self.route.map(Route::access)
    }

    fn line<'a>(
        &'a self,
        context: &'a RequestContext,
        status: StatusCode,
        took: Duration,
    ) -> AccessLine<'a> {
        AccessLine {
            entry: self,
            context,
            status,
            took,
        }
    }
}

/// The members of a request's line. They are written where they are: a logger of its own for each
/// request would need a copy of each.
struct AccessLine<'a> {
    entry: &'a LogEntry,
    context: &'a RequestContext,
    status: StatusCode,
    took: Duration,
}

impl KV for AccessLine<'_> {
    /// Serializes the last member first, as slog does.
    fn serialize(&self, record: &Record<'_>, to: &mut dyn Serializer) -> slog::Result {
        let (entry, context) = (self.entry, self.context);
        let millis = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        let scope = &entry.scope;
        let user = entry.user.as_ref().map(UserId::as_str);
        let environment = scope.environment.as_ref().map(Environment::as_str);
        let tenant = scope.tenant.as_ref().map(TenantId::as_str);
        let route = entry.route.map(|route| route.pattern);
        to.emit_u64("duration_ms", millis)?;
        to.emit_u16("status", self.status.as_u16())?;
        user.serialize(record, "user_id", to)?;
        environment.serialize(record, "env", to)?;
        tenant.serialize(record, "tenant_id", to)?;
        route.serialize(record, "route", to)?;
        entry.method().serialize(record, "method", to)?;
        to.emit_str("request_id", context.request_id.as_str())?;
        to.emit_arguments("trace_id", &format_args!("{}", context.trace_id))
    }
}

/// The members of a refused or failed request's line.
struct RefusedLine<'a> {
    line: AccessLine<'a>,
    code: ProblemCode,
    error: &'a ApiError,
}

impl KV for RefusedLine<'_> {
    fn serialize(&self, record: &Record<'_>, to: &mut dyn Serializer) -> slog::Result {
        to.emit_arguments("error", &format_args!("{}", ErrorChain(self.error)))?;
        to.emit_str("code", self.code.as_str())?;
        self.line.serialize(record, to)
    }
}
