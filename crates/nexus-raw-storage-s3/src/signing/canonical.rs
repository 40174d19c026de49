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
    let is_sendable = |byte: u8| (byte >= b' ' && byte != 0x7f) || byte == b'\t';
    if !value.bytes().all(is_sendable) {
        return Err(SigningFailure);
    }
    let value = value.trim_matches(' ');
    if value.contains("  ") {
        let words: Vec<_> = value.split(' ').filter(|word| !word.is_empty()).collect();
        text.push_str(&words.join(" "));
    } else {
        text.push_str(value);
    }
    Ok(())
}
