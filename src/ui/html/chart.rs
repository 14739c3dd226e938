//! Requests over the run, as far as the summary tells.

use std::fmt::Write as _;
use std::time::Duration;

use super::columns;
use super::markup::Markup;
use crate::model::{Sample, Timeline};
use crate::ui::{human_count, human_rate, human_span};

/// Height of a chart in its own units; its width is one unit for each stretch.
const HEIGHT: f64 = 100.0;
/// How many times what was sent the scale may reach for the rate that was allowed.
const FLATTEST: f64 = 4.0;
/// Rows of the table below the charts, at most.
const MOST_ROWS: usize = 24;

/// What is drawn of each stretch.
struct Series {
    heading: &'static str,
    unit: &'static str,
    class: &'static str,
    of: fn(&Sample) -> u64,
    /// Whether the rate that was allowed, and what brought it down, belong to it.
    is_paced: bool,
}

const SERIES: [Series; 2] = [
    Series {
        heading: "Restore requests a second",
        unit: "restores/s",
        class: "restores",
        of: |sample| sample.restores,
        is_paced: true,
    },
    Series {
        heading: "Keys listed a second",
        unit: "keys/s",
        class: "listed",
        of: |sample| sample.listed,
        is_paced: false,
    },
];

/// The charts, and the same as a table; nothing where nothing is known.
pub(super) fn put(section: &mut Markup, timeline: &Timeline) {
    let mut drawn = false;
    for series in &SERIES {
        if timeline.samples.iter().any(|sample| (series.of)(sample) > 0) {
            figure(section, series, timeline);
            drawn = true;
        }
    }
    if drawn {
        table(section, timeline);
    }
}

fn seconds(timeline: &Timeline) -> f64 {
    f64::from(timeline.every_seconds.max(1))
}

/// How long so many stretches are.
fn span(timeline: &Timeline, stretches: usize) -> String {
    let seconds = u64::from(timeline.every_seconds.max(1)).saturating_mul(stretches as u64);
    human_span(Duration::from_secs(seconds))
}

fn figure(section: &mut Markup, series: &Series, timeline: &Timeline) {
    let samples = &timeline.samples;
    let rates: Vec<f64> =
        samples.iter().map(|sample| (series.of)(sample) as f64 / seconds(timeline)).collect();
    let most = rates.iter().copied().fold(0.0, f64::max);
    let allowed =
        samples.iter().map(|sample| sample.rate).max().filter(|_| series.is_paced).unwrap_or_default();
    // A rate that is far above all that was sent would make the chart flat: it is told, and not drawn.
    let is_drawn = allowed > 0 && f64::from(allowed) <= most * FLATTEST;
    let top = if is_drawn { most.max(f64::from(allowed)) } else { most };
    let mean = rates.iter().sum::<f64>() / rates.len().max(1) as f64;
    let slow: u64 = samples.iter().map(|sample| sample.slow_downs).sum();
    let failed: u64 = samples.iter().map(|sample| sample.failed).sum();
    let mut told =
        vec![format!("{} at the peak, {} in the mean", human_rate(Some(most)), human_rate(Some(mean)))];
    if series.is_paced {
        told.extend(
            (allowed > 0 && !is_drawn).then(|| format!("{} allowed", human_rate(Some(f64::from(allowed))))),
        );
        let lowest = samples.iter().map(|sample| sample.rate).filter(|rate| *rate > 0).min();
        let lowest = lowest.map_or(String::new(), |rate| format!(", down to {rate}/s"));
        told.extend((slow > 0).then(|| format!("{} slow-downs{lowest}", human_count(slow))));
        told.extend((failed > 0).then(|| format!("{} objects failed", human_count(failed))));
    }
    let told = told.join("; ");
    section.within("figure", &[], |figure| {
        figure.within("figcaption", &[], |caption| {
            caption.leaf("strong", &[], series.heading);
            caption.leaf("span", &[("class", "more")], &format!(" {told}"));
        });
        figure.within("div", &[("class", "plot")], |plot| {
            plot.leaf("span", &[("class", "scale")], &format!("{} {}", human_rate(Some(top)), series.unit));
            draw(plot, series, timeline, &rates, (top, is_drawn), &format!("{}: {told}", series.heading));
        });
        figure.within("div", &[("class", "axis"), ("aria-hidden", "true")], |axis| {
            axis.leaf("span", &[], "start");
            axis.leaf("span", &[], &span(timeline, samples.len() / 2));
            axis.leaf("span", &[], &span(timeline, samples.len()));
        });
        if series.is_paced {
            figure.within("ul", &[("class", "legend")], |legend| {
                legend.within("li", &[], |item| key(item, "restores", "sent, retries included"));
                if is_drawn {
                    legend.within("li", &[], |item| key(item, "allowed", "rate that was allowed"));
                }
                if slow > 0 {
                    legend.within("li", &[], |item| key(item, "slow", "the store asked to slow down"));
                }
                if failed > 0 {
                    legend.within("li", &[], |item| key(item, "lost", "objects failed"));
                }
            });
        }
    });
}

/// The mark of a thing in the chart, and what it is.
fn key(item: &mut Markup, class: &'static str, what: &str) {
    item.within("svg", &[("class", "swatch"), ("viewBox", "0 0 12 12"), ("aria-hidden", "true")], |svg| {
        match class {
            "allowed" => svg.empty("path", &[("class", "allowed"), ("d", "M0 6H12")]),
            "slow" => svg.empty("path", &[("class", "slow"), ("d", "M1 2H11L6 11Z")]),
            "lost" => svg.empty("path", &[("class", "lost"), ("d", "M2 2L10 10M10 2L2 10")]),
            _ => svg.empty("rect", &[("class", class), ("width", "12"), ("height", "12")]),
        }
    });
    item.text(what);
}

fn draw(
    plot: &mut Markup,
    series: &Series,
    timeline: &Timeline,
    rates: &[f64],
    scale: (f64, bool),
    label: &str,
) {
    let (top, has_rate) = scale;
    let view = format!("0 0 {} {HEIGHT}", rates.len().max(1));
    let svg = [
        ("class", "chart"),
        ("viewBox", view.as_str()),
        ("preserveAspectRatio", "none"),
        ("role", "img"),
        ("aria-label", label),
    ];
    let height = |rate: f64| (rate / top.max(f64::MIN_POSITIVE) * HEIGHT).min(HEIGHT);
    plot.within("svg", &svg, |svg| {
        // One outline for all stretches: what is not sent takes no room in the page.
        let mut area = String::from("M0 100");
        for (place, &rate) in rates.iter().enumerate() {
            // Writing to a String does not fail.
            let _ = write!(area, "V{:.1}H{}", HEIGHT - height(rate), place + 1);
        }
        area += "V100Z";
        svg.empty("path", &[("class", series.class), ("d", &area)]);
        if has_rate {
            let mut line = String::new();
            for (place, sample) in timeline.samples.iter().enumerate() {
                let at = HEIGHT - height(f64::from(sample.rate));
                let _ = match place {
                    0 => write!(line, "M0 {at:.1}H1"),
                    _ => write!(line, "V{at:.1}H{}", place + 1),
                };
            }
            svg.empty("path", &[("class", "allowed"), ("d", &line)]);
        }
    });
    if series.is_paced {
        marks(plot, timeline);
    }
}

/// What went wrong when, below the chart, in shapes that its stretching does not touch.
fn marks(plot: &mut Markup, timeline: &Timeline) {
    let troubled = |sample: &Sample| sample.slow_downs > 0 || sample.failed > 0;
    if !timeline.samples.iter().any(troubled) {
        return;
    }
    plot.within("svg", &[("class", "marks"), ("aria-hidden", "true")], |svg| {
        let all = timeline.samples.len().max(1) as f64;
        for (place, sample) in timeline.samples.iter().enumerate().filter(|(_, sample)| troubled(sample)) {
            let at = format!("{:.2}%", (place as f64 + 0.5) * 100.0 / all);
            svg.within("svg", &[("x", &at), ("overflow", "visible")], |mark| {
                if sample.slow_downs > 0 {
                    mark.empty("path", &[("class", "slow"), ("d", "M-5 2H5L0 10Z")]);
                }
                if sample.failed > 0 {
                    mark.empty("path", &[("class", "lost"), ("d", "M-4 13L4 21M4 13L-4 21")]);
                }
            });
        }
    });
}

fn table(section: &mut Markup, timeline: &Timeline) {
    let each = timeline.samples.len().div_ceil(MOST_ROWS).max(1);
    section.within("details", &[], |details| {
        details.leaf("summary", &[], "The run as a table");
        details.within("table", &[("class", "times")], |table| {
            table.leaf("caption", &[], "What was done when, in time spent working");
            let names = ["From", "Listed", "Restores", "Slow-downs", "Failed"];
            columns(table, &names.map(|name| (name, name != "From")));
            table.within("tbody", &[], |body| {
                for (place, samples) in timeline.samples.chunks(each).enumerate() {
                    let sum = |of: fn(&Sample) -> u64| human_count(samples.iter().map(of).sum());
                    body.within("tr", &[], |row| {
                        row.leaf("th", &[("scope", "row")], &span(timeline, place * each));
                        let sums = [
                            sum(|s| s.listed),
                            sum(|s| s.restores),
                            sum(|s| s.slow_downs),
                            sum(|s| s.failed),
                        ];
                        for cell in &sums {
                            row.leaf("td", &[("class", "number")], cell);
                        }
                    });
                }
            });
        });
    });
}
