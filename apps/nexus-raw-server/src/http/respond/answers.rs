//! How many bytes of answers may be under way at once: made, and not taken by their callers yet.
//!
//! A caller who does not read costs the service what it was answered until the connection is cut.
//! So answers beyond a few kibibytes count, each to the tenant whose member asked (or to nobody's,
//! where none was proved) until the last byte is with the system: a tenant may have as much under
//! way as half of what is free then. However many tenants have all that they may, there is some
//! left for the next (ADR 0032).

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use actix_gated_stream::Connection;
use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
};
use bytes::Bytes;
use nexus_raw::tenancy::TenantId;

use super::ApiError;
use crate::admission::{Turn, Turns};

/// What an answer may have without being counted: no more than what each connection costs anyway.
pub(crate) const FREE_BYTES: usize = 8 * 1024;

/// What is given to the library at a time: it copies this, so the rest of an answer is there once.
const PIECE_BYTES: usize = 16 * 1024;

/// How slowly an answer may be taken, and the time that each has besides: a connection that takes
/// a few bytes now and then is cut too.
const LEAST_BYTES_PER_SECOND: u64 = 8 * 1024;
const LEAST_TIME: Duration = Duration::from_secs(30);

/// How much of answers there may be at once.
#[derive(Debug, Clone, Copy)]
pub struct AnswerSettings {
    /// How many bytes may be under way.
    pub bytes: usize,
    /// How many pages of events are read from the catalogue and written as JSON at once: each may
    /// take several times its bytes meanwhile.
    pub pages_at_once: usize,
    /// How many of these may be one tenant's.
    pub pages_of_one: usize,
    /// How long a caller waits for its turn to have a page read.
    pub patience: Duration,
}

impl Default for AnswerSettings {
    fn default() -> Self {
        Self {
            bytes: 64 * 1024 * 1024,
            pages_at_once: 4,
            pages_of_one: 2,
            patience: Duration::from_secs(3),
        }
    }
}

/// The answers of all callers. A clone is another handle to them.
#[derive(Clone)]
pub struct Answers(Arc<Shared>);

struct Shared {
    settings: AnswerSettings,
    pages: Turns,
    under_way: Mutex<UnderWay>,
}

#[derive(Default)]
struct UnderWay {
    bytes: usize,
    of: HashMap<Option<TenantId>, usize>,
}

impl Default for Answers {
    fn default() -> Self {
        Self::new(AnswerSettings::default())
    }
}

impl Answers {
    /// Lets as much be under way as `settings` say.
    #[must_use]
    pub fn new(settings: AnswerSettings) -> Self {
        let AnswerSettings {
            pages_at_once,
            pages_of_one,
            patience,
            ..
        } = settings;
        Self(Arc::new(Shared {
            settings,
            pages: Turns::new(pages_at_once, pages_of_one, patience),
            under_way: Mutex::default(),
        }))
    }

    /// How many bytes are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.0.lock().bytes
    }

    /// A turn to have a page read, until it is dropped.
    ///
    /// # Errors
    /// [`ApiError::TooMuchUnderWay`] when there is none in time.
    pub(crate) async fn page_turn(&self, tenant: &TenantId) -> Result<Turn<'_>, ApiError> {
        let turn = self.0.pages.turn(tenant).await;
        turn.ok_or(ApiError::TooMuchUnderWay)
    }

    /// Counts bytes that are to be answered to `tenant`.
    ///
    /// # Errors
    /// [`ApiError::TooMuchUnderWay`] when its share is taken.
    pub(crate) fn charge(
        &self,
        tenant: Option<&TenantId>,
        bytes: usize,
    ) -> Result<Charge, ApiError> {
        let mut under_way = self.0.lock();
        let theirs = under_way.of.get(&tenant.cloned()).copied().unwrap_or(0);
        let free = self.0.settings.bytes.saturating_sub(under_way.bytes);
        if theirs + bytes > free / 2 {
            return Err(ApiError::TooMuchUnderWay);
        }
        under_way.bytes += bytes;
        under_way.of.insert(tenant.cloned(), theirs + bytes);
        Ok(Charge {
            answers: self.clone(),
            tenant: tenant.cloned(),
            bytes,
        })
    }

    /// Has an answer counted until it is sent, and its connection cut where it is taken too
    /// slowly. What was `reserved` before the answer was made is enough, whatever it comes to.
    ///
    /// # Errors
    /// [`ApiError::TooMuchUnderWay`] when there is no room for it: it must not be sent.
    pub(crate) fn admit(
        &self,
        response: HttpResponse,
        tenant: Option<&TenantId>,
        reserved: Option<Charge>,
        connection: Option<&Connection>,
    ) -> Result<HttpResponse, ApiError> {
        let bytes = match response.body().size() {
            BodySize::Sized(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
            BodySize::None | BodySize::Stream => 0,
        };
        if bytes <= FREE_BYTES {
            return Ok(response);
        }
        let charge = match reserved {
            Some(mut reserved) => {
                reserved.resize(bytes);
                reserved
            }
            None => self.charge(tenant, bytes)?,
        };
        if let Some(connection) = connection {
            let rate = bytes as u64 / LEAST_BYTES_PER_SECOND;
            connection.to_be_taken_within(LEAST_TIME + Duration::from_secs(rate));
        }
        let connection = connection.cloned();
        Ok(response.map_body(|_, body| match body.try_into_bytes() {
            Ok(bytes) => BoxBody::new(Counted {
                bytes,
                charge: Some(charge),
                connection,
            }),
            // every answer here is made of bytes
            Err(body) => body,
        }))
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Answers").field(&self.0.settings).finish()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        // nothing is left half done where the lock is held
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that count, until it is dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    answers: Answers,
    tenant: Option<TenantId>,
    bytes: usize,
}

impl Charge {
    /// Counts so many from now on, room or not: more only where what was done cannot be undone.
    fn resize(&mut self, bytes: usize) {
        let mut under_way = self.answers.0.lock();
        under_way.bytes = under_way.bytes - self.bytes + bytes;
        let theirs = under_way.of.remove(&self.tenant).unwrap_or(0);
        let theirs = theirs - self.bytes + bytes;
        if theirs > 0 {
            under_way.of.insert(self.tenant.clone(), theirs);
        }
        self.bytes = bytes;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.resize(0);
    }
}

/// The body of an answer that counts.
struct Counted {
    bytes: Bytes,
    charge: Option<Charge>,
    connection: Option<Connection>,
}

impl MessageBody for Counted {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.bytes.len() as u64)
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let bytes = &mut self.get_mut().bytes;
        let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
        Poll::Ready((!piece.is_empty()).then_some(Ok(piece)))
    }
}

impl Drop for Counted {
    /// The library has the last of it then, and the caller may still have to take it.
    fn drop(&mut self) {
        if let (Some(connection), Some(charge)) = (&self.connection, self.charge.take()) {
            connection.keep_until_sent(charge);
        }
    }
}
