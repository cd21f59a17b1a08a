//! What `new host` begins a host of a kind with.

/// A program with a stub in it, and what shows it at work.
#[derive(Debug)]
pub struct Template {
    /// The program in C, with `NAME` for the host's name, and `TARGET` for its target where that is
    /// something of the program's own.
    pub program: &'static str,
    /// Where the chain attaches it.
    pub target: &'static str,
    /// The program for another target, where the above is for its own alone.
    pub elsewhere: Option<&'static str>,
    /// What the stub's name ends with.
    pub stub: &'static str,
    /// A command of the micro-VM that leads to events at the target.
    pub traffic: &'static str,
    /// The oldest kernel that it runs on, where that is not every supported one.
    pub since: Option<&'static str>,
}

impl Template {
    /// The program for `target`, or for the template's own.
    #[must_use]
    pub fn program_for(&self, target: Option<&str>) -> &'static str {
        match (self.elsewhere, target) {
            (Some(elsewhere), Some(target)) if target != self.target => elsewhere,
            _ => self.program,
        }
    }
}
