//! Markup that cannot be broken by what it holds: all text is escaped, and every element is closed.

use std::fmt::Write as _;

use crate::ui::escape::{Charset, printable};

/// Attributes of an element. Names are our own; values may be anything.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

/// A document in the making, as elements that are well-formed XML, too.
#[derive(Debug, Default)]
pub(super) struct Markup(String);

impl Markup {
    /// The markup.
    pub(super) fn finish(self) -> String {
        self.0
    }

    /// Adds text. Control characters and those that turn the direction of writing are spelt out; what
    /// means something in markup is escaped.
    pub(super) fn text(&mut self, text: &str) {
        escape(&mut self.0, &printable(text, Charset::Utf8));
    }

    /// Adds an element around what `inner` adds.
    pub(super) fn within(
        &mut self,
        tag: &'static str,
        attributes: Attributes<'_>,
        inner: impl FnOnce(&mut Self),
    ) {
        self.start(tag, attributes);
        self.0.push('>');
        inner(self);
        // Writing to a String does not fail.
        let _ = write!(self.0, "</{tag}>");
    }

    /// Adds an element that holds `text`.
    pub(super) fn leaf(&mut self, tag: &'static str, attributes: Attributes<'_>, text: &str) {
        self.within(tag, attributes, |inner| inner.text(text));
    }

    /// Adds an element that holds nothing.
    pub(super) fn empty(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.start(tag, attributes);
        self.0.push_str(" />");
    }

    /// Ends a line, for who reads the source.
    pub(super) fn line(&mut self) {
        self.0.push('\n');
    }

    /// Adds a name from outside, set apart from the direction of writing around it; a line can be broken
    /// anywhere in it.
    pub(super) fn name(&mut self, text: &str) {
        self.leaf("bdi", &[("class", "name")], text);
    }

    fn start(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            let _ = write!(self.0, " {name}=\"");
            escape(&mut self.0, &printable(value, Charset::Utf8));
            self.0.push('"');
        }
    }
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let mut markup = Markup::default();
        markup.within("p", &[("title", "\"><script>")], |p| {
            p.text("</p><script>alert('1')</script>&amp;");
            p.name("a\u{202e}b\u{1b}");
            p.empty("br", &[]);
        });
        assert_eq!(
            markup.finish(),
            "<p title=\"&quot;&gt;&lt;script&gt;\">&lt;/p&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\
             &amp;amp;<bdi class=\"name\">a\\u{202e}b\\u{1b}</bdi><br /></p>"
        );
    }
}
