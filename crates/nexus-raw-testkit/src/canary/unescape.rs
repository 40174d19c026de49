/// A parser of one kind of escape at the start of a text.
type Reader = fn(&[u8]) -> Escape;

/// The length of an escape, and its value.
type Escape = Option<(usize, Vec<u8>)>;

/// The escapes of URLs, of JSON and Rust, of XML and HTML.
pub(super) const ESCAPES: [Reader; 3] = [percent, backslash, entity];

/// Resolves every escape of one kind once, or returns `None` if there is none. Invalid escapes stay
/// unchanged.
pub(super) fn unescaped(text: &[u8], escape: Reader) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(first) = text.get(at) {
        let marks = matches!(first, b'%' | b'\\' | b'&');
        if let Some((length, bytes)) = marks.then(|| escape(&text[at..])).flatten() {
            plain.extend(bytes);
            at += length;
        } else {
            plain.push(*first);
            at += 1;
        }
    }
    (plain.len() < text.len()).then_some(plain)
}

fn percent(text: &[u8]) -> Escape {
    let digits = text.strip_prefix(b"%")?.get(..2)?;
    let byte = number(digits, 16)?;
    Some((3, vec![u8::try_from(byte).ok()?]))
}

fn backslash(text: &[u8]) -> Escape {
    let simple = |byte| Some((2, vec![byte]));
    match text.strip_prefix(b"\\")?.first()? {
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'u' if text.get(2) == Some(&b'{') => {
            let digits = until(text.get(3..)?, b'}')?;
            Some((digits.len() + 4, character(number(digits, 16)?)?))
        }
        b'u' => Some((6, character(number(text.get(2..6)?, 16)?)?)),
        b'x' => Some((4, vec![u8::try_from(number(text.get(2..4)?, 16)?).ok()?])),
        byte if byte.is_ascii_punctuation() => simple(*byte),
        _ => None,
    }
}

fn entity(text: &[u8]) -> Escape {
    let name = until(text.strip_prefix(b"&")?, b';')?;
    let length = name.len() + 2;
    let named = |byte| Some((length, vec![byte]));
    match name {
        b"amp" => named(b'&'),
        b"lt" => named(b'<'),
        b"gt" => named(b'>'),
        b"quot" => named(b'"'),
        b"apos" => named(b'\''),
        [b'#', b'x' | b'X', digits @ ..] => Some((length, character(number(digits, 16)?)?)),
        [b'#', digits @ ..] => Some((length, character(number(digits, 10)?)?)),
        _ => None,
    }
}

/// Returns the text before a nearby `end`.
fn until(text: &[u8], end: u8) -> Option<&[u8]> {
    let length = text.iter().take(10).position(|byte| *byte == end)?;
    text.get(..length)
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    // `from_str_radix` takes a sign
    let are_digits = digits.iter().all(u8::is_ascii_alphanumeric);
    let digits = std::str::from_utf8(digits).ok().filter(|_| are_digits)?;
    u32::from_str_radix(digits, radix).ok()
}

fn character(number: u32) -> Option<Vec<u8>> {
    char::from_u32(number).map(|character| character.to_string().into_bytes())
}
