use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::observer::ConnectionObserver;

/// The minimum time between reports of connections closed to make room.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// A request is in progress.
const BUSY: u64 = u64::MAX;
/// It is being closed for another connection.
const CLOSED: u64 = u64::MAX - 1;

/// The open connections of a listener, on all of its threads. Above the limit, those that have been
/// idle for longest are closed, and never one with a request in progress.
pub struct OpenConnections {
    most: usize,
    began: Instant,
    /// Their number, which suffices for most connections that become idle.
    count: AtomicUsize,
    list: Mutex<List>,
    observer: Box<dyn ConnectionObserver>,
}

#[derive(Default)]
struct List {
    given: u64,
    open: HashMap<u64, Entry>,
    /// The longest idle connections of the last scan, the longest last, each with the time since
    /// which it is idle. Any that became idle later comes after these, so that one of these that
    /// is idle since the same time is still the longest.
    longest: Vec<(u64, u64)>,
    reported_at: Option<Instant>,
    unreported: u64,
}

struct Entry {
    used: Arc<AtomicU64>,
    close: oneshot::Sender<()>,
}

/// An open connection, until it is dropped.
pub(super) struct OpenConnection {
    among: Arc<OpenConnections>,
    number: u64,
    /// [`BUSY`], [`CLOSED`], or the time in microseconds since which it is idle. Changed by compare
    /// and swap, by the connection and by the one that closes it, so that none in use is closed.
    used: Arc<AtomicU64>,
}

impl OpenConnections {
    /// Creates a list in which idle connections are closed above `most`.
    pub fn new(most: usize, observer: impl ConnectionObserver + 'static) -> Arc<Self> {
        observer.may_have(most);
        Arc::new(Self {
            most,
            began: Instant::now(),
            count: AtomicUsize::new(0),
            list: Mutex::default(),
            observer: Box::new(observer),
        })
    }

    pub(super) fn observer(&self) -> &dyn ConnectionObserver {
        &*self.observer
    }

    /// Adds a connection; the receiver resolves when it must be closed. It is not idle before its
    /// first read, since a request may have arrived already.
    pub(super) fn enter(self: &Arc<Self>) -> (OpenConnection, oneshot::Receiver<()>) {
        let used = Arc::new(AtomicU64::new(BUSY));
        let (close, closed) = oneshot::channel();
        let mut list = self.lock();
        list.given += 1;
        let number = list.given;
        let entry = Entry {
            used: Arc::clone(&used),
            close,
        };
        list.open.insert(number, entry);
        self.make_room(list, None);
        let connection = OpenConnection {
            among: Arc::clone(self),
            number,
            used,
        };
        (connection, closed)
    }

    /// Closes idle connections above the limit, except the spared one.
    fn make_room(&self, mut list: MutexGuard<'_, List>, spared: Option<u64>) {
        while list.open.len() > self.most && list.close_the_longest_idle(spared) {
            list.unreported += 1;
            self.observer.closed_for_room();
        }
        self.counted(&list);
        let reported_lately = list
            .reported_at
            .is_some_and(|reported_at| reported_at.elapsed() < REPORT_INTERVAL);
        if list.unreported > 0 && !reported_lately {
            self.observer.made_room(list.unreported, self.most);
            list.unreported = 0;
            list.reported_at = Some(Instant::now());
        }
    }

    fn counted(&self, list: &List) {
        self.count.store(list.open.len(), SeqCst);
        self.observer.has(list.open.len());
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).map_or(0, |now| now.min(CLOSED - 1))
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        // no update under the lock can be left half done
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    /// Returns `false` if none is idle.
    fn close_the_longest_idle(&mut self, spared: Option<u64>) -> bool {
        let mut scanned = false;
        loop {
            while let Some((since, number)) = self.longest.pop() {
                let open = self.open.get(&number);
                let still = open.is_some_and(|it| {
                    let used = &it.used;
                    used.compare_exchange(since, CLOSED, SeqCst, SeqCst).is_ok()
                });
                if still && let Some(entry) = self.open.remove(&number) {
                    // it may be closing by itself
                    let _ = entry.close.send(());
                    return true;
                }
            }
            if scanned {
                return false;
            }
            scanned = true;
            self.scan(spared);
        }
    }

    /// Scans all connections for the next ones to close, so that the cost per closing does not
    /// depend on their number.
    fn scan(&mut self, spared: Option<u64>) {
        let idle = self
            .open
            .iter()
            .filter(|(number, _)| Some(**number) != spared);
        let idle = idle.map(|(number, entry)| (entry.used.load(SeqCst), *number));
        let mut idle: Vec<_> = idle.filter(|(since, _)| *since < CLOSED).collect();
        let part = self.open.len() / 16 + 1;
        if idle.len() > part {
            idle.select_nth_unstable(part);
            idle.truncate(part);
        }
        idle.sort_unstable_by(|one, other| other.cmp(one));
        self.longest = idle;
    }
}

impl OpenConnection {
    /// Marks a request in progress. Returns `false` if the connection is being closed.
    pub(super) fn mark_used(&self) -> bool {
        self.turn(BUSY)
    }

    /// Marks the connection idle. If it is `new`, another has to make room for it.
    pub(super) fn mark_idle(&self, new: bool) {
        self.turn(self.among.now());
        if self.among.count.load(SeqCst) > self.among.most {
            let spared = new.then_some(self.number);
            self.among.make_room(self.among.lock(), spared);
        }
    }

    /// Returns whether a request is in progress, or may have arrived.
    pub(super) fn is_busy(&self) -> bool {
        self.used.load(SeqCst) == BUSY
    }

    fn turn(&self, to: u64) -> bool {
        let from = self.used.load(SeqCst);
        from != CLOSED && self.used.compare_exchange(from, to, SeqCst, SeqCst).is_ok()
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let mut list = self.among.lock();
        list.open.remove(&self.number);
        self.among.counted(&list);
    }
}

impl fmt::Debug for OpenConnections {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("OpenConnections")
            .field("most", &self.most)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OpenConnection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("OpenConnection").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Open = (OpenConnection, oneshot::Receiver<()>);

    fn room_for(most: usize) -> Arc<OpenConnections> {
        OpenConnections::new(most, ())
    }

    fn is_closed(open: &mut Open) -> bool {
        open.1.try_recv().is_ok()
    }

    /// Gives each connection a moment of its own.
    fn become_idle(among: &OpenConnections, open: &OpenConnection, new: bool) {
        let now = among.now();
        while among.now() == now {
            std::hint::spin_loop();
        }
        open.mark_idle(new);
    }

    fn enter(among: &Arc<OpenConnections>) -> Open {
        let open = among.enter();
        become_idle(among, &open.0, true);
        open
    }

    #[test]
    fn the_longest_idle_makes_room_for_a_new_one() {
        let among = room_for(3);
        let mut open: Vec<_> = (0..3).map(|_| enter(&among)).collect();
        // used since: the second is now the longest idle, then the third, then the first
        assert!(open[0].0.mark_used());
        become_idle(&among, &open[0].0, false);
        for expected in [1, 2, 0] {
            let newcomer = enter(&among);
            open.push(newcomer);
            assert!(is_closed(&mut open[expected]), "{expected}");
            let closed = open.iter_mut().filter(|it| it.1.is_terminated()).count();
            assert_eq!(closed, open.len() - 3, "one for each");
        }
        assert_eq!(among.lock().open.len(), 3);
    }

    #[test]
    fn a_connection_with_a_request_under_way_is_never_closed() {
        let among = room_for(2);
        let mut used: Vec<_> = (0..2).map(|_| enter(&among)).collect();
        assert!(used.iter().all(|it| it.0.mark_used()));
        let mut first = enter(&among);
        assert!(!is_closed(&mut first), "nobody refuses the newcomer");
        let mut second = enter(&among);
        assert!(is_closed(&mut first) && !is_closed(&mut second));
        // a request that comes too late for its connection is not served
        assert!(!first.0.mark_used());
        assert!(!used.iter_mut().any(is_closed));
        // as soon as one is idle, it is the one too many
        used[1].0.mark_idle(false);
        assert!(is_closed(&mut second) && !used.iter_mut().any(is_closed));
    }

    #[test]
    fn who_was_not_looked_at_yet_is_not_closed_however_many_come() {
        let among = room_for(2);
        let mut unseen = among.enter();
        let newcomers: Vec<_> = (0..10).map(|_| enter(&among)).collect();
        assert!(!is_closed(&mut unseen) && unseen.0.is_busy());
        assert_eq!((newcomers.len(), among.lock().open.len()), (10, 2));
    }

    #[test]
    fn the_longest_idle_goes_first_in_any_order_of_use() {
        let among = room_for(100);
        let mut open: Vec<_> = (0..100).map(|_| enter(&among)).collect();
        let order = |round: usize| (0..100).map(move |at| (at * 37 + round * 11) % 100);
        for round in 0..3 {
            for at in order(round) {
                assert!(open[at].0.mark_used());
                become_idle(&among, &open[at].0, false);
            }
        }
        let mut newcomers = Vec::new();
        for at in order(2) {
            newcomers.push(enter(&among));
            assert!(is_closed(&mut open[at]), "{at}");
            assert_eq!(among.lock().open.len(), 100);
        }
    }

    #[test]
    fn who_leaves_by_itself_makes_room() {
        let among = room_for(2);
        let mut stays = enter(&among);
        drop(enter(&among));
        let newcomer = enter(&among);
        assert!(!is_closed(&mut stays));
        drop((stays, newcomer));
        assert_eq!(among.count.load(SeqCst), 0);
    }

    /// What was observed, in order.
    #[derive(Clone, Default)]
    struct Observed(Arc<Mutex<Vec<String>>>);

    impl Observed {
        fn note(&self, what: String) {
            self.0.lock().unwrap().push(what);
        }
    }

    impl ConnectionObserver for Observed {
        fn may_have(&self, most: usize) {
            self.note(format!("may have {most}"));
        }

        fn has(&self, open: usize) {
            self.note(format!("has {open}"));
        }

        fn closed_for_room(&self) {
            self.note("closed".to_owned());
        }

        fn made_room(&self, closed: u64, most: usize) {
            self.note(format!("made room by {closed} for {most}"));
        }
    }

    #[test]
    fn each_closing_is_counted_and_many_at_once_are_reported_once() {
        let observed = Observed::default();
        let among = OpenConnections::new(1, observed.clone());
        let _open: Vec<_> = (0..3).map(|_| enter(&among)).collect();
        let expected = [
            "may have 1",
            "has 1",
            "closed",
            "has 1",
            "made room by 1 for 1",
            "closed",
            "has 1",
        ];
        let observed = observed.0.lock().unwrap();
        assert_eq!(*observed, expected);
    }
}
