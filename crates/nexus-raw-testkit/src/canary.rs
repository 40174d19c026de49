use std::{cell::OnceCell, collections::BTreeSet, fmt::Write as _};

use aho_corasick::AhoCorasick;

use unescape::{ESCAPES, unescaped};

mod unescape;

/// So many bytes of a secret's beginning are taken for the secret: a text that is cut tells too
/// much as well.
pub const TELLING_BYTES: usize = 12;

/// How often a text may have been escaped: a form in a string in a document.
const ROUNDS: usize = 3;

/// A longer text is looked at as if it was escaped once.
const LONG_BYTES: usize = 64 * 1024;

/// Known secrets, to be looked for where none may be.
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

/// A secret that was found where none may be: which, and in what form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// As it was called.
    pub secret: String,
    /// How it was written.
    pub form: &'static str,
    /// What stands around it, so that the place is recognised.
    pub around: String,
}

#[derive(Debug, Clone)]
struct Needle {
    secret: String,
    form: &'static str,
    bytes: Vec<u8>,
}

impl Canaries {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a secret known. It must have [`TELLING_BYTES`] bytes or more.
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

    /// The secrets that `text` tells.
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

    /// Fails the test where `text` tells a secret.
    pub fn assert_none_in(&self, place: &str, text: impl AsRef<[u8]>) {
        let found = self.found_in(text.as_ref());
        assert!(found.is_empty(), "{place} tells {found:#?}");
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

/// The characters of base64 (RFC 4648) that `bytes` alone decide, where so many bytes of something
/// else, modulo 3, stand before them.
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
