//! Prices against the vendors' pages, and tables that are wrong.

use std::path::Path;

use super::*;

fn table(text: &str) -> Result<PriceTable, String> {
    PriceTable::read(Path::new("p.toml"), text).map_err(|faults| faults.to_string())
}

fn told(money: Option<Money>) -> String {
    money.map_or_else(|| "unknown".to_owned(), |money| money.to_string())
}

const GIB: u64 = 1 << 30;

#[test]
fn the_built_in_table_is_sound() {
    table(BUILT_IN).unwrap();
    assert!(!PriceTable::built_in().entries.is_empty());
    for price in &PriceTable::built_in().entries {
        assert!(price.date().year() >= 2021 && !price.source().is_empty(), "{price:?}");
    }
}

/// The trap of the OSS price page: ten million tiny objects.
#[test]
fn tiny_objects_cost_what_the_vendors_page_says() {
    let oss = PriceTable::built_in().of(Provider::Oss, Some("cn-hangzhou"));
    let cost = |tier| told(oss.cost(Item::Restore, b"ColdArchive", Some(tier), 10_000_000));
    assert_eq!(cost(Tier::Expedited), "30000.00 CNY");
    assert_eq!(cost(Tier::Standard), "3000.00 CNY");
    assert_eq!(cost(Tier::Bulk), "300.00 CNY");
}

#[test]
fn one_object_costs_request_retrieval_and_copy() {
    let oss = PriceTable::built_in().of(Provider::Oss, Some("cn-hangzhou"));
    // 0.0003 + 0.06 + 0.12 × 7/30.
    let object = oss.object(b"coldarchive", Some(Tier::Standard), Some(7), GIB).unwrap();
    assert_eq!(object.micros, 300 + 60_000 + 28_000);
    // Archive has no copy that is paid for: 0.00001 + 0.06.
    assert_eq!(oss.object(b"Archive", None, Some(7), GIB).unwrap().micros, 10 + 60_000);
    let s3 = PriceTable::built_in().of(Provider::S3, Some("us-east-1"));
    // 0.0001 + 0.02 + 0.023 × 73/730 of a month.
    let deep = s3.object(b"DEEP_ARCHIVE", Some(Tier::Standard), Some(3), GIB).unwrap();
    assert_eq!(deep.micros, 100 + 20_000 + i128::from((23_000 * 72_u32).div_ceil(730)));
    // Bulk of GLACIER is free but for the copy, and Intelligent-Tiering has no copy.
    assert_eq!(told(s3.cost(Item::Retrieval, b"GLACIER", Some(Tier::Bulk), 1 << 60)), "0.00 USD");
    assert_eq!(told(s3.object(b"INTELLIGENT_TIERING", Some(Tier::Standard), None, GIB)), "0.00 USD");
}

#[test]
fn what_the_table_does_not_tell_is_unknown_and_never_zero() {
    let all = PriceTable::built_in();
    let oss = all.of(Provider::Oss, Some("cn-hangzhou"));
    assert_eq!(oss.object(b"DeepColdArchive", Some(Tier::Standard), Some(7), GIB), None);
    // A sum of which one part is unknown is unknown: the standard class of COS has no price here.
    let cos = all.of(Provider::Cos, Some("ap-guangzhou"));
    assert_eq!(cos.object(b"ARCHIVE", Some(Tier::Bulk), Some(7), GIB), None);
    assert_eq!(
        told(cos.cost(Item::Retrieval, b"ARCHIVE", Some(Tier::Bulk), 1000 * u128::from(GIB))),
        "2.50 USD"
    );
    // Elsewhere the prices of the mainland do not hold.
    assert_eq!(all.of(Provider::Oss, Some("us-west-1")).object(b"Archive", None, Some(1), GIB), None);
    assert_eq!(all.of(Provider::Oss, None).object(b"Archive", None, Some(1), GIB), None);
    assert_eq!(Prices::default().object(b"Archive", None, Some(1), GIB), None);
}

#[test]
fn the_more_exact_entry_wins() {
    let table = table(
        r#"
[[sheet]]
provider = "s3"
region = "*"
currency = "usd"
date = 2026-01-02
source = "a contract"
price = [
  { item = "retrieval", price = 1, unit = "GB" },
  { item = "retrieval", class = "GLACIER", price = 2, unit = "GB" },
  { item = "retrieval", class = "GLACIER", tier = "bulk", price = 3.50, unit = "GB" },
]
[[sheet]]
provider = "s3"
region = "eu-west-1"
currency = "EUR"
date = "2026-01-02"
source = "a contract"
price = [{ item = "retrieval", price = 0.000_000_001, unit = "GB" }]
"#,
    )
    .unwrap();
    let of = |region, class: &str, tier| {
        told(table.of(Provider::S3, region).cost(Item::Retrieval, class.as_bytes(), tier, 1_000_000_000))
    };
    assert_eq!(of(None, "DEEP_ARCHIVE", None), "1.00 USD");
    assert_eq!(of(None, "glacier", Some(Tier::Standard)), "2.00 USD");
    assert_eq!(of(None, "glacier", Some(Tier::Bulk)), "3.50 USD");
    assert_eq!(
        table
            .of(Provider::S3, Some("eu-west-1"))
            .cost(Item::Retrieval, b"GLACIER", None, 1 << 60)
            .unwrap()
            .micros,
        1_152_922
    );
}

#[test]
fn amounts_beyond_all_bounds_are_unknown_and_not_wrong() {
    let oss = PriceTable::built_in().of(Provider::Oss, Some("cn-hangzhou"));
    let all = oss.object(b"ColdArchive", Some(Tier::Standard), Some(365), u64::MAX).unwrap();
    // 2^64 bytes are 2^34 GiB: 0.06 and 0.12 × 365/30 each.
    let gib = 1_i128 << 34;
    assert_eq!(all.micros, gib * 60_000 + gib * 1_460_000 + 300);
    assert_eq!(oss.cost(Item::Retrieval, b"ColdArchive", Some(Tier::Standard), u128::MAX), None);
}

const HEAD: &str = "currency = \"CNY\"\ndate = \"2026-01-02\"\nsource = \"x\"";
const LIST: &str = "item = \"list\", unit = \"request\"";

#[test]
fn every_wrong_table_is_told_with_its_line_and_a_way_out() {
    let sheet = |head: &str, price: &str| {
        format!("[[sheet]]\nprovider = \"oss\"\nregion = \"*\"\n{head}\nprice = [\n{price}\n]\n")
    };
    for (text, said) in [
        ("nonsense".to_owned(), "p.toml:1:9: not valid TOML"),
        ("[prices]\n".to_owned(), "p.toml:1:2: prices: unknown key; known are `sheet`"),
        (
            "[sheet]\n".to_owned(),
            "p.toml:1:2: sheet: must be a list of tables; write `[[sheet]]` in two brackets",
        ),
        ("[[sheet]]\nregion = \"*\"\nprice = []".to_owned(), "[sheet] provider: is missing; write \"oss\""),
        (sheet(HEAD, &format!("{{ {LIST}, price = -1 }}")), "p.toml:8:44: [price] price = -1: is negative"),
        (sheet(HEAD, &format!("{{ {LIST}, price = \"1\" }}")), "[price] price: must be a number"),
        (sheet(HEAD, &format!("{{ {LIST}, price = nan }}")), "[price] price = nan: is not a plain number"),
        (sheet(HEAD, &format!("{{ {LIST}, price = inf }}")), "is not a plain number"),
        (sheet(HEAD, &format!("{{ {LIST}, price = 1e3 }}")), "is not a plain number"),
        (sheet(HEAD, &format!("{{ {LIST}, price = 0.0000000001 }}")), "has too many digits"),
        (sheet(HEAD, &format!("{{ {LIST}, price = 99999999999999999 }}")), "has too many digits"),
        (sheet(HEAD, &format!("{{ {LIST} }}")), "[price] price: is missing"),
        (sheet(HEAD, "{ item = \"list\", price = 1 }"), "[price] unit: is missing"),
        (sheet(HEAD, "{ unit = \"GB\", price = 1 }"), "[price] item: is missing"),
        (sheet(HEAD, "{ item = \"lst\", unit = \"GB\", price = 1 }"), "did you mean \"list\"?"),
        (sheet(HEAD, "{ item = \"list\", unit = \"GB\", price = 1 }"), "is no unit of the item \"list\""),
        (sheet(HEAD, "{ item = \"copy\", unit = \"GB\", price = 1 }"), "write \"GiB-month\" or \"GB-month\""),
        (sheet(HEAD, "{ item = \"copy\", unit = \"GiB-mnth\", price = 1 }"), "did you mean"),
        (
            sheet(HEAD, &format!("{{ {LIST}, price = 1, tier = \"Fast\" }}")),
            "[price] tier = \"Fast\": is not known",
        ),
        (sheet(HEAD, &format!("{{ {LIST}, price = 1, clas = \"X\" }}")), "did you mean `class`?"),
        (sheet(HEAD, &format!("{{ {LIST}, price = 1, class = \"\" }}")), "[price] class = \"\": is empty"),
        (
            sheet(HEAD, &format!("{{ {LIST}, price = 1 }},\n{{ {LIST}, price = 2 }}")),
            "p.toml:9:1: price: is a second price for what the entry in line 8 is for",
        ),
        (
            sheet("currency = \"CNY\"\nsource = \"x\"", &format!("{{ {LIST}, price = 1 }}")),
            "[price] date: is missing; give it to the entry or to its whole sheet",
        ),
        (
            sheet("currency = \"CNY\"\ndate = \"2026-01-02\"", &format!("{{ {LIST}, price = 1 }}")),
            "[price] source: is missing",
        ),
        (
            sheet("source = \"x\"\ndate = \"2026-01-02\"", &format!("{{ {LIST}, price = 1 }}")),
            "[price] currency: is missing",
        ),
        (
            sheet("source = \"x\"\ndate = \"soon\"\ncurrency = \"CNY\"", &format!("{{ {LIST}, price = 1 }}")),
            "[sheet] date = \"soon\": is no date",
        ),
        (sheet("source = \"x\"\ndate = 1\ncurrency = \"CNY\"", ""), "is no date"),
        (sheet("source = \"x\"\ndate = 2026-01-02\ncurrency = \"yuan\"", ""), "is no currency"),
        (sheet("month_hours = 24", ""), "[sheet] month_hours = 24: is no month"),
    ] {
        let faults = table(&text).expect_err(&text);
        assert!(faults.contains(said), "{text}\n{faults}\nlacks {said}");
        assert!(faults.contains(';') || faults.contains("TOML"), "{faults}");
    }
}

#[test]
fn regions_are_one_a_list_or_any() {
    let with = |region: &str| {
        table(&format!(
            "[[sheet]]\nprovider = \"s3\"\nregion = {region}\ncurrency = \"USD\"\ndate = \"2026-01-02\"\nsource = \"x\"\nprice = [{{ item = \"list\", price = 1, unit = \"request\" }}]\n"
        ))
    };
    for wrong in ["[]", "[\"*\"]", "1", "\"\"", "[1]"] {
        assert!(with(wrong).is_err(), "{wrong}");
    }
    let two = with("[\"a\", \"b\"]").unwrap();
    let known = |region| two.of(Provider::S3, region).cost(Item::List, b"", None, 1).is_some();
    assert!(known(Some("a")) && known(Some("B")) && !known(Some("c")) && !known(None));
    assert!(two.of(Provider::Cos, Some("a")).cost(Item::List, b"", None, 1).is_none());
}
