use std::{collections::BTreeSet, fmt::Display, rc::Rc};

use strict_json::Json;

use crate::http::respond::{Fault, Faults};

/// A value of a body with its JSON pointer, and its conversions to domain types.
///
/// A conversion never panics: a value of the wrong type is a fault.
pub(crate) struct Node<'a> {
    value: &'a Json,
    place: Place<'a>,
}

/// Where a value is. Its pointer is built for a fault only: most bodies have none.
enum Place<'a> {
    Root,
    Member(Parent, &'a str),
    Element(Parent, usize),
}

/// The pointer of an object or array; `None` of the root, whose pointer is empty.
type Parent = Option<Rc<str>>;

impl<'a> Node<'a> {
    /// Returns the root of a body.
    pub(crate) fn root(value: &'a Json) -> Self {
        Self {
            value,
            place: Place::Root,
        }
    }

    fn pointer(&self) -> String {
        match &self.place {
            Place::Root => String::new(),
            Place::Member(parent, name) => joined(parent.as_deref(), name),
            Place::Element(parent, index) => joined(parent.as_deref(), &index.to_string()),
        }
    }

    /// Returns this as the parent of its members.
    fn parent(&self) -> Parent {
        match self.place {
            Place::Root => None,
            Place::Member(..) | Place::Element(..) => Some(self.pointer().into()),
        }
    }

    /// Returns the elements of an array that this is.
    fn elements(&self, elements: &'a [Json]) -> impl Iterator<Item = Self> + use<'a> {
        let parent = self.parent();
        let at = move |(index, value)| Self {
            value,
            place: Place::Element(parent.clone(), index),
        };
        elements.iter().enumerate().map(at)
    }

    /// Returns the pointer to a member, which may be absent.
    fn pointer_to(&self, name: &str) -> String {
        joined(Some(&self.pointer()), name)
    }

    pub(crate) fn is_null(&self) -> bool {
        *self.value == Json::Null
    }

    /// Returns a fault of this value.
    pub(crate) fn fault(&self, detail: impl Display) -> Faults {
        Faults::one(Fault::new(self.pointer(), detail.to_string()))
    }

    pub(crate) fn text<T, E: Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Faults> {
        match self.value {
            Json::String(text) => parse(text).map_err(|error| self.fault(error)),
            _ => Err(self.fault("must be a string")),
        }
    }

    pub(crate) fn integer<T, E: Display>(
        &self,
        parse: impl FnOnce(u64) -> Result<T, E>,
    ) -> Result<T, Faults> {
        let integer = match self.value {
            Json::Number(number) => number.as_u64(),
            _ => None,
        };
        let integer = integer.ok_or_else(|| {
            self.fault("must be a non-negative integer, without fraction or exponent")
        })?;
        parse(integer).map_err(|error| self.fault(error))
    }

    pub(crate) fn number<T, E: Display>(
        &self,
        parse: impl FnOnce(f64) -> Result<T, E>,
    ) -> Result<T, Faults> {
        let number = match self.value {
            Json::Number(number) => number.as_f64(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.fault("must be a finite number"))?;
        parse(number).map_err(|error| self.fault(error))
    }

    pub(crate) fn boolean(&self) -> Result<bool, Faults> {
        match self.value {
            Json::Bool(value) => Ok(*value),
            _ => Err(self.fault("must be true or false")),
        }
    }

    /// Reads an array of at most `limit` distinct items.
    pub(crate) fn distinct<T: PartialEq>(
        &self,
        limit: usize,
        read: impl Fn(&Node<'a>) -> Result<T, Faults>,
    ) -> Result<Vec<T>, Faults> {
        let Json::Array(members) = self.value else {
            return Err(self.fault("must be an array"));
        };
        let mut faults = self.at_most(limit, members.len());
        let mut values = Vec::new();
        for member in self.elements(members) {
            match read(&member) {
                Ok(value) if values.contains(&value) => {
                    faults.add(member.fault("repeats an earlier member"));
                }
                Ok(value) => values.push(value),
                Err(found) => faults.add(found),
            }
        }
        faults.or(values)
    }

    /// Reads an array of 1 to `limit` members whose keys are distinct. The fault of a repeated key is
    /// at the member's `name`.
    pub(crate) fn keyed<K: Ord + Copy, T>(
        &self,
        limit: usize,
        name: &str,
        read: impl Fn(&Node<'a>) -> Result<(K, T), Faults>,
    ) -> Result<Vec<(K, T)>, Faults> {
        let Json::Array(members) = self.value else {
            return Err(self.fault("must be an array"));
        };
        if !(1..=limit).contains(&members.len()) {
            return Err(self.fault(format_args!("must be an array of 1 to {limit} items")));
        }
        let (mut faults, mut known) = (Faults::default(), BTreeSet::new());
        let mut values = Vec::with_capacity(members.len());
        for member in self.elements(members) {
            match read(&member) {
                Ok((key, _)) if !known.insert(key) => {
                    let pointer = member.pointer_to(name);
                    let detail = "repeats that of an earlier member";
                    faults.add(Faults::one(Fault::new(pointer, detail)));
                }
                Ok(value) => values.push(value),
                Err(found) => faults.add(found),
            }
        }
        faults.or(values)
    }

    /// Reads an array of 1 to `limit` items, each as a value of its own: its pointers are relative
    /// to it.
    pub(crate) fn items(&self, limit: usize) -> Result<&'a [Json], Faults> {
        match self.value {
            Json::Array(items) if (1..=limit).contains(&items.len()) => Ok(items),
            _ => Err(self.fault(format_args!("must be an array of 1 to {limit} items"))),
        }
    }

    /// Returns a fault if there are more than `limit` members.
    pub(crate) fn at_most(&self, limit: usize, members: usize) -> Faults {
        if members > limit {
            self.fault(format_args!("must have at most {limit} members"))
        } else {
            Faults::default()
        }
    }

    /// Reads the members of an object with arbitrary names.
    pub(crate) fn entries(
        &self,
    ) -> Result<impl ExactSizeIterator<Item = (&'a str, Node<'a>)>, Faults> {
        let Json::Object(members) = self.value else {
            return Err(self.fault("must be an object"));
        };
        let parent = self.parent();
        Ok(members
            .iter()
            .map(move |(name, value)| (name.as_str(), Node::member(parent.clone(), name, value))))
    }

    fn member(parent: Parent, name: &'a str, value: &'a Json) -> Self {
        Self {
            value,
            place: Place::Member(parent, name),
        }
    }

    /// Reads the members of an object with known names.
    pub(crate) fn fields(&self) -> Result<Fields<'a, '_>, Faults> {
        match self.value {
            Json::Object(members) => Ok(Fields::new(self, members)),
            _ => Err(self.fault("must be an object")),
        }
    }
}

/// Returns the pointer to a child; `~` and `/` are escaped (RFC 6901, section 3).
fn joined(parent: Option<&str>, name: &str) -> String {
    let escaped = name.replace('~', "~0").replace('/', "~1");
    format!("{}/{escaped}", parent.unwrap_or_default())
}

/// The members of an object, each read once, by name. Faults are collected, so that all are
/// reported; a member that was not read is a fault at the end.
pub(crate) struct Fields<'a, 'n> {
    object: &'n Node<'a>,
    parent: Parent,
    members: &'a [(String, Json)],
    known: Vec<&'static str>,
    faults: Faults,
}

impl<'a, 'n> Fields<'a, 'n> {
    fn new(object: &'n Node<'a>, members: &'a [(String, Json)]) -> Self {
        Self {
            object,
            parent: object.parent(),
            members,
            known: Vec::new(),
            faults: Faults::default(),
        }
    }

    /// Reads a member that must be present and not `null`.
    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Node<'a>) -> Result<T, Faults>,
    ) -> Option<T> {
        let read = if let Some(node) = self.find(name) {
            read(&node)
        } else {
            let pointer = self.object.pointer_to(name);
            Err(Faults::one(Fault::absent(pointer)))
        };
        self.keep(read)
    }

    /// Reads a member that may be absent but not `null`.
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Node<'a>) -> Result<T, Faults>,
    ) -> Option<T> {
        let node = self.find(name)?;
        self.keep(read(&node))
    }

    /// Reads a member that may be absent but not `null`, and has then its default; `None` only if it
    /// has a fault.
    pub(crate) fn or_default<T: Default>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Node<'a>) -> Result<T, Faults>,
    ) -> Option<T> {
        match self.find(name) {
            Some(node) => self.keep(read(&node)),
            None => Some(T::default()),
        }
    }

    /// Reads a member that may be absent or `null`, with the same meaning.
    pub(crate) fn nullable<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Node<'a>) -> Result<T, Faults>,
    ) -> Option<T> {
        let node = self.find(name).filter(|node| !node.is_null())?;
        self.keep(read(&node))
    }

    /// Adds a fault of a member, whether it is there or not.
    pub(crate) fn fault(&mut self, name: &str, detail: impl Display) {
        let pointer = self.object.pointer_to(name);
        self.faults
            .add(Faults::one(Fault::new(pointer, detail.to_string())));
    }

    /// Adds the fault of a member that is missing because of others.
    pub(crate) fn missing(&mut self, name: &'static str) {
        let is_there = self.members.iter().any(|(member, _)| member == name);
        if !is_there {
            let pointer = self.object.pointer_to(name);
            self.faults.add(Faults::one(Fault::absent(pointer)));
        }
    }

    /// Returns the result of `build`, or the faults. `build` returns `None` only if a required
    /// member had a fault.
    pub(crate) fn finish<T>(mut self, build: impl FnOnce() -> Option<T>) -> Result<T, Faults> {
        for (name, _) in self.members {
            if !self.known.contains(&name.as_str()) {
                let pointer = self.object.pointer_to(name);
                self.faults
                    .add(Faults::one(Fault::new(pointer, "is not a known field")));
            }
        }
        self.faults.or(build).and_then(|build| {
            // without faults every required member was read
            build().ok_or_else(|| self.object.fault("is not complete"))
        })
    }

    fn find(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.known.push(name);
        let (_, value) = self.members.iter().find(|(member, _)| member == name)?;
        Some(Node::member(self.parent.clone(), name, value))
    }

    fn keep<T>(&mut self, read: Result<T, Faults>) -> Option<T> {
        read.map_err(|faults| self.faults.add(faults)).ok()
    }
}
