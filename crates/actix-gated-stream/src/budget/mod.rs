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

/// What an answer may have without being counted: no more than each connection costs anyway.
pub const FREE_BYTES: usize = 8 * 1024;

/// What is given to the library at a time: it copies this, so the rest of an answer is there once.
const PIECE_BYTES: usize = 16 * 1024;

/// How slowly an answer may be taken, and the time that each has besides: a connection that takes
/// a few bytes now and then is cut too.
const LEAST_BYTES_PER_SECOND: u64 = 8 * 1024;
const LEAST_TIME: Duration = Duration::from_secs(30);

/// How many bytes of answers may be under way at once: made, and not taken by their callers yet.
///
/// A caller who does not read costs the service what it was answered until the connection is cut.
/// So answers of more than [`FREE_BYTES`] count, each for some `K`, until the last byte is with the
/// system. A `K` may have as much under way as half of what is free then, so that however many
/// have all that they may, there is some left for the next. A clone is another handle to the same
/// budget.
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

/// There is no room for an answer: it must not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverBudget;

impl fmt::Display for OverBudget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("too many bytes of answers are under way")
    }
}

impl std::error::Error for OverBudget {}

impl<K: Eq + Hash + Clone> AnswerBudget<K> {
    /// Lets so many bytes be under way.
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

    /// How many bytes are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.0.lock().bytes
    }

    /// Counts bytes that are to be answered to `whom`, until the charge is dropped.
    ///
    /// # Errors
    /// [`OverBudget`] when its share is taken.
    pub fn charge(&self, whom: K, bytes: usize) -> Result<Charge<K>, OverBudget> {
        let mut under_way = self.0.lock();
        let theirs = under_way.of.get(&whom).copied().unwrap_or(0);
        let free = self.0.bytes.saturating_sub(under_way.bytes);
        if theirs + bytes > free / 2 {
            return Err(OverBudget);
        }
        under_way.bytes += bytes;
        under_way.of.insert(whom.clone(), theirs + bytes);
        Ok(Charge {
            budget: self.clone(),
            whom,
            bytes,
        })
    }
}

impl<K: Eq + Hash + Clone + 'static> AnswerBudget<K> {
    /// Has an answer counted until it is sent, and its connection cut where it is taken too
    /// slowly. What was `reserved` before the answer was made is enough, whatever it comes to.
    ///
    /// # Errors
    /// [`OverBudget`] when there is no room for it: it must not be sent.
    pub fn admit(
        &self,
        response: HttpResponse,
        whom: K,
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
            None => self.charge(whom, bytes)?,
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
            // a body that says its size is made of bytes
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
        // nothing is left half done where the lock is held
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that count, until it is dropped.
#[derive(Debug)]
pub struct Charge<K: Eq + Hash + Clone> {
    budget: AnswerBudget<K>,
    whom: K,
    bytes: usize,
}

impl<K: Eq + Hash + Clone> Charge<K> {
    /// Counts so many from now on, room or not: more only where what was done cannot be undone.
    fn resize(&mut self, bytes: usize) {
        let mut under_way = self.budget.0.lock();
        under_way.bytes = under_way.bytes - self.bytes + bytes;
        let theirs = under_way.of.remove(&self.whom).unwrap_or(0);
        let theirs = theirs - self.bytes + bytes;
        if theirs > 0 {
            under_way.of.insert(self.whom.clone(), theirs);
        }
        self.bytes = bytes;
    }
}

impl<K: Eq + Hash + Clone> Drop for Charge<K> {
    fn drop(&mut self) {
        self.resize(0);
    }
}

/// The body of an answer that counts.
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
    /// The library has the last of it then, and the caller may still have to take it.
    fn drop(&mut self) {
        if let (Some(connection), Some(charge)) = (&self.connection, self.charge.take()) {
            connection.keep_until_sent(charge);
        }
    }
}
