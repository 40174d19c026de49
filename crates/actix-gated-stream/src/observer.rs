/// What is told of the connections of a listener: for metrics and logs.
///
/// It is called by the threads that serve, while others wait: it must be quick, and must not call
/// back. Each method does nothing unless it is written.
pub trait ConnectionObserver: Send + Sync {
    /// So many connections may be open before idle ones are closed. Told once, at the beginning.
    fn may_have(&self, most: usize) {
        let _ = most;
    }

    /// So many connections are open.
    fn has(&self, open: usize) {
        let _ = open;
    }

    /// An idle connection was closed to make room for another.
    fn closed_for_room(&self) {}

    /// So many were closed to make room since this was told last, `most` being as many as may be
    /// open. Told once in ten seconds at most, however many are closed: what a log can take.
    fn made_room(&self, closed: u64, most: usize) {
        let _ = (closed, most);
    }

    /// A head could not be read, and was answered with `status`, by no service: 400 or 431, or 408
    /// where it did not come whole in time.
    fn unreadable(&self, status: u16, error: &str) {
        let _ = (status, error);
    }
}

/// Nobody wants to know.
impl ConnectionObserver for () {}
