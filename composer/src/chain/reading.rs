//! The parts of the reader of chain files that other files with values of a chain are read with.

pub(crate) use super::{
    answer::{answer, filter},
    compose::{Texts, fill_tests},
    globals::{globals, integer, value},
    params::values,
    read::requires,
    syntax::report as syntax,
};
