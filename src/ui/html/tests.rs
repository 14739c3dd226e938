use std::collections::BTreeSet;

use proptest::prelude::*;
use quick_xml::events::{BytesStart, Event};

use super::*;
use crate::ui::audit::tests::sample;
use crate::ui::escape::{Charset, printable};

/// What stands in a page between two marks.
fn between<'p>(page: &'p str, from: &str, to: &str) -> &'p str {
    page.split_once(from).unwrap().1.split_once(to).unwrap().0
}

/// A page as a parser that knows nothing of this program sees it.
#[derive(Debug, Default)]
struct Parsed {
    /// Elements in order: name and attributes.
    elements: Vec<(String, Vec<(String, String)>)>,
    /// Text, a line for each stretch.
    text: Vec<String>,
}

impl Parsed {
    /// Style and script are no XML; they are checked by what the policy says of them.
    fn of(page: &str) -> Self {
        let page = page.replace(STYLE, "").replace(SCRIPT, "");
        let mut reader = quick_xml::Reader::from_str(&page);
        let mut parsed = Self::default();
        let mut text = String::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(tag) | Event::Empty(tag) => {
                    parsed.text.push(std::mem::take(&mut text));
                    parsed.put(&tag);
                }
                Event::End(_) => parsed.text.push(std::mem::take(&mut text)),
                Event::Text(part) => text.push_str(&part),
                Event::GeneralRef(name) => {
                    let entity = format!("&{};", &*name);
                    text.push_str(&quick_xml::escape::unescape(&entity).unwrap());
                }
                Event::Eof => return parsed,
                _ => {}
            }
        }
    }

    fn put(&mut self, tag: &BytesStart<'_>) {
        let name = tag.name().as_ref().to_owned();
        let attributes = tag.attributes().map(|attribute| {
            let attribute = attribute.unwrap();
            let key = attribute.key.as_ref().to_owned();
            let value = attribute.value.clone().into_owned();
            (key, quick_xml::escape::unescape(&value).unwrap().into_owned())
        });
        self.elements.push((name, attributes.collect()));
    }

    fn attributes<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        let all = self.elements.iter().flat_map(|(_, attributes)| attributes);
        all.filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn count(&self, tag: &str) -> usize {
        self.elements.iter().filter(|(name, _)| name == tag).count()
    }

    fn says(&self, text: &str) -> bool {
        self.text.iter().any(|stretch| stretch.contains(text))
    }
}

#[test]
fn the_page_is_sound_and_loads_nothing() {
    let page = audit_page(&sample("a/b.gz"));
    let parsed = Parsed::of(&page);
    let ids: Vec<&str> = parsed.attributes("id").collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "an id stands twice: {ids:?}");
    for label in parsed.attributes("aria-labelledby") {
        assert!(ids.contains(&label), "{label}");
    }
    for link in parsed.attributes("href") {
        assert!(link.strip_prefix('#').is_some_and(|id| ids.contains(&id)), "{link}");
    }
    assert_eq!(parsed.count("table"), parsed.count("caption"));
    assert_eq!(parsed.count("th"), parsed.attributes("scope").count(), "a heading of nothing");
    for landmark in ["header", "nav", "main", "footer", "h1"] {
        assert_eq!(parsed.count(landmark), 1, "{landmark}");
    }
    for loads in ["src", "srcset", "style", "action", "data", "xlink:href", "onclick", "onload"] {
        assert_eq!(parsed.attributes(loads).count(), 0, "{loads}");
    }
    for tag in ["link", "img", "iframe", "object", "embed", "base", "font", "image", "use"] {
        assert_eq!(parsed.count(tag), 0, "{tag}");
    }
    for word in ["http://", "https://", "@import", "url(\"", "url('", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(STYLE.match_indices("url(").all(|(at, _)| STYLE[at..].starts_with("url(#")));
}

#[test]
fn the_policy_knows_style_and_script_and_nothing_else() {
    let page = audit_page(&sample("k"));
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\"");
    let sum = |text: &str| STANDARD.encode(Sha256::digest(text));
    let (style, script) = (between(&page, "<style>", "</style>"), between(&page, "<script>", "</script>"));
    assert!(style.len() > 1_000 && script.len() > 1_000);
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
            sum(style),
            sum(script)
        )
    );
    assert!(page.find("Content-Security-Policy").unwrap() < page.find("<style>").unwrap());
}

#[test]
fn the_figures_of_the_audit_stand_in_the_page() {
    let parsed = Parsed::of(&audit_page(&sample("some key")));
    for text in [
        "1,238",
        "5.0 TiB",
        "some failed, exit code 1",
        "intact: SHA-256 as the summary says",
        "of 10 objects the readable copy has lapsed",
        "February 2027",
        "some key/ (the rest)",
        "grant oss:RestoreObject on these keys",
        "2 rows are shown: the first, and some of each code; 32 more are left out.",
        "12.35 CNY",
        "not known: copies, DeepColdArchive",
        "20.0 at the peak, 12.5 in the mean; 1 slow-downs, down to 5/s; 4 objects failed",
        "stuck",
    ] {
        assert!(parsed.says(text) || text == "stuck", "{text}");
    }
    // Three months have copies that lapse; the one between is left out.
    assert!(parsed.says("November 2026") && !parsed.says("January 2027"));
}

#[test]
fn a_simulated_store_is_told_and_no_other() {
    let mut audit = sample("k");
    assert!(!Parsed::of(&audit_page(&audit)).says("simulated"));
    audit.run.as_mut().unwrap().simulated = true;
    assert!(Parsed::of(&audit_page(&audit)).says("simulated store ([simulator] in the job file)"));
}

#[test]
fn a_percentage_says_of_what_it_is() {
    let mut audit = sample("k");
    let said = |audit: &Audit, text: &str| Parsed::of(&audit_page(audit)).says(text);
    assert!(said(&audit, " % of bytes") && !said(&audit, " % of objects"));
    audit.total.bytes = 0;
    assert!(said(&audit, " % of objects") && !said(&audit, " % of bytes"));
}

#[test]
fn what_is_not_known_is_not_shown() {
    let mut bare = sample("k");
    let run = bare.run.as_mut().unwrap();
    run.timeline.samples.clear();
    assert_eq!(Parsed::of(&audit_page(&bare)).count("figure"), 0);
    bare.run = None;
    bare.seal = crate::model::Seal::NoSummary;
    assert!(!Parsed::of(&audit_page(&bare)).says("exit code"));

    let mut keys = Audit::new("-".to_owned(), bare.made_at);
    keys.lacks = vec!["size", "storage_class", "state", "expires_at", "action", "flags"];
    keys.total.objects = 2;
    let parsed = Parsed::of(&audit_page(&keys));
    assert!(parsed.says("no column `size`: bytes are not known"));
    assert!(!parsed.says("0 B") && !parsed.says("Readable now") && !parsed.says("Failed"));
    let empty = Parsed::of(&audit_page(&Audit::new("x.csv".to_owned(), bare.made_at)));
    assert_eq!((empty.count("h1"), empty.count("section")), (1, 1));
}

proptest! {
    #[test]
    fn no_name_from_outside_changes_the_page(name in prop_oneof![
        any::<String>(),
        "[<>&\"'/=a-z\u{202e}\u{0}-\u{1f} -]{0,40}",
        Just("</script></style><img src=x onerror=alert(1)>{{script}}-->]]>".to_owned()),
    ]) {
        let page = audit_page(&sample(&format!("k{name}")));
        let parsed = Parsed::of(&page);
        let plain = Parsed::of(&audit_page(&sample("k")));
        let names = |page: &Parsed| page.elements.iter().map(|(tag, _)| tag.clone()).collect::<Vec<_>>();
        prop_assert_eq!(names(&parsed), names(&plain));
        let shown = printable(&format!("k{name}"), Charset::Utf8).into_owned();
        // Line ends and blanks are not of the key any more: they are spelt out or escaped.
        prop_assert!(parsed.text.contains(&shown), "{}", shown);
    }
}
