//! The assertions of the suites, whose messages name the expected and the actual value. The actual
//! value comes first.

macro_rules! assert {
    ($holds:expr $(,)?) => {
        ::std::assert!(
            $holds,
            "expected: {}\n    came: false",
            stringify!($holds)
        )
    };
    ($holds:expr, $($came:tt)+) => {
        ::std::assert!(
            $holds,
            "expected: {}\n    came: {}",
            stringify!($holds),
            format_args!($($came)+)
        )
    };
}

macro_rules! assert_eq {
    ($came:expr, $expected:expr $(,)?) => {
        assert_eq!($came, $expected, "{}", stringify!($came))
    };
    ($came:expr, $expected:expr, $($of:tt)+) => {
        match (&$came, &$expected) {
            (came, expected) => ::std::assert!(
                *came == *expected,
                "expected: {expected:?}\n    came: {came:?}\n      of: {}",
                format_args!($($of)+)
            ),
        }
    };
}

macro_rules! assert_ne {
    ($came:expr, $other:expr $(, $($of:tt)+)?) => {
        match (&$came, &$other) {
            (came, other) => ::std::assert!(
                *came != *other,
                "expected: another than {other:?}\n    came: {came:?}\n      of: {}",
                stringify!($came)
            ),
        }
    };
}
