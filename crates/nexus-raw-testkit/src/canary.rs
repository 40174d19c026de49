use std::{cell::OnceCell, collections::BTreeSet, fmt::Write as _};

use aho_corasick::AhoCorasick;

use unescape::{ESCAPES, unescaped};

mod unescape;

/// The length of a secret's prefix that counts as a leak, so that truncated texts are found too.
pub const TELLING_BYTES: usize = 12;

/// The maximum number of nested escapes that are resolved.
const ROUNDS: usize = 3;

/// The length from which on only one level of escapes is resolved.
const LONG_BYTES: usize = 64 * 1024;

/// Known secrets, to be searched for in outputs.
///
/// A secret is found by its first [`TELLING_BYTES`] bytes: as it is; in hexadecimal digits; in
/// base64 of either alphabet, also in the middle of something longer; as a list of numbers, which
/// is how bytes are debugged; and under percent-encoding or the escapes of JSON, Rust, XML and
/// HTML, up to three of them one over the other. Letters match in either case.
#[derive(Debug, Default)]
pub struct Canaries {
    needles: Vec<Needle>,
    search: OnceCell<AhoCorasick>,
}

/// A leaked secret, with its name and encoding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Its name.
    pub secret: String,
    /// Its encoding.
    pub form: &'static str,
    /// The surrounding text.
    pub around: String,
}

#[derive(Debug, Clone)]
struct Needle {
    secret: String,
    form: &'static str,
    bytes: Vec<u8>,
}

impl Canaries {
    /// Creates an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret of at least [`TELLING_BYTES`] bytes.
    pub fn add(&mut self, name: &str, secret: impl AsRef<[u8]>) {
        let secret = secret.as_ref();
        assert!(secret.len() >= TELLING_BYTES, "{name} is too short");
        let start = &secret[..TELLING_BYTES];
        self.search = OnceCell::new();
        let mut add = |form, bytes: &[u8]| {
            self.needles.push(Needle {
                secret: name.to_owned(),
                form,
                bytes: bytes.to_vec(),
            });
        };
        add("plain", start);
        add("hexadecimal", hexadecimal(start).as_bytes());
        for before in 0..3 {
            let standard = base64(start, before);
            let url_safe = standard.replace('+', "-").replace('/', "_");
            add("base64", standard.as_bytes());
            add("base64url", url_safe.as_bytes());
        }
        for separator in [", ", ","] {
            let numbers: Vec<String> = start.iter().map(u8::to_string).collect();
            add("numbers", numbers.join(separator).as_bytes());
        }
    }

    /// Returns the secrets in `text`.
    #[must_use]
    pub fn found_in(&self, text: &[u8]) -> Vec<Found> {
        let rounds = if text.len() > LONG_BYTES { 1 } else { ROUNDS };
        let mut found = BTreeSet::new();
        let mut texts = BTreeSet::from([text.to_vec()]);
        for round in 0..=rounds {
            for text in &texts {
                self.find(text, &mut found);
            }
            if round < rounds {
                let next = texts.iter().flat_map(|text| {
                    let escapes = ESCAPES.into_iter();
                    escapes.filter_map(|escape| unescaped(text, escape))
                });
                texts = next.collect();
            }
        }
        found.into_iter().collect()
    }

    fn find(&self, text: &[u8], found: &mut BTreeSet<Found>) {
        let search = self.search.get_or_init(|| {
            let patterns = self.needles.iter().map(|needle| &needle.bytes);
            let builder = &mut AhoCorasick::builder();
            builder
                .ascii_case_insensitive(true)
                .build(patterns)
                .unwrap()
        });
        for hit in search.find_iter(text) {
            let needle = &self.needles[hit.pattern().as_usize()];
            let around = hit.start().saturating_sub(60)..text.len().min(hit.end() + 20);
            found.insert(Found {
                secret: needle.secret.clone(),
                form: needle.form,
                around: String::from_utf8_lossy(&text[around]).into_owned(),
            });
        }
    }

    /// Panics if `text` contains a secret.
    pub fn assert_none_in(&self, place: &str, text: impl AsRef<[u8]>) {
        let found = self.found_in(text.as_ref());
        assert!(found.is_empty(), "{place} contains {found:#?}");
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

/// Returns the base64 characters (RFC 4648) that depend only on `bytes`, after `before` other
/// bytes, modulo 3.
fn base64(bytes: &[u8], before: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<bool> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1))
        .collect();
    let foreign = (6 - before * 8 % 6) % 6;
    bits[foreign..]
        .chunks_exact(6)
        .map(|six| six.iter().fold(0, |sum, bit| sum * 2 + usize::from(*bit)))
        .map(|at| char::from(ALPHABET[at]))
        .collect()
}

#[cfg(test)]
mod tests;
