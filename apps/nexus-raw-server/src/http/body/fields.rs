use nexus_raw::json::Json;

use super::{Fault, Faults, Node};

/// The members of an object, each read once, by name. Faults are kept, so that one reading finds
/// them all; what no reader asked for is a fault at the end.
pub(crate) struct Fields<'a, 'n> {
    object: &'n Node<'a>,
    members: &'a [(String, Json)],
    known: Vec<&'static str>,
    faults: Faults,
}

impl<'a, 'n> Fields<'a, 'n> {
    pub(super) fn new(object: &'n Node<'a>, members: &'a [(String, Json)]) -> Self {
        Self {
            object,
            members,
            known: Vec::new(),
            faults: Faults::default(),
        }
    }

    /// A member that must be there, and not `null`.
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

    /// A member that may be absent, and is not `null`.
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Node<'a>) -> Result<T, Faults>,
    ) -> Option<T> {
        let node = self.find(name)?;
        self.keep(read(&node))
    }

    /// A member that may be absent, where `null` means the same.
    pub(crate) fn nullable<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Node<'a>) -> Result<T, Faults>,
    ) -> Option<T> {
        let node = self.find(name).filter(|node| !node.is_null())?;
        self.keep(read(&node))
    }

    /// What `build` makes of the members that were read, unless there was a fault. `build` gives
    /// `None` only where a required member was faulty.
    pub(crate) fn finish<T>(mut self, build: impl FnOnce() -> Option<T>) -> Result<T, Faults> {
        for (name, _) in self.members {
            if !self.known.contains(&name.as_str()) {
                let pointer = self.object.pointer_to(name);
                self.faults
                    .add(Faults::one(Fault::new(pointer, "is not a known field")));
            }
        }
        self.faults.or(build).and_then(|build| {
            // no fault, so every required member was read
            build().ok_or_else(|| self.object.fault("is not complete"))
        })
    }

    fn find(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.known.push(name);
        let (_, value) = self.members.iter().find(|(member, _)| member == name)?;
        Some(self.object.member(name, value))
    }

    fn keep<T>(&mut self, read: Result<T, Faults>) -> Option<T> {
        read.map_err(|faults| self.faults.add(faults)).ok()
    }
}
