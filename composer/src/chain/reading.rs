//! The parts of the reader of chain files that other files with values of a chain are read with.

pub(crate) use super::{
    answer::{answer, filter},
    globals::{globals, integer, value},
    read::requires,
    syntax::report as syntax,
};
