//! What an event tells of the call that it is the end of: its result and how long it took. A built-in tracer
//! records both; an author's struct has them in fields named `ret` and `took`.

use super::{Event, Field, Payload, Shape};

impl Event<'_> {
    /// Nanoseconds; none where that is not known.
    pub(super) fn took(&self) -> Option<u64> {
        if let Some(call) = self.payload.call() {
            return call.took(self.bytes);
        }
        let field = self.field("took").filter(|field| field.shape == Shape::Nanoseconds)?;
        let took = field.shape.number(self.bytes.get(field.offset..)?)?;
        // 0 of a program that did not see it begin.
        u64::try_from(took).ok().filter(|took| *took > 0)
    }

    /// The result with its name, for people.
    pub(super) fn result(&self) -> Option<String> {
        let mut out = String::new();
        match self.payload {
            Payload::Call(call) => call.result(self.bytes, &mut out).then_some(out),
            Payload::Returned(answer) => Some(answer.to_string()),
            _ => {
                let field = self.field("ret")?;
                field.shape.human(self.bytes.get(field.offset..)?, &mut out);
                Some(out)
            }
        }
    }

    fn field(&self, name: &str) -> Option<&Field> {
        let Payload::Struct(layout, _) = self.payload else { return None };
        layout.fields.iter().find(|field| field.name == name)
    }
}
