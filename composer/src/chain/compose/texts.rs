//! Texts that stay where they are while more are added.

use std::cell::OnceCell;

/// A list of texts that only grows: each can be borrowed for as long as the list.
#[derive(Default)]
pub(crate) struct Texts {
    first: OnceCell<Box<(String, Self)>>,
}

impl Texts {
    /// Puts `text` behind the others.
    pub(crate) fn keep(&self, text: String) -> &str {
        let mut text = Some(text);
        let mut at = self;
        loop {
            let (kept, others) = &**at
                .first
                .get_or_init(|| Box::new((text.take().unwrap_or_default(), Self::default())));
            if text.is_none() {
                return kept;
            }
            at = others;
        }
    }
}
