//! Shows that the search finds planted secrets.

use proptest::{collection::vec, prelude::*};

use super::*;

const SECRET: &str = "aB\"3\\/+=<&%~ and what comes after";

fn canaries() -> Canaries {
    let mut canaries = Canaries::new();
    canaries.add("other", "not-in-any-of-these-texts");
    canaries.add("secret", SECRET);
    canaries
}

fn forms(text: &str) -> Vec<&'static str> {
    let found = canaries().found_in(text.as_bytes());
    assert!(found.iter().all(|it| it.secret == "secret"), "{found:?}");
    found.iter().map(|it| it.form).collect()
}

#[test]
fn a_secret_is_found_in_every_form() {
    for (text, form) in [
        // as it is, and cut
        (format!("log: {SECRET}."), "plain"),
        (format!("log: {}", &SECRET[..12]), "plain"),
        // hexadecimal, in either case
        ("x 614222335c2f2b3d3c26257e x".to_owned(), "hexadecimal"),
        ("x 614222335C2F2B3D3C26257E x".to_owned(), "hexadecimal"),
        // base64 of the secret alone, behind one byte and behind two
        ("YUIiM1wvKz08JiV+IGFuZA==".to_owned(), "base64"),
        ("OmFCIjNcLys9PCYlfiBhbmQ=".to_owned(), "base64"),
        ("dTphQiIzXC8rPTwmJX4gYW5k".to_owned(), "base64"),
        ("YUIiM1wvKz08JiV-IGFuZA".to_owned(), "base64url"),
        // bytes as Rust debugs them, and as JSON has them
        (format!("{:?}", SECRET.as_bytes()), "numbers"),
        (serde_json::to_string(SECRET.as_bytes()).unwrap(), "numbers"),
        // escaped for a query, for JSON, by Rust and for XML
        ("a=aB%223%5C%2F%2B%3D%3C%26%25%7E%20and".to_owned(), "plain"),
        ("a=aB%223%5c/%2b=%3c%26%25~".to_owned(), "plain"),
        (serde_json::to_string(SECRET).unwrap(), "plain"),
        ("\"aB\\u00223\\u005C\\/+=\\u003c&%~\"".to_owned(), "plain"),
        (format!("{SECRET:?}"), "plain"),
        (
            format!("b\"{}\"", SECRET.as_bytes().escape_ascii()),
            "plain",
        ),
        ("<A>aB&quot;3\\/+=&lt;&amp;%~</A>".to_owned(), "plain"),
        ("<A>aB&#34;3\\/+=&#x3C;&#38;%~</A>".to_owned(), "plain"),
    ] {
        assert_eq!(forms(&text), [form], "{text}");
    }
}

#[test]
fn escapes_over_escapes_are_seen_through() {
    let mut text = SECRET.to_owned();
    for _ in 0..3 {
        text = serde_json::to_string(&text).unwrap();
        assert_eq!(forms(&text), ["plain"], "{text}");
    }
    let of_url = "aB%25223%255C%252F%252B%253D%253C%2526%2525~";
    assert_eq!(forms(of_url), ["plain"]);
    let base64_in_url = "YUIiM1wvKz08JiV%2BIGFuZA%3D%3D";
    assert_eq!(forms(base64_in_url), ["base64"]);
}

#[test]
fn a_prefix_below_the_minimum_is_not_found() {
    assert_eq!(forms(&SECRET[..11]), Vec::<&str>::new());
    assert_eq!(forms("YUIiM1wvKz08JiV"), Vec::<&str>::new());
    assert_eq!(forms("a text of 100 % \\ & ; nothing"), Vec::<&str>::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_secret_is_found_at_any_place(
        secret in "[ -~]{12,40}", before in vec(any::<u8>(), 0..40), after in vec(any::<u8>(), 0..40),
    ) {
        let mut canaries = Canaries::new();
        canaries.add("secret", &secret);
        let joined = [before.as_slice(), secret.as_bytes(), &after].concat();
        let finds = |text: &[u8]| !canaries.found_in(text).is_empty();
        prop_assert!(finds(&joined));
        prop_assert!(finds(hexadecimal(&joined).as_bytes()));
        // padded to whole groups, as an encoder does
        let padded = [joined.clone(), vec![0; 3 - joined.len() % 3]].concat();
        prop_assert!(finds(base64(&padded, 0).as_bytes()));
        let numbers = format!("{joined:?}");
        prop_assert!(finds(numbers.as_bytes()));
        prop_assert!(finds(serde_json::to_string(&secret).unwrap().as_bytes()));
        prop_assert!(finds(secret.escape_debug().to_string().as_bytes()));
    }
}
