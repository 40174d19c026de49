use std::time::Instant;

use actix_gated_stream::FREE_BYTES;
use actix_web::{HttpRequest, HttpResponse, http::Method, web::Payload};
use nexus_raw::{event::RequestContext, ports::IdempotencyKey, tenancy::TenantId};
use strict_json::Json;

use super::{Call, Handler, Probe, Route, find, log_entry::LogEntry};
use crate::http::{
    request::{self, AppState, BodyRule, NamedScope, authenticate, check_host, idempotency_key},
    respond::ApiError,
};

/// The path prefix where callers are authenticated before anything else, even before the route.
const GUARDED: &str = "/nexus/";

/// A request in the pipeline of checks.
pub(super) struct Pipeline<'a> {
    pub(super) app: &'a AppState,
    pub(super) request: &'a HttpRequest,
    pub(super) context: &'a RequestContext,
    pub(super) routes: &'static [Route],
    pub(super) began: Instant,
}

impl Pipeline<'_> {
    /// Runs every check in the order of the contract, then the handler.
    ///
    /// A request that fails a check has written nothing.
    pub(super) async fn run(
        &self,
        payload: &mut Payload,
        entry: &mut LogEntry,
    ) -> Result<HttpResponse, ApiError> {
        entry.head = self.request.method() == Method::HEAD;
        check_host(self.request.headers())?;
        if self.request.path().starts_with(GUARDED) {
            return self.guarded(payload, entry).await;
        }
        let (route, _) = self.find()?;
        entry.route = Some(route);
        match route.handler {
            Handler::Open(handle) => handle(self.probe()).await,
            // not reached: a test checks that every such route is under the guarded prefix
            Handler::Read(_) | Handler::Download(..) | Handler::Write(..) | Handler::Remove(_) => {
                Err(ApiError::NoToken)
            }
        }
    }

    async fn guarded(
        &self,
        payload: &mut Payload,
        entry: &mut LogEntry,
    ) -> Result<HttpResponse, ApiError> {
        let headers = self.request.headers();
        // found first only for the log; the response depends on it only after authentication
        let found = self.find();
        entry.route = found.as_ref().map(|(route, _)| *route).ok();

        let principal = authenticate(&*self.app.identity, headers).await?;
        entry.user = Some(principal.user().clone());
        let (route, captured) = found?;

        entry.scope = NamedScope::of(headers, &self.app.environments);
        let scope = entry.scope.whole()?;

        match route.handler {
            Handler::Open(handle) => handle(self.probe()).await,
            Handler::Read(handle) => {
                let access = principal.authorize_read(&scope)?;
                entry.member_of = Some(scope.tenant.clone());
                self.app.limits.admit(&scope.tenant, &principal)?;
                handle(self.call(captured, None)?, access).await
            }
            Handler::Write(rule, handle) => {
                let access = principal.authorize_write(&scope)?;
                entry.member_of = Some(scope.tenant.clone());
                self.app.limits.admit(&scope.tenant, &principal)?;
                let key = if route.takes_idempotency_key {
                    idempotency_key(headers)?
                } else {
                    None
                };
                let body = self.body(rule, payload, &scope.tenant, entry).await?;
                handle(self.call(captured, key)?, access, body).await
            }
            Handler::Remove(handle) => {
                let access = principal.authorize_write(&scope)?;
                entry.member_of = Some(scope.tenant.clone());
                self.app.limits.admit(&scope.tenant, &principal)?;
                handle(self.call(captured, None)?, access).await
            }
            Handler::Download(rule, handle) => {
                let access = principal.authorize_download(&scope)?;
                entry.member_of = Some(scope.tenant.clone());
                self.app.limits.admit(&scope.tenant, &principal)?;
                let body = self.body(rule, payload, &scope.tenant, entry).await?;
                handle(self.call(captured, None)?, access, body).await
            }
        }
    }

    /// Reads the body, and reserves what the response may need.
    async fn body(
        &self,
        rule: BodyRule,
        payload: &mut Payload,
        tenant: &TenantId,
        entry: &mut LogEntry,
    ) -> Result<Json, ApiError> {
        let (body, bytes) = request::read(self.request, payload, rule).await?;
        let most = rule.most_of_a_response(bytes);
        if most > FREE_BYTES {
            // after the write it is too late to refuse the response
            entry.reserved = Some(self.app.answers.charge(tenant, most)?);
        }
        Ok(body)
    }

    fn find(&self) -> Result<(&'static Route, &str), ApiError> {
        find(self.routes, self.request.method(), self.request.path())
    }

    fn probe(&self) -> Probe<'_> {
        Probe {
            request: self.request,
            app: self.app,
        }
    }

    fn call<'c>(
        &'c self,
        captured: &'c str,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Result<Call<'c>, ApiError> {
        Ok(Call {
            request: self.request,
            app: self.app,
            core: self.app.core()?,
            context: self.context,
            idempotency_key,
            began: self.began,
            captured,
        })
    }
}
