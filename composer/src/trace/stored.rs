//! The stored form of what a built-in tracer records: readable parts for people, and the complete
//! data to read back.

use freplace_compose_common::trace::Trace;
use serde::{Deserialize, Serialize};

use super::{Capture, Tracing, UnplacedField};

/// [`Tracing`] in JSON.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    holder: usize,
    function: String,
    /// The names of the arguments, or of the captures selected by the chain.
    arguments: Vec<String>,
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
    record: StoredRecord,
}

/// Where everything is in a record, and what the program in the kernel goes by.
#[derive(Serialize, Deserialize)]
struct StoredRecord {
    arguments: Vec<Capture>,
    result: Option<Capture>,
    took: Option<usize>,
    #[serde(with = "crate::hex")]
    table: Vec<u8>,
    kernel: Vec<UnplacedField>,
}

impl From<Tracing> for Stored {
    fn from(tracing: Tracing) -> Self {
        Self {
            holder: tracing.holder,
            function: tracing.function,
            arguments: tracing.arguments.iter().map(|argument| argument.name.clone()).collect(),
            filter: tracing.filter,
            record: StoredRecord {
                arguments: tracing.arguments,
                result: tracing.result,
                took: tracing.took,
                table: tracing.table.to_bytes(),
                kernel: tracing.kernel,
            },
        }
    }
}

impl TryFrom<Stored> for Tracing {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { holder, function, filter, record, .. } = stored;
        let table = Trace::from_bytes(&record.table).ok_or("the table is of another size")?;
        let StoredRecord { arguments, result, took, kernel, .. } = record;
        Ok(Self { holder, function, arguments, result, filter, took, table, kernel })
    }
}
