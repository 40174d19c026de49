#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt,
    hash::Hash,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
};
use bytes::Bytes;

use super::connection::Connection;

/// The size up to which a response is not counted: no more than each connection costs anyway.
pub const FREE_BYTES: usize = 8 * 1024;

/// The size of a piece passed to the library, which copies it; the rest of a response is not
/// copied.
const PIECE_BYTES: usize = 16 * 1024;

/// The minimum rate at which a caller must read a response, after a minimum time: a connection that
/// reads only a few bytes now and then is closed.
const MIN_BYTES_PER_SECOND: u64 = 8 * 1024;
const MIN_TIME: Duration = Duration::from_secs(30);

/// A budget of response bytes in flight: produced, and not yet read by their callers.
///
/// The response to a caller that does not read takes memory until the connection is closed. So
/// responses of more than [`FREE_BYTES`] count, each for some `K`, until the last byte is with the
/// system. A `K` may have half of the free bytes in flight, so that some are always left for the
/// next. A clone is another handle to the same budget.
#[derive(Clone)]
pub struct AnswerBudget<K: Eq + Hash + Clone>(Arc<Accounts<K>>);

struct Accounts<K> {
    bytes: usize,
    under_way: Mutex<UnderWay<K>>,
}

struct UnderWay<K> {
    bytes: usize,
    of: HashMap<K, usize>,
}

/// The error of a response that exceeds the budget: it must not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverBudget;

impl fmt::Display for OverBudget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("too many bytes of answers are under way")
    }
}

impl std::error::Error for OverBudget {}

impl<K: Eq + Hash + Clone> AnswerBudget<K> {
    /// Creates a budget of so many bytes in flight.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Accounts {
            bytes,
            under_way: Mutex::new(UnderWay {
                bytes: 0,
                of: HashMap::new(),
            }),
        }))
    }

    /// Returns the number of bytes in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.lock().bytes
    }

    /// Counts response bytes for `key`, until the charge is dropped.
    ///
    /// # Errors
    /// [`OverBudget`] when the share of `key` is exhausted.
    pub fn charge(&self, key: K, bytes: usize) -> Result<Charge<K>, OverBudget> {
        let mut under_way = self.0.lock();
        let theirs = under_way.of.get(&key).copied().unwrap_or(0);
        let free = self.0.bytes.saturating_sub(under_way.bytes);
        if theirs + bytes > free / 2 {
            return Err(OverBudget);
        }
        under_way.bytes += bytes;
        under_way.of.insert(key.clone(), theirs + bytes);
        Ok(Charge {
            budget: self.clone(),
            key,
            bytes,
        })
    }
}

impl<K: Eq + Hash + Clone + 'static> AnswerBudget<K> {
    /// Counts a response until it is sent, and closes its connection if the caller reads too
    /// slowly. A charge that was `reserved` before suffices for a response of any size.
    ///
    /// # Errors
    /// [`OverBudget`] when it exceeds the budget: it must not be sent.
    pub fn admit(
        &self,
        response: HttpResponse,
        key: K,
        reserved: Option<Charge<K>>,
        connection: Option<&Connection>,
    ) -> Result<HttpResponse, OverBudget> {
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
            None => self.charge(key, bytes)?,
        };
        if let Some(connection) = connection {
            let rate = bytes as u64 / MIN_BYTES_PER_SECOND;
            connection.set_send_timeout(MIN_TIME + Duration::from_secs(rate));
        }
        let connection = connection.cloned();
        Ok(response.map_body(|_, body| match body.try_into_bytes() {
            Ok(bytes) => BoxBody::new(Counted {
                bytes,
                charge: Some(charge),
                connection,
            }),
            // a body with a known size consists of bytes
            Err(body) => body,
        }))
    }
}

impl<K: Eq + Hash + Clone> fmt::Debug for AnswerBudget<K> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("AnswerBudget");
        out.field("bytes", &self.0.bytes).finish_non_exhaustive()
    }
}

impl<K> Accounts<K> {
    fn lock(&self) -> MutexGuard<'_, UnderWay<K>> {
        // no update under the lock can be left half done
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counted bytes, released on drop.
#[derive(Debug)]
pub struct Charge<K: Eq + Hash + Clone> {
    budget: AnswerBudget<K>,
    key: K,
    bytes: usize,
}

impl<K: Eq + Hash + Clone> Charge<K> {
    /// Changes the count, even beyond the budget, for work that cannot be undone.
    fn resize(&mut self, bytes: usize) {
        let mut under_way = self.budget.0.lock();
        under_way.bytes = under_way.bytes - self.bytes + bytes;
        let theirs = under_way.of.remove(&self.key).unwrap_or(0);
        let theirs = theirs - self.bytes + bytes;
        if theirs > 0 {
            under_way.of.insert(self.key.clone(), theirs);
        }
        self.bytes = bytes;
    }
}

impl<K: Eq + Hash + Clone> Drop for Charge<K> {
    fn drop(&mut self) {
        self.resize(0);
    }
}

/// The body of a counted response.
struct Counted<K: Eq + Hash + Clone + 'static> {
    bytes: Bytes,
    charge: Option<Charge<K>>,
    connection: Option<Connection>,
}

// no field is pinned
impl<K: Eq + Hash + Clone> Unpin for Counted<K> {}

impl<K: Eq + Hash + Clone> MessageBody for Counted<K> {
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

impl<K: Eq + Hash + Clone> Drop for Counted<K> {
    /// The library has the whole body then, but the caller may not have read it.
    fn drop(&mut self) {
        if let (Some(connection), Some(charge)) = (&self.connection, self.charge.take()) {
            connection.hold_until_sent(charge);
        }
    }
}
