//! The macro that declares the keys of the configuration.

/// Declares a section: its keys and its settings.
///
/// ```text
/// section! {
///     /// `shelf.*`: where books stand.
///     #[derive(Debug, Clone)]
///     pub struct ShelfSettings from Shelf of "shelf" {
///         /// The name of the room.
///         pub room: String = text("one word", word).default("attic").example("cellar");
///         /// The name on the plate.
///         pub plate: Option<String> = text("one word", word).example("novels");
///         /// How long a book may be away.
///         loan_seconds in 1..=604_800 as pub loan: Duration = integer("3600").example("60");
///         /// The width.
///         width in 1..=100 = integer("80").example("60");
///         /// The height.
///         height in 1..=200 = integer("190").example("60");
///
///         /// How much fits in.
///         pub area: i64 => area;
///     }
/// }
///
/// fn area(shelf: &Shelf, faults: &mut Faults) -> Option<i64> { … }
/// ```
///
/// A line is one of
///
/// | line | means |
/// |---|---|
/// | `pub KEY: TYPE = FORM;` | a required key, and the field of its name |
/// | `pub KEY: Option<TYPE> = FORM;` | an optional key, and the field of its name |
/// | `KEY in LOW..=HIGH as pub FIELD: TYPE = integer(…);` | a number, and the field that it becomes by [`Setting`](crate::leaves::Setting) |
/// | `KEY: TYPE = FORM;`, `KEY in LOW..=HIGH = integer(…);` | a key without a field of its own |
/// | `pub FIELD: TYPE => FUNCTION;` | a field that a function computes from the keys |
///
/// and each key's comment is its meaning in `docs/CONFIGURATION.md`, verbatim. `FORM` is a
/// [`Form`](crate::form::Form): the rule, the parser, the default, the example, and whether it is a
/// secret. The macro generates
///
/// - `Shelf::KEYS`, the rows of the table of keys, for layers, faults and documentation;
/// - `struct Shelf`, with a field for each key, `None` without a valid value, for the rules between
///   keys, and `Shelf::read`, which reports each invalid value;
/// - `struct ShelfSettings`, with `ShelfSettings::of`, which reports missing values.
///
/// A section that begins with `struct Shelf of "shelf"` has only the first two.
///
/// `@lines` takes one line at a time and sorts them into lists: keys, fields of one key, fields of a
/// function. `@keys` and `@settings` then expand each list.
macro_rules! section {
    ($(#[$attribute:meta])* pub struct $Settings:ident from $Keys:ident of $name:literal { $($lines:tt)* }) => {
        section! { @lines [$name $Keys ($(#[$attribute])* $Settings)] [] [] [] $($lines)* }
    };
    (struct $Keys:ident of $name:literal { $($lines:tt)* }) => {
        section! { @lines [$name $Keys ()] [] [] [] $($lines)* }
    };

    (@lines $head:tt [$($keys:tt)*] [$($fields:tt)*] $made:tt
        $(#[doc = $about:literal])+ pub $key:ident: Option<$type:ty> = $form:expr; $($rest:tt)*
    ) => {
        section! { @lines $head
            [$($keys)* { $key: $type, concat!($($about),+), $form }]
            [$($fields)* { concat!($($about),+), $key: Option<$type>, $key }]
            $made $($rest)* }
    };
    (@lines $head:tt [$($keys:tt)*] [$($fields:tt)*] $made:tt
        $(#[doc = $about:literal])+ pub $key:ident: $type:ty = $form:expr; $($rest:tt)*
    ) => {
        section! { @lines $head
            [$($keys)* { $key: $type, concat!($($about),+), $form }]
            [$($fields)* { concat!($($about),+), $key: $type, $key }]
            $made $($rest)* }
    };
    (@lines $head:tt $keys:tt [$($fields:tt)*] $made:tt
        $(#[doc = $about:literal])+ $key:ident in $low:literal..=$high:literal
        as pub $field:ident: $type:ty = $form:expr; $($rest:tt)*
    ) => {
        section! { @lines $head $keys
            [$($fields)* { concat!($($about),+), $field: $type, $key }]
            $made $(#[doc = $about])+ $key in $low..=$high = $form; $($rest)* }
    };
    (@lines $head:tt [$($keys:tt)*] $fields:tt $made:tt
        $(#[doc = $about:literal])+ $key:ident in $low:literal..=$high:literal = $form:expr; $($rest:tt)*
    ) => {
        section! { @lines $head
            [$($keys)* { $key: i64 [$low, $high], concat!($($about),+),
                $form.must_be(concat!("an integer from ", $low, " to ", $high)) }]
            $fields $made $($rest)* }
    };
    (@lines $head:tt [$($keys:tt)*] $fields:tt $made:tt
        $(#[doc = $about:literal])+ $key:ident: $type:ty = $form:expr; $($rest:tt)*
    ) => {
        section! { @lines $head
            [$($keys)* { $key: $type, concat!($($about),+), $form }]
            $fields $made $($rest)* }
    };
    (@lines $head:tt $keys:tt $fields:tt [$($made:tt)*]
        $(#[doc = $about:literal])+ pub $field:ident: $type:ty => $make:expr; $($rest:tt)*
    ) => {
        section! { @lines $head $keys $fields
            [$($made)* { concat!($($about),+), $field: $type, $make }]
            $($rest)* }
    };
    (@lines [$name:literal $Keys:ident $settings:tt] $keys:tt $fields:tt $made:tt) => {
        section! { @keys $name $Keys $keys }
        section! { @settings $name $Keys $settings $fields $made }
    };

    (@keys $name:literal $Keys:ident [$({
        $key:ident: $type:ty $([$low:literal, $high:literal])?, $about:expr, $form:expr
    })*]) => {
        #[doc = concat!("The values of `", $name, ".*`.")]
        #[derive(validator::Validate)]
        pub(crate) struct $Keys {
            $( $(#[validate(range(min = $low, max = $high))])? pub(crate) $key: Option<$type>, )*
        }

        impl $Keys {
            pub(crate) const KEYS: &'static [$crate::key::Key] =
                &[$( $crate::form::Form::<$type>::key($form, concat!($name, ".", stringify!($key)), $about) ),*];

            pub(crate) fn read(leaves: &mut $crate::leaves::Leaves<'_>) -> Self {
                let section = Self {
                    $( $key: leaves.read(concat!($name, ".", stringify!($key)), &$form), )*
                };
                leaves.check(Self::KEYS, &section);
                section
            }
        }
    };

    (@settings $name:literal $Keys:ident () [] []) => {};
    (@settings $name:literal $Keys:ident ($(#[$attribute:meta])* $Settings:ident)
        [$({ $about:expr, $field:ident: $type:ty, $key:ident })*]
        [$({ $made_about:expr, $made:ident: $made_type:ty, $make:expr })*]
    ) => {
        $(#[$attribute])*
        #[non_exhaustive]
        pub struct $Settings {
            $( #[doc = $about] pub $field: $type, )*
            $( #[doc = $made_about] pub $made: $made_type, )*
        }

        impl $Settings {
            /// Returns the settings; `None`, with a fault, if a value is missing.
            pub(crate) fn of(keys: $Keys, faults: &mut $crate::faults::Faults) -> Option<Self> {
                // every field is read before `?` returns, so that all faults are reported
                $( let $made = $make(&keys, &mut *faults); )*
                $( let $field = $crate::leaves::Setting::of(
                    concat!($name, ".", stringify!($key)), keys.$key, faults); )*
                Some(Self { $( $field: $field?, )* $( $made: $made?, )* })
            }
        }
    };
}

pub(crate) use section;
