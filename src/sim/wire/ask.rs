//! The body of a restore request, as a tree; what it means is for [`restore`](super::super::restore).

/// Deeper trees are not read.
const MAX_DEPTH: usize = 8;

/// One element: local name, text, children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::sim) struct Node {
    pub(in crate::sim) name: String,
    pub(in crate::sim) text: String,
    pub(in crate::sim) children: Vec<Node>,
}

/// A request body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Body {
    /// There is none.
    Empty,
    /// It is no XML.
    Broken,
    /// Its root element.
    Root(Node),
}

impl Body {
    /// Reads a body.
    pub(in crate::sim) fn read(bytes: &[u8]) -> Self {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Self::Empty;
        }
        let text = std::str::from_utf8(bytes).ok();
        text.and_then(|t| parse(t.trim_start_matches('\u{feff}'))).map_or(Self::Broken, Self::Root)
    }

    /// The text of the first element of that name at any depth.
    pub(in crate::sim) fn find(&self, name: &str) -> Option<&str> {
        match self {
            Self::Root(root) => root.find(name),
            Self::Empty | Self::Broken => None,
        }
    }
}

impl Node {
    fn find(&self, name: &str) -> Option<&str> {
        if self.name == name {
            return Some(self.text.as_str());
        }
        self.children.iter().find_map(|c| c.find(name))
    }
}

/// The root element of a document; `None` if it is not well-formed.
fn parse(mut text: &str) -> Option<Node> {
    let mut open: Vec<Node> = Vec::new();
    let mut root: Option<Node> = None;
    loop {
        let Some((before, rest)) = text.split_once('<') else {
            return if text.trim().is_empty() && open.is_empty() { root } else { None };
        };
        match open.last_mut() {
            Some(node) => node.text.push_str(&unescape(before)?),
            None if before.trim().is_empty() => {}
            None => return None,
        }
        if let Some(rest) = rest.strip_prefix("!--") {
            text = rest.split_once("-->")?.1;
            continue;
        }
        let (tag, rest) = rest.split_once('>')?;
        text = rest;
        if tag.starts_with('?') {
            if open.is_empty() && root.is_none() && tag.ends_with('?') {
                continue;
            }
            return None;
        }
        if let Some(name) = tag.strip_prefix('/') {
            let mut done = open.pop()?;
            if done.name != local(name.trim_end())? {
                return None;
            }
            done.text = done.text.trim().to_owned();
            place(done, &mut open, &mut root);
            continue;
        }
        if root.is_some() || open.len() >= MAX_DEPTH {
            return None;
        }
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |t| (t, true));
        let name = local(tag.split_ascii_whitespace().next()?)?.to_owned();
        let node = Node { name, ..Node::default() };
        if empty {
            place(node, &mut open, &mut root);
        } else {
            open.push(node);
        }
    }
}

fn place(node: Node, open: &mut [Node], root: &mut Option<Node>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(node),
        None => *root = Some(node),
    }
}

/// The local part of a name; `None` if it is no name.
fn local(name: &str) -> Option<&str> {
    let name = name.rsplit(':').next()?;
    let legal = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!name.is_empty() && name.chars().all(legal)).then_some(name)
}

/// Character data with its entities resolved; `None` for an unknown entity.
fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('&') {
        let (entity, after) = after.split_once(';')?;
        out.push_str(plain);
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => return None,
        });
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_sdks_send() {
        let text = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n  <Days>7</Days>\n  <GlacierJobParameters><Tier> Bulk </Tier></GlacierJobParameters><!-- x --></RestoreRequest>\n";
        let body = Body::read(text);
        assert_eq!(body.find("Days"), Some("7"));
        assert_eq!(body.find("Tier"), Some("Bulk"));
        let Body::Root(root) = body else { panic!("no root") };
        assert_eq!(root.name, "RestoreRequest");
        assert_eq!(root.children.len(), 2);
        assert_eq!(Body::read(b" \n"), Body::Empty);
        assert!(matches!(Body::read(b"<s3:RestoreRequest/>"), Body::Root(n) if n.name == "RestoreRequest"));
    }

    #[test]
    fn refuses_what_is_not_well_formed() {
        // The third is the example of OSS error page 0016-00000706.
        for bad in [
            "hello",
            "<a>",
            "<RestoreRequest>\n  <Days>2</Days>\n",
            "<a></b>",
            "<a/><b/>",
            "<a>&nope;</a>",
            "<a/>x",
            "<>",
            "</a>",
            "<a><?x?></a>",
            "<a><b><c><d><e><f><g><h><i/></h></g></f></e></d></c></b></a>",
        ] {
            assert_eq!(Body::read(bad.as_bytes()), Body::Broken, "{bad}");
        }
        assert_eq!(Body::read(b"\xff\xfe"), Body::Broken);
    }

    proptest::proptest! {
        #[test]
        fn no_body_panics(bytes in proptest::collection::vec(proptest::sample::select(b"<>/!?-&;: aA\xc3\xbc".to_vec()), 0..40)) {
            let body = Body::read(&bytes);
            proptest::prop_assert!(body.find("nothing").is_none());
        }
    }
}
