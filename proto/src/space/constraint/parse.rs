//! Reads a constraint: `sum comparison sum`, a sum of products of numbers, hyperparameters and sums in parentheses.

use std::ops::Range;

use super::{Comparison, Constraint, ConstraintError, EXPRESSION_CHARS_MAX, Expression, Sign, TERMS_MAX};
use crate::hyperparameter::{Hyperparameter, Kind};
use crate::nearest::nearest;

const HELP: &str = "write sums and products of hyperparameters and numbers: \"units * layers <= 512\"";

/// A word of a constraint, and where it stands.
#[derive(Clone, Copy)]
struct Token<'t> {
    text: &'t str,
    start: usize,
}

/// The words of a constraint that are still to be read.
struct Reader<'t> {
    text: &'t str,
    tokens: std::iter::Peekable<std::vec::IntoIter<Token<'t>>>,
    terms: usize,
}

/// Reads a whole constraint.
pub(super) fn constraint(text: &str) -> Result<Constraint, ConstraintError> {
    let length = text.chars().count();
    if length > EXPRESSION_CHARS_MAX {
        let message = format!("a constraint has {length} characters, more than {EXPRESSION_CHARS_MAX}");
        return Err(refused(0..text.len(), message, "write it as several constraints"));
    }
    if text.trim().is_empty() {
        return Err(refused(0..text.len(), "a constraint is empty".to_owned(), HELP));
    }
    let mut reader = Reader { text, tokens: tokens(text).into_iter().peekable(), terms: 0 };
    let left = reader.sum()?;
    let Some(comparison) = reader.comparison() else {
        let nothing_left = || {
            let message = "a constraint compares nothing".to_owned();
            refused(text.len()..text.len(), message, "compare two sides with <, <=, >, >= or ==")
        };
        return Err(reader.tokens.next().map_or_else(nothing_left, out_of_place));
    };
    let right = reader.sum()?;
    if let Some(token) = reader.tokens.next() {
        if Comparison::ALL.iter().any(|(sign, _)| *sign == token.text) {
            let message = "a constraint compares twice".to_owned();
            return Err(refused(token.span(), message, "write two constraints"));
        }
        return Err(out_of_place(token));
    }
    let constraint = Constraint { left, comparison, right };
    if constraint.hyperparameters().is_empty() {
        let message = "a constraint names no hyperparameter".to_owned();
        return Err(refused(0..text.len(), message, HELP));
    }
    Ok(constraint)
}

fn refused(at: Range<usize>, message: String, help: &str) -> ConstraintError {
    ConstraintError { at, message, help: help.to_owned() }
}

impl Token<'_> {
    fn span(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }
}

/// Cuts a text into words: names and numbers, signs, and single characters of any other kind.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let start = text.len() - rest.len();
        let length = if first.is_ascii_alphanumeric() || first == '.' {
            word_length(rest, first.is_ascii_digit() || first == '.')
        } else {
            let sign = Comparison::ALL.iter().find(|(sign, _)| rest.starts_with(sign));
            sign.map_or(first.len_utf8(), |(sign, _)| sign.len())
        };
        let (token, later) = rest.split_at(length);
        rest = later;
        if !first.is_whitespace() {
            tokens.push(Token { text: token, start });
        }
    }
    tokens
}

/// Bytes of a name or a number, which may have an exponent with a sign.
fn word_length(text: &str, is_number: bool) -> usize {
    let mut before = ' ';
    let end = text.char_indices().find(|(_, one)| {
        let goes_on = one.is_ascii_alphanumeric()
            || matches!(one, '_' | '.')
            || (is_number && matches!(one, '+' | '-') && matches!(before, 'e' | 'E'));
        before = *one;
        !goes_on
    });
    end.map_or(text.len(), |(at, _)| at)
}

impl<'t> Reader<'t> {
    fn take(&mut self, texts: &[&str]) -> Option<Token<'t>> {
        self.tokens.next_if(|token| texts.contains(&token.text))
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let token = self.take(&Comparison::ALL.map(|(sign, _)| sign))?;
        Comparison::ALL.iter().find(|(sign, _)| *sign == token.text).map(|(_, one)| *one)
    }

    fn sum(&mut self) -> Result<Expression, ConstraintError> {
        let mut sum = self.product()?;
        while let Some(token) = self.take(&["+", "-"]) {
            let sign = if token.text == "+" { Sign::Plus } else { Sign::Minus };
            sum = Expression::Pair(Box::new((sum, self.product()?)), sign);
        }
        Ok(sum)
    }

    fn product(&mut self) -> Result<Expression, ConstraintError> {
        let mut product = self.term()?;
        while self.take(&["*"]).is_some() {
            product = Expression::Pair(Box::new((product, self.term()?)), Sign::Times);
        }
        Ok(product)
    }

    fn term(&mut self) -> Result<Expression, ConstraintError> {
        let end = self.text.len();
        let Some(token) = self.tokens.next() else {
            let message = "a constraint ends where a number or a hyperparameter should stand".to_owned();
            return Err(refused(end..end, message, HELP));
        };
        self.terms += 1;
        if self.terms > TERMS_MAX {
            let message =
                format!("a constraint has more than {TERMS_MAX} numbers, hyperparameters and parentheses");
            return Err(refused(token.span(), message, "write it as several constraints"));
        }
        match token.text.chars().next() {
            Some('(') => self.within_parentheses(token),
            Some(first) if first.is_ascii_digit() || first == '.' => number(token),
            Some(first) if first.is_ascii_alphabetic() => hyperparameter(token),
            _ => Err(out_of_place(token)),
        }
    }

    fn within_parentheses(&mut self, opened: Token<'t>) -> Result<Expression, ConstraintError> {
        let sum = self.sum()?;
        if self.take(&[")"]).is_some() {
            return Ok(sum);
        }
        let at = self.tokens.peek().map_or(opened.span(), Token::span);
        Err(refused(at, "a parenthesis is not closed".to_owned(), "close it with ) before the comparison"))
    }
}

fn out_of_place(token: Token<'_>) -> ConstraintError {
    let help = match token.text {
        "=" => "write == for equal values",
        "/" => "multiply the other side instead",
        _ => HELP,
    };
    refused(token.span(), format!("{:?} cannot stand here in a constraint", token.text), help)
}

fn number(token: Token<'_>) -> Result<Expression, ConstraintError> {
    match token.text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Expression::Number(number)),
        _ => {
            let message = format!("{:?} is not a finite number", token.text);
            Err(refused(token.span(), message, "write numbers as 512, 0.5 or 1e3"))
        }
    }
}

fn hyperparameter(token: Token<'_>) -> Result<Expression, ConstraintError> {
    let Some(hyperparameter) = Hyperparameter::from_name(token.text) else {
        let message = format!("{:?} is not a hyperparameter", token.text);
        let is_number =
            |one: &&Hyperparameter| matches!(one.row().kind, Kind::Integer { .. } | Kind::Real { .. });
        let numbers = Hyperparameter::ALL.iter().filter(is_number).map(|one| one.name());
        let help = match nearest(token.text, numbers) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "docs/hyperparameters.md lists them".to_owned(),
        };
        return Err(refused(token.span(), message, &help));
    };
    match hyperparameter.row().kind {
        Kind::Integer { .. } | Kind::Real { .. } => Ok(Expression::Hyperparameter(hyperparameter)),
        kind => {
            let message = format!("{hyperparameter} is not a number: it is {kind}");
            let help = "constraints compare numbers; for words and flags give an axis a condition with when";
            Err(refused(token.span(), message, help))
        }
    }
}
