//! Key spaces by formula: key number i is computed, never stored, and keys ascend with i.

use std::fmt::Write as _;

use super::drive::Keys;

/// The finaliser of SplitMix64: a one-to-one scramble of 64 bits.
pub(crate) const fn scramble(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Number `i` of `n` values thrown evenly over all of u64, in ascending order.
///
/// The interval is halved again and again; how many of the values fall left is drawn for each
/// half, so the clumps are those of real chance, and nothing is stored.
fn scatter(mut i: u64, mut n: u64, seed: u64) -> u64 {
    let (mut low, mut width, mut node) = (0_u64, u64::MAX, scramble(seed));
    while n > 1 && width > 1 {
        let lot = scramble(node);
        // The sum of four bytes is close to the bell curve: mean 510, deviation 147.8.
        let sum: u64 = lot.to_le_bytes()[..4].iter().map(|b| u64::from(*b)).sum();
        let bell = (sum as f64 - 510.0) / 147.8;
        let left = (n as f64 / 2.0 + bell * (n as f64).sqrt() / 2.0).round().clamp(0.0, n as f64) as u64;
        width /= 2;
        if i < left {
            n = left;
            node = lot ^ 1;
        } else {
            (i, n) = (i - left, n - left);
            low += width;
            node = lot ^ 2;
        }
    }
    low + if n > 1 { i } else { ((u128::from(scramble(node ^ 3)) * u128::from(width)) >> 64) as u64 }
}

/// What one stretch of keys looks like.
#[derive(Clone, Debug)]
enum Shape {
    /// Random UUIDs.
    Uuid,
    /// Hex names of 32 digits.
    Hex,
    /// Numbers of this width.
    Sequence(usize),
    /// Days and hours, the last hour 20 times as busy as the first.
    Dates,
    /// Folders of five files, hex names.
    Folders,
    /// Years, then hex folders.
    Tenant,
    /// Millisecond time stamps in bursts: first stamp and first index of each.
    Stamps(Vec<(u64, u64)>),
    /// Folders of two Han characters, then a numbered report.
    Reports,
}

/// A stretch of keys with a common head.
#[derive(Clone, Debug)]
struct Part {
    head: String,
    shape: Shape,
    seed: u64,
    /// Keys of the whole shape, and which of them are here.
    of: u64,
    from: u64,
    to: u64,
}

/// A key space.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    parts: Vec<Part>,
    /// First index of each part, and the count.
    firsts: Vec<u64>,
}

/// The eight key spaces that every figure is given for.
pub(crate) const EIGHT: [&str; 8] =
    ["uuid", "skewed", "skewseq", "dates", "smalldirs", "zipf", "unixts", "unicode"];
/// Further ones, to see that nothing is fitted to the eight.
pub(crate) const MORE: [&str; 6] = ["sequence", "tree", "years", "folders", "lone", "mixed"];

impl Space {
    /// The space of this name with `n` keys.
    pub(crate) fn new(name: &'static str, n: u64) -> Self {
        let seed = name.bytes().fold(7, |s, b| scramble(s ^ u64::from(b)));
        let part = |head: &str, shape: Shape, of: u64| Part {
            head: head.to_owned(),
            shape,
            seed: seed ^ of,
            of,
            from: 0,
            to: of,
        };
        let skewed = |shape| {
            vec![
                part("", Shape::Uuid, n / 20),
                part("data/lake/prod/events/v2/", shape, n - 2 * (n / 20)),
                part("raw/", Shape::Dates, n / 20),
            ]
        };
        let parts = match name {
            "uuid" => vec![part("", Shape::Uuid, n)],
            "skewed" => skewed(Shape::Hex),
            "skewseq" => skewed(Shape::Sequence(10)),
            "dates" => vec![part("", Shape::Dates, n)],
            "smalldirs" => vec![part("", Shape::Folders, n)],
            "zipf" => weighed(names(2000, seed), n, 1.0, seed)
                .map(|(name, size)| part(&format!("{name}/"), Shape::Tenant, size))
                .collect(),
            "unixts" => vec![part("logs/", Shape::Stamps(bursts(n, seed)), n)],
            "unicode" => unicode()
                .into_iter()
                .map(|(head, share)| part(head, Shape::Reports, n * share / 100))
                .collect(),
            "sequence" => vec![part("obj-", Shape::Sequence(12), n)],
            "tree" => weighed(names(60, seed), n, 1.2, seed)
                .flat_map(|(top, size)| {
                    weighed(names(40, seed ^ size), size, 1.2, seed ^ size)
                        .map(move |(sub, size)| (format!("{top}/{sub}/"), size))
                        .collect::<Vec<_>>()
                })
                .map(|(head, size)| part(&head, Shape::Hex, size))
                .collect(),
            "years" => (2014..2026)
                .map(|year| part(&format!("backup/host-a/{year}/"), Shape::Sequence(8), n / 12))
                .collect(),
            "folders" => weighed((0..1000).map(|n| format!("t{n:04}")).collect(), n, 1.0, seed)
                .map(|(name, size)| part(&format!("{name}/"), Shape::Sequence(12), size))
                .collect(),
            "lone" => vec![
                part("a/", Shape::Sequence(3), 10),
                part("m/very/deep/path/with/many/levels/x/y/z/", Shape::Tenant, n - 20),
                part("z/", Shape::Sequence(3), 10),
            ],
            _ => ["2019-x/", "Archive/", "Backup Sets/", "logs/app/", "media/", "~tmp/"]
                .into_iter()
                .zip([
                    Shape::Uuid,
                    Shape::Dates,
                    Shape::Folders,
                    Shape::Tenant,
                    Shape::Sequence(7),
                    Shape::Hex,
                ])
                .zip([5, 20, 30, 25, 10, 10])
                .map(|((head, shape), share)| part(head, shape, n * share / 100))
                .collect(),
        };
        Self::spliced(parts)
    }

    /// Puts each part where it belongs, inside the first one if need be.
    fn spliced(parts: Vec<Part>) -> Self {
        let mut pieces: Vec<Part> = Vec::new();
        for part in parts.into_iter().filter(|part| part.of > 0) {
            let Some(last) = pieces.last_mut() else {
                pieces.push(part);
                continue;
            };
            let at = last.lower_bound(part.head.as_bytes(), false);
            let rest = Part { from: at, ..last.clone() };
            last.to = at;
            pieces.push(part);
            if rest.from < rest.to {
                pieces.push(rest);
            }
            pieces.retain(|piece| piece.from < piece.to);
        }
        let mut firsts = vec![0];
        for piece in &pieces {
            firsts.push(firsts.last().unwrap_or(&0) + piece.to - piece.from);
        }
        Self { parts: pieces, firsts }
    }

    /// Writes key `i` over `out`.
    pub(crate) fn key(&self, i: u64, out: &mut String) {
        let at = self.firsts.partition_point(|first| *first <= i) - 1;
        let part = &self.parts[at];
        part.key(part.from + i - self.firsts[at], out);
    }
}

impl Keys for Space {
    fn count(&self) -> u64 {
        *self.firsts.last().unwrap_or(&0)
    }

    fn owned(&self, i: u64) -> Vec<u8> {
        let mut out = String::new();
        self.key(i, &mut out);
        out.into_bytes()
    }

    fn lower_bound(&self, key: &[u8], after: bool) -> u64 {
        let mut text = String::new();
        let at = self.parts.partition_point(|part| {
            part.key(part.from, &mut text);
            if after { text.as_bytes() <= key } else { text.as_bytes() < key }
        });
        at.checked_sub(1)
            .map_or(0, |at| self.firsts[at] + self.parts[at].lower_bound(key, after) - self.parts[at].from)
    }
}

impl Part {
    fn lower_bound(&self, key: &[u8], after: bool) -> u64 {
        let mut text = String::new();
        let (mut low, mut high) = (self.from, self.to);
        while low < high {
            let mid = low + (high - low) / 2;
            self.key(mid, &mut text);
            let before = if after { text.as_bytes() <= key } else { text.as_bytes() < key };
            if before { low = mid + 1 } else { high = mid }
        }
        low
    }

    fn key(&self, i: u64, out: &mut String) {
        out.clear();
        out.push_str(&self.head);
        let written = match &self.shape {
            Shape::Uuid => {
                let (high, low) = (scatter(i, self.of, self.seed), scramble(i ^ self.seed));
                let node = low & 0xffff_ffff_ffff;
                let parts = [high >> 32, high >> 16 & 0xffff, high & 0xffff, low >> 48];
                write!(out, "{:08x}-{:04x}-{:04x}-{:04x}-{node:012x}", parts[0], parts[1], parts[2], parts[3])
            }
            Shape::Hex => write!(out, "{:016x}{:016x}", scatter(i, self.of, self.seed), scramble(i)),
            Shape::Sequence(width) => write!(out, "part-{i:0width$}.json", width = *width),
            Shape::Dates => {
                const HOURS: u64 = 3 * 365 * 24;
                let below = |hour: u64| {
                    let share = (20_f64.powf(hour as f64 / HOURS as f64) - 1.0) / 19.0;
                    (share * self.of as f64) as u64
                };
                let (mut low, mut high) = (0, HOURS);
                while low + 1 < high {
                    let mid = u64::midpoint(low, high);
                    if below(mid) <= i { low = mid } else { high = mid }
                }
                let (day, n) = (low / 24, i - below(low));
                let (year, day) = (2022 + day / 365, day % 365);
                let mut month = 0;
                let mut left = day;
                for days in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
                    if left < days {
                        break;
                    }
                    left -= days;
                    month += 1;
                }
                let (month, day, hour) = (month + 1, left + 1, low % 24);
                write!(out, "dt={year}-{month:02}-{day:02}/hour={hour:02}/part-{n:05}.snappy.parquet")
            }
            Shape::Folders => {
                let folder = scatter(i / 5, self.of.div_ceil(5), self.seed) >> 12;
                write!(out, "{folder:013x}/page-{}.html", i % 5)
            }
            Shape::Tenant => {
                let (year, n) = (i * 6 / self.of, self.of.div_ceil(6));
                let first = (year * self.of).div_ceil(6);
                let folder = scatter(i - first, n, self.seed ^ year) >> 40;
                write!(out, "{}/{folder:06x}/{:08x}.bin", 2019 + year, i)
            }
            Shape::Stamps(bursts) => {
                let at = bursts.partition_point(|(_, first)| *first <= i) - 1;
                let (start, first) = bursts[at];
                let size = bursts.get(at + 1).map_or(self.of, |next| next.1) - first;
                let length = bursts.get(at + 1).map_or(60_000, |next| next.0 - start) / 4;
                let offset =
                    ((u128::from(scatter(i - first, size, start)) * u128::from(length)) >> 64) as u64;
                write!(out, "{:013}-{i:08x}.log", start + offset)
            }
            Shape::Reports => {
                let folders = (self.of / 40).max(1);
                let folder = i / 40;
                let at = scatter(folder.min(folders), folders + 1, self.seed);
                let wide = u128::from(at) * u128::from(20_000_u32 * 20_000);
                let pair = (wide >> 64) as u32;
                for n in [pair / 20_000, pair % 20_000] {
                    out.push(char::from_u32(0x4e00 + n).unwrap_or('一'));
                }
                write!(out, "-{folder:06x} & 报告/第{:02}期 <终稿>'{:04x}'.pdf", i % 40, scramble(i) & 0xffff)
            }
        };
        written.unwrap_or_default();
    }
}

/// Pseudo-words, sorted, all different.
fn names(n: u64, seed: u64) -> Vec<String> {
    let mut all = std::collections::BTreeSet::new();
    let mut lot = scramble(seed ^ 0x6e61_6d65);
    while all.len() < n as usize {
        let mut name = String::new();
        for _ in 0..2 + lot % 3 {
            lot = scramble(lot);
            name.push(char::from(b"bcdfghjklmnprstvwz"[(lot >> 8) as usize % 18]));
            name.push(char::from(b"aeiouy"[(lot >> 32) as usize % 6]));
        }
        if lot.is_multiple_of(3) {
            name.push_str("-corp");
        }
        lot = scramble(lot);
        all.insert(name);
    }
    all.into_iter().collect()
}

/// Gives each name its part of `n`: 1/rank^power, ranks by lot. Names stay sorted as paths.
fn weighed(mut names: Vec<String>, n: u64, power: f64, seed: u64) -> impl Iterator<Item = (String, u64)> {
    names.sort_by_key(|name| format!("{name}/"));
    let mut ranks: Vec<u64> = (0..names.len() as u64).collect();
    ranks.sort_by_key(|rank| scramble(rank ^ seed));
    let weights: Vec<f64> = ranks.iter().map(|rank| ((rank + 1) as f64).powf(-power)).collect();
    let total: f64 = weights.iter().sum();
    names.into_iter().zip(weights).map(move |(name, w)| (name, (w / total * n as f64).ceil() as u64))
}

/// Bursts of very different length, size and distance: start in ms, first index.
fn bursts(n: u64, seed: u64) -> Vec<(u64, u64)> {
    let count = 1500;
    let weight = |b: u64, what: u64| {
        let lot = (scramble(seed ^ b.rotate_left(20) ^ what) >> 11) as f64 / (1_u64 << 53) as f64;
        1.0 / (lot + 0.02)
    };
    let total: f64 = (0..count).map(|b| weight(b, 1)).sum();
    let (mut start, mut sum) = (1_577_836_800_000, 0.0);
    (0..count)
        .map(|b| {
            let first = (sum / total * n as f64) as u64;
            sum += weight(b, 1);
            start += (weight(b, 2) * 12_000_000.0) as u64;
            (start, first)
        })
        .collect()
}

/// Top folders of the unicode space with their share in per cent, sorted as bytes.
fn unicode() -> Vec<(&'static str, u64)> {
    vec![
        ("A & B <draft>/", 4),
        ("My Documents/", 6),
        ("Ünïcode päth/", 5),
        ("データ/", 10),
        ("图片 & 视频/", 20),
        ("報告書 <2021>/", 10),
        ("文档/", 35),
        ("자료/", 5),
        ("😀 emoji/", 5),
    ]
}
