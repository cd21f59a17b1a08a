//! Reads tokens by the grammar, top down.

use std::ops::Range;

use freplace_compose_common::trace::TESTS;

use super::{
    Access, CompareOp, Comparison, Constant, ExpressionText, Filter, PathStep, SyntaxError,
    ValuePath,
    token::{Token, tokens},
};
use crate::chain::Spanned;

pub(super) struct ExpressionParser<'a> {
    text: &'a ExpressionText<'a>,
    tokens: Vec<(Token, Range<usize>)>,
    next: usize,
    tests: usize,
    help: &'static str,
}

impl<'a> ExpressionParser<'a> {
    pub(super) fn new(
        text: &'a ExpressionText<'a>,
        help: &'static str,
    ) -> Result<Self, SyntaxError> {
        Ok(Self { text, tokens: tokens(text, help)?, next: 0, tests: 0, help })
    }

    fn mistake(&self, range: Range<usize>, what: impl Into<String>) -> SyntaxError {
        self.text.error(range, what, self.help)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    /// The bytes of the next token; of the text's end when there is none.
    fn here(&self) -> Range<usize> {
        let text = self.text.text;
        let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
        self.tokens.get(self.next).map_or(last..text.len(), |(_, range)| range.clone())
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.next += usize::from(found);
        found
    }

    fn expected(&self, what: &str) -> SyntaxError {
        let here = self.here();
        match self.text.text.get(here.clone()).filter(|_| self.peek().is_some()) {
            Some("and") => self.mistake(here, "use `&&` instead of `and`"),
            Some("or") => self.mistake(here, "use `||` instead of `or`"),
            Some(found) => self.mistake(here, format!("expected {what}, found `{found}`")),
            None => self.mistake(here, format!("expected {what} at the end")),
        }
    }

    pub(super) fn end(&self) -> Result<(), SyntaxError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.expected("the end")),
        }
    }

    fn name(&mut self) -> Result<Spanned<String>, SyntaxError> {
        let here = self.here();
        match self.peek() {
            Some(Token::Name) => {
                self.next += 1;
                let value = self.text.text.get(here.clone()).unwrap_or_default().to_owned();
                Ok(Spanned { value, span: self.text.place(here) })
            }
            _ => Err(self.expected("a name")),
        }
    }

    pub(super) fn path(&mut self) -> Result<ValuePath, SyntaxError> {
        let start = self.here().start;
        let followed = self.eat("*");
        let first = self.name()?;
        let mut fields = Vec::new();
        loop {
            if self.eat("->") {
                fields.push(PathStep { way: Access::Arrow, name: self.name()? });
            } else if self.eat(".") {
                fields.push(PathStep { way: Access::Dot, name: self.name()? });
            } else if self.eat("[") {
                fields.push(self.item()?);
            } else {
                break;
            }
        }
        let end = self.tokens.get(self.next.saturating_sub(1)).map_or(start, |(_, last)| last.end);
        // Without the blanks that may stand in it.
        let text = self.text.text.get(start..end).unwrap_or_default().split_whitespace().collect();
        let text = Spanned { value: text, span: self.text.place(start..end) };
        Ok(ValuePath { text, followed, first, fields })
    }

    /// `1]`
    fn item(&mut self) -> Result<PathStep, SyntaxError> {
        let here = self.here();
        let number = match self.peek() {
            Some(Token::Number(Constant::Number(number))) => u32::try_from(*number).ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.expected("an item number"))?;
        self.next += 1;
        if !self.eat("]") {
            return Err(self.expected("`]`"));
        }
        let name = Spanned { value: number.to_string(), span: self.text.place(here) };
        Ok(PathStep { way: Access::Item(number), name })
    }

    pub(super) fn any(&mut self, depth: usize) -> Result<Filter, SyntaxError> {
        let mut left = self.all(depth)?;
        while self.eat("||") {
            left = Filter::Or(Box::new(left), Box::new(self.all(depth)?));
        }
        Ok(left)
    }

    fn all(&mut self, depth: usize) -> Result<Filter, SyntaxError> {
        let mut left = self.one(depth)?;
        while self.eat("&&") {
            left = Filter::And(Box::new(left), Box::new(self.one(depth)?));
        }
        Ok(left)
    }

    fn one(&mut self, depth: usize) -> Result<Filter, SyntaxError> {
        let here = self.here();
        let deeper = |depth: usize| depth.checked_sub(1);
        if self.eat("!") {
            let depth = deeper(depth).ok_or_else(|| self.mistake(here, "nested too deeply"))?;
            return Ok(Filter::Not(Box::new(self.one(depth)?)));
        }
        if self.eat("(") {
            let depth = deeper(depth).ok_or_else(|| self.mistake(here, "nested too deeply"))?;
            let inner = self.any(depth)?;
            return if self.eat(")") { Ok(inner) } else { Err(self.expected("`)`")) };
        }
        let after = self.tokens.get(self.next + 1).map(|(token, _)| token);
        if self.text.text.get(here.clone()) == Some("not")
            && matches!(after, Some(Token::Name | Token::Sign("(" | "*")))
        {
            return Err(self.mistake(here, "use `!` instead of `not`"));
        }
        self.tests += 1;
        if self.tests > TESTS {
            return Err(self.mistake(here, format!("more than {TESTS} comparisons")));
        }
        self.comparison().map(Filter::Test)
    }

    fn comparison(&mut self) -> Result<Comparison, SyntaxError> {
        if matches!(self.peek(), Some(Token::Number(_) | Token::Sign("-"))) {
            let constant = self.constant()?;
            let relation = self.relation().ok_or_else(|| self.expected("a comparison"))?;
            return Ok(Comparison { path: self.path()?, to: Some((relation.turned(), constant)) });
        }
        let path = self.path()?;
        let to = match self.relation() {
            Some(relation) => Some((relation, self.constant()?)),
            None => None,
        };
        Ok(Comparison { path, to })
    }

    fn relation(&mut self) -> Option<CompareOp> {
        let Some(Token::Relation(relation)) = self.peek() else { return None };
        let relation = *relation;
        self.next += 1;
        Some(relation)
    }

    fn constant(&mut self) -> Result<Spanned<Constant>, SyntaxError> {
        let start = self.here().start;
        let negative = self.eat("-");
        let here = self.here();
        let value = match self.peek() {
            Some(Token::Number(number)) => match (number.clone(), negative) {
                (Constant::Number(number), true) => Constant::Number(-number),
                (Constant::Duration(ns), true) => Constant::Duration(-ns),
                (constant, _) => constant,
            },
            Some(Token::Name) if !negative => {
                Constant::Name(self.text.text.get(here.clone()).unwrap_or_default().to_owned())
            }
            _ => return Err(self.expected("a number or the name of an enum value")),
        };
        let is_number = matches!(self.peek(), Some(Token::Number(_)));
        self.next += 1;
        if is_number && matches!(self.peek(), Some(Token::Sign("."))) {
            let what = "decimal points are not supported: write 1500us for 1.5ms, and an address \
                        as one number, 0x0a00020f for 10.0.2.15";
            return Err(self.mistake(here, what));
        }
        if matches!(self.peek(), Some(Token::Sign("->" | "." | "["))) {
            return Err(self.mistake(here, "values can be compared only with constants"));
        }
        Ok(Spanned { value, span: self.text.place(start..here.end) })
    }
}
