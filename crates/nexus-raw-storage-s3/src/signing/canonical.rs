//! What the two forms of a signature share (AWS General Reference, "Create a signed AWS API
//! request").

/// The error of signing a request that cannot be sent. It does not name what was to be signed.
#[derive(Debug, thiserror::Error)]
#[error("request cannot be signed")]
pub(crate) struct SigningFailure;

/// Appends the names of signed headers.
pub(super) fn push_names(text: &mut String, headers: &[(&str, &str)], separator: &str) {
    for (index, (name, _)) in headers.iter().enumerate() {
        if index > 0 {
            text.push_str(separator);
        }
        text.push_str(name);
    }
}

/// Appends a header's value with single spaces between words and none around it. A value that no
/// header can have is refused: with a line end in it, others could follow.
pub(super) fn push_value(text: &mut String, value: &str) -> Result<(), SigningFailure> {
    // a space at either end is one too many too
    let (mut before, mut is_spaced_once) = (b' ', true);
    for byte in value.bytes() {
        if (byte < b' ' && byte != b'\t') || byte == 0x7f {
            return Err(SigningFailure);
        }
        is_spaced_once &= (before, byte) != (b' ', b' ');
        before = byte;
    }
    if is_spaced_once && before != b' ' {
        text.push_str(value);
    } else {
        let words: Vec<_> = value.split(' ').filter(|word| !word.is_empty()).collect();
        text.push_str(&words.join(" "));
    }
    Ok(())
}

/// A SHA-256 as hexadecimal digits.
pub(super) struct HexDigest([u8; 64]);

impl HexDigest {
    pub(super) fn of(digest: &[u8]) -> Result<Self, SigningFailure> {
        let mut digits = [0; 64];
        hex::encode_to_slice(digest, &mut digits).map_err(|_| SigningFailure)?;
        Ok(Self(digits))
    }

    pub(super) fn as_str(&self) -> &str {
        // digits are UTF-8
        str::from_utf8(&self.0).unwrap_or_default()
    }
}
