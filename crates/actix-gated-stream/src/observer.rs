/// An observer of the connections of a listener, for metrics and logs.
///
/// Serving threads call it while others wait: it must be quick, and must not call back. By default
/// each method does nothing.
pub trait ConnectionObserver: Send + Sync {
    /// Reports the number of connections above which idle ones are closed. Called once at the start.
    fn may_have(&self, most: usize) {
        let _ = most;
    }

    /// Reports the number of open connections.
    fn has(&self, open: usize) {
        let _ = open;
    }

    /// Reports that an idle connection was closed to make room for another.
    fn closed_for_room(&self) {}

    /// Reports the number of connections closed to make room since the last call; `most` is the
    /// limit. Called at most once in ten seconds, for a log.
    fn made_room(&self, closed: u64, most: usize) {
        let _ = (closed, most);
    }

    /// Reports an invalid head, which was answered with `status` without the service: 400 or 431,
    /// or 408 if it was not complete in time.
    fn unreadable(&self, status: u16, error: &str) {
        let _ = (status, error);
    }
}

/// Ignores everything.
impl ConnectionObserver for () {}
