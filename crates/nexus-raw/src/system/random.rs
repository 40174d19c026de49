use std::cell::RefCell;

/// How many random bytes a thread asks the operating system for at once: a request takes up to 50,
/// and each call is a switch to the kernel.
const STOCK: usize = 1024;

/// Random bytes of the operating system, each given out once.
struct Stock {
    bytes: [u8; STOCK],
    used: usize,
}

thread_local! {
    static STOCKED: RefCell<Stock> = const { RefCell::new(Stock::empty()) };
}

impl Stock {
    const fn empty() -> Self {
        Self {
            bytes: [0; STOCK],
            used: STOCK,
        }
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        if STOCK - self.used < N {
            #[expect(
                clippy::expect_used,
                reason = "there is no fallback: a guessable id must not be issued"
            )]
            getrandom::fill(&mut self.bytes).expect("the system has randomness");
            self.used = 0;
        }
        let mut taken = [0; N];
        for (to, from) in taken.iter_mut().zip(&mut self.bytes[self.used..]) {
            // it is nobody else's
            *to = std::mem::take(from);
        }
        self.used += N;
        taken
    }
}

/// Returns random bytes of the operating system, at most a few dozen, each given out once.
///
/// # Panics
/// If the system has no randomness: there is no fallback that could not be guessed.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    const { assert!(N <= STOCK) };
    let stocked = STOCKED.try_with(|stock| stock.borrow_mut().take());
    // a thread that ends has no stock any more
    stocked.unwrap_or_else(|_| Stock::empty().take())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_bytes_are_given_out_twice() {
        let of_a_thread = || -> Vec<[u8; 16]> { (0..500).map(|_| random_bytes()).collect() };
        let other = std::thread::spawn(of_a_thread);
        let mut all: BTreeSet<[u8; 16]> = of_a_thread().into_iter().collect();
        all.extend(other.join().unwrap());
        assert_eq!(all.len(), 1000);
        // of a size that does not divide the stock
        let all: BTreeSet<[u8; 11]> = (0..500).map(|_| random_bytes()).collect();
        assert_eq!(all.len(), 500);
    }
}
