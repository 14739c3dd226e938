//! `[[source]]`: where the objects are.

use std::path::Path;

use super::super::endpoint::EndpointUrl;
use super::super::fault::{Problem, shown};
use super::super::flags::Overrides;
use super::super::layers::{Layers, public_text};
use super::super::read::{self, Value};
use super::super::spec::{Source, Versions};
use super::super::url::BucketUrl;
use super::key_list::key_list;
use super::{small, text_flag};
use crate::model::Provider;

/// Keys a page: the most that all three stores give.
const PAGE_SIZE: u32 = 1000;

/// The bucket URL.
pub(in super::super) fn bucket_url(value: &Value) -> Result<BucketUrl, Problem> {
    match value {
        // An empty URL is told in the words for URLs.
        Value::Typed(text) | Value::Text(text) => BucketUrl::parse(text),
        other => read::text(other).and_then(|text| BucketUrl::parse(&text)),
    }
}

/// `[[source]]` without its URL, put together with it.
pub(in super::super) fn source(
    layers: &mut Layers<'_>,
    over: &Overrides,
    url: Option<BucketUrl>,
    simulated: bool,
    folder: &Path,
) -> Option<Source> {
    let key_list = key_list(layers, over, folder);
    let profile = layers.value("source.profile", text_flag(over.profile.as_ref()), public_text);
    let own_region = layers.pick("source.region", text_flag(over.region.as_ref()), region);
    let own_endpoint = layers.pick("source.endpoint_url", text_flag(over.endpoint_url.as_ref()), |value| {
        public_text(value).and_then(|text| EndpointUrl::parse(&text))
    });
    let allow_http =
        layers.value("source.allow_http", over.allow_http.map(Value::Switch), read::switch).unwrap_or(false);
    let path_style = layers.value("source.path_style", over.path_style.map(Value::Switch), read::switch);
    let versions = layers.value("source.versions", text_flag(over.versions.as_ref()), |value| {
        read::word(
            value,
            &[("current", Versions::Current), ("all", Versions::All), ("noncurrent", Versions::Noncurrent)],
        )
    });
    let list_v1 = layers.value("source.list_api", text_flag(over.list_api.as_ref()), |value| {
        read::word(value, &[("v2", false), ("v1", true)])
    });
    let request_payer =
        layers.value("source.request_payer", over.request_payer.map(Value::Switch), read::switch);
    let direct_read =
        layers.pick("source.archive_direct_read", over.archive_direct_read.map(Value::Switch), read::switch);
    let head = layers.value("source.head", over.head.map(Value::Switch), read::switch);
    let start_after = layers.value("source.start_after", text_flag(over.start_after.as_ref()), read::text);
    let end_with = layers.pick("source.end_with", text_flag(over.end_with.as_ref()), read::text);
    let page_size = layers
        .value("source.page_size", text_flag(over.page_size.as_ref()), |value| small(value, 1, 1000, "keys"));

    if let (Some(start), Some(end)) = (&start_after, &end_with)
        && end.value <= *start
    {
        let problem = Problem::new(
            format!("does not come after `start_after` ({}), so no key lies between", shown(start)),
            "swap the two, or leave one out",
        );
        layers.fault(problem, end.at.clone());
    }
    let provider = url.as_ref().map(|url| url.provider);
    if let (Some(direct), Some(Provider::Cos | Provider::S3)) = (&direct_read, provider)
        && direct.value
    {
        let problem = Problem::new(
            "is a property of OSS buckets, which this store has not",
            "leave it out: every archived object needs a restore here",
        );
        layers.fault(problem, direct.at.clone());
    }
    let (region, endpoint) = match provider {
        Some(provider) if !simulated => {
            let vendor = ambient(provider);
            let region = own_region.or_else(|| layers.ambient("source.region", vendor.region, region));
            let endpoint = own_endpoint.or_else(|| {
                layers.ambient("source.endpoint_url", vendor.endpoint, |value| {
                    public_text(value).and_then(|text| EndpointUrl::parse(&text))
                })
            });
            (region, endpoint)
        }
        _ => (own_region, own_endpoint),
    };
    if let (None, false, Some(provider), Some(region)) = (&endpoint, simulated, provider, &region)
        && let Some(problem) = foreign(&region.value, provider)
    {
        layers.fault(problem, region.at.clone());
    }
    if let Some(endpoint) = &endpoint {
        if simulated {
            let problem = Problem::new(
                "has no meaning beside `[simulator]`, which is the endpoint",
                "take one of the two out",
            );
            layers.fault(problem, endpoint.at.clone());
        } else if endpoint.value.exposed && !allow_http {
            let problem = Problem::new(
                "would send signed requests unencrypted over the network",
                "write https://, or allow it: `allow_http = true` in `[[source]]`, or `--allow-http`",
            );
            layers.fault(problem, endpoint.at.clone());
        }
    }
    let BucketUrl { provider, bucket, prefix } = url?;
    Some(Source {
        provider,
        bucket,
        prefix,
        profile,
        region: region.map(|region| region.value),
        endpoint_url: endpoint.map(|endpoint| endpoint.value.url),
        allow_http,
        path_style,
        versions: versions.unwrap_or_default(),
        list_v1: list_v1.unwrap_or(false),
        request_payer: request_payer.unwrap_or(false),
        archive_direct_read: direct_read.is_some_and(|direct| direct.value),
        head: head.unwrap_or(false),
        start_after,
        end_with: end_with.map(|end| end.value),
        page_size: page_size.unwrap_or(PAGE_SIZE),
        key_list,
        key_list_digest: None,
    })
}

/// The vendors' own variables for region and endpoint, which decide where nothing else does.
struct Ambient {
    region: &'static [&'static str],
    endpoint: &'static [&'static str],
}

/// Sources: AWS CLI "Environment variables", ossutil 2 "Configure", tccli and Terraform pages of
/// Tencent Cloud, read 2026-11.
const fn ambient(provider: Provider) -> Ambient {
    match provider {
        Provider::Oss => Ambient { region: &["OSS_REGION"], endpoint: &["OSS_ENDPOINT"] },
        Provider::Cos => Ambient { region: &["TENCENTCLOUD_REGION"], endpoint: &[] },
        Provider::S3 => Ambient {
            region: &["AWS_REGION", "AWS_DEFAULT_REGION"],
            endpoint: &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"],
        },
    }
}

/// What is wrong with `region` where it makes the address of the vendor's own host: a name with a slip in it
/// would be looked up in vain, hours later in a nightly run.
///
/// Regions of OSS and COS are lower-case words with `-` between them. Sources: OSS "Regions and endpoints",
/// COS "Regions and access domain names", read 2026-11. Those of S3 are free: a profile may name a store that
/// is not Amazon's.
fn foreign(region: &str, provider: Provider) -> Option<Problem> {
    let (vendor, such_as) = match provider {
        Provider::S3 => return None,
        Provider::Oss => ("OSS", "`cn-hangzhou`"),
        Provider::Cos => ("COS", "`ap-guangzhou`"),
    };
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let sound = region.contains('-') && region.split('-').all(word);
    (!sound).then(|| {
        Problem::new(
            format!("is not a region of {vendor}: these are lower-case words with `-` between them"),
            format!("write its short name as the console shows it, such as {such_as}; a store of another vendor needs an `endpoint_url`"),
        )
    })
}

fn region(value: &Value) -> Result<String, Problem> {
    let text = public_text(value)?;
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        return Ok(text);
    }
    Err(Problem::new(
        "is not a region",
        "write its short name, such as `cn-hangzhou`, `ap-guangzhou` or `us-east-1`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_the_form_of_its_vendors() {
        for good in ["cn-hangzhou", "ap-southeast-1", "us-west-1", "cn-hangzhou-finance", "oss-cn-hangzhou"] {
            assert_eq!(foreign(good, Provider::Oss), None, "{good}");
        }
        for good in ["ap-guangzhou", "ap-beijing-1", "na-siliconvalley", "eu-frankfurt"] {
            assert_eq!(foreign(good, Provider::Cos), None, "{good}");
        }
        for bad in ["hangzhou", "CN-Hangzhou", "cn_hangzhou", "cn-hangzhou-", "-", "cn--hangzhou"] {
            for provider in [Provider::Oss, Provider::Cos] {
                let told = foreign(bad, provider).unwrap();
                assert!(told.what.contains("is not a region of "), "{bad}");
            }
            assert_eq!(foreign(bad, Provider::S3), None);
        }
    }
}
