//! Region and endpoint as the vendors' own tools would take them from variables and files.
//!
//! A file that cannot be read is passed over here: the credentials come from the same files, and
//! their reading names the fault.

use super::oss_profile::Place;
use super::s3_profile::Files;
use super::{Environment, cos};
use crate::model::Provider;

/// The region that the vendor's tools would use: variables first, then the profile.
///
/// S3 `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's `region`; OSS `OSS_REGION`,
/// `ALIBABA_CLOUD_REGION_ID`, the profile's region, without a leading `oss-`; COS
/// `TENCENTCLOUD_REGION`, `COS_REGION`, the region of `~/.cos.conf` or of the tccli profile.
#[must_use]
pub fn region(provider: Provider, profile: Option<&str>, env: &Environment) -> Option<String> {
    let set = |names: &[&str]| env.first(names).map(|(_, region)| region.to_owned());
    match provider {
        Provider::S3 => set(&["AWS_REGION", "AWS_DEFAULT_REGION"]).or_else(|| {
            let files = Files::load(env, profile).ok()?;
            files.merged(&files.profile)?.remove("region")
        }),
        Provider::Oss => set(&["OSS_REGION", "ALIBABA_CLOUD_REGION_ID"])
            .or_else(|| of_oss_profile(profile, env, &["region", "regionid"]))
            .map(|region| region.strip_prefix("oss-").map_or(region.clone(), str::to_owned)),
        Provider::Cos => set(&["TENCENTCLOUD_REGION", "COS_REGION"]).or_else(|| {
            let coscmd = if profile.is_none() { cos::coscmd(env).ok().flatten() } else { None };
            coscmd.and_then(|mut section| section.remove("region")).or_else(|| {
                let value = cos::tccli(env, profile.unwrap_or("default"), "configure").ok()??;
                Some(value.get("_sys_param")?.get("region")?.as_str()?.to_owned())
            })
        }),
    }
}

/// The endpoint that the vendor's tools would use instead of the public one, as
/// `http[s]://host[:port]`; a name without scheme gets `https://`.
///
/// S3 `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, the profile's `services` section, its
/// `endpoint_url` (none of them under `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`); OSS `OSS_ENDPOINT`,
/// the profile's endpoint; COS the endpoint of `~/.cos.conf`.
#[must_use]
pub fn endpoint_url(provider: Provider, profile: Option<&str>, env: &Environment) -> Option<String> {
    let endpoint = match provider {
        Provider::S3 if env.flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") => None,
        Provider::S3 => env
            .first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
            .map(|(_, url)| url.to_owned())
            .or_else(|| of_s3_profile(profile, env)),
        Provider::Oss => {
            env.var("OSS_ENDPOINT").map(str::to_owned).or_else(|| of_oss_profile(profile, env, &["endpoint"]))
        }
        Provider::Cos if profile.is_none() => {
            cos::coscmd(env).ok().flatten().and_then(|mut section| section.remove("endpoint"))
        }
        Provider::Cos => None,
    }?;
    let endpoint = endpoint.trim_end_matches('/');
    Some(if endpoint.contains("://") { endpoint.to_owned() } else { format!("https://{endpoint}") })
}

fn of_s3_profile(profile: Option<&str>, env: &Environment) -> Option<String> {
    let files = Files::load(env, profile).ok()?;
    let mut section = files.merged(&files.profile)?;
    let services = section.get("services").and_then(|name| files.section("services", name));
    services.and_then(|s| s.get("s3.endpoint_url").cloned()).or_else(|| section.remove("endpoint_url"))
}

fn of_oss_profile(profile: Option<&str>, env: &Environment, keys: &[&str]) -> Option<String> {
    Place::ALL.iter().find_map(|place| Some(place.profile(env, profile).ok()??.get(keys)?.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn home(files: &[(&str, &str)]) -> TempDir {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        home
    }

    fn env(home: &TempDir, vars: &[(&str, &str)]) -> Environment {
        Environment::new(vars.iter().copied(), Some(home.path().to_owned()))
    }

    #[test]
    fn s3_takes_variables_before_the_profile() {
        let home = home(&[(
            ".aws/config",
            "[default]\nregion = eu-west-1\nendpoint_url = http://plain:1\n[profile minio]\nregion = here\n\
             services = local\n[services local]\ns3 =\n  endpoint_url = http://127.0.0.1:9000/\n",
        )]);
        let plain = env(&home, &[]);
        assert_eq!(region(Provider::S3, None, &plain).as_deref(), Some("eu-west-1"));
        assert_eq!(region(Provider::S3, Some("minio"), &plain).as_deref(), Some("here"));
        assert_eq!(endpoint_url(Provider::S3, None, &plain).as_deref(), Some("http://plain:1"));
        assert_eq!(
            endpoint_url(Provider::S3, Some("minio"), &plain).as_deref(),
            Some("http://127.0.0.1:9000")
        );
        assert_eq!(region(Provider::S3, Some("nobody"), &plain), None);
        let named = env(&home, &[("AWS_PROFILE", "minio")]);
        assert_eq!(region(Provider::S3, None, &named).as_deref(), Some("here"));
        let vars = [
            ("AWS_DEFAULT_REGION", "b"),
            ("AWS_REGION", "a"),
            ("AWS_ENDPOINT_URL", "http://all"),
            ("AWS_ENDPOINT_URL_S3", "https://s3"),
        ];
        assert_eq!(region(Provider::S3, Some("minio"), &env(&home, &vars)).as_deref(), Some("a"));
        assert_eq!(endpoint_url(Provider::S3, None, &env(&home, &vars)).as_deref(), Some("https://s3"));
        let ignored = env(&home, &[("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")]);
        assert_eq!(endpoint_url(Provider::S3, None, &ignored), None);
    }

    #[test]
    fn oss_takes_bare_regions_and_endpoints_without_scheme() {
        let home = home(&[
            (
                ".ossutilconfig",
                "[default]\nendpoint = oss-cn-beijing.aliyuncs.com\n[profile p]\nregion = cn-shanghai\n",
            ),
            (".aliyun/config.json", r#"{"current":"c","profiles":[{"name":"c","region_id":"cn-chengdu"}]}"#),
        ]);
        let plain = env(&home, &[]);
        assert_eq!(region(Provider::Oss, None, &plain).as_deref(), Some("cn-chengdu"));
        assert_eq!(region(Provider::Oss, Some("p"), &plain).as_deref(), Some("cn-shanghai"));
        assert_eq!(
            endpoint_url(Provider::Oss, None, &plain).as_deref(),
            Some("https://oss-cn-beijing.aliyuncs.com")
        );
        let vars = env(&home, &[("OSS_REGION", "oss-cn-hangzhou"), ("OSS_ENDPOINT", "http://127.0.0.1:1")]);
        assert_eq!(region(Provider::Oss, None, &vars).as_deref(), Some("cn-hangzhou"));
        assert_eq!(endpoint_url(Provider::Oss, None, &vars).as_deref(), Some("http://127.0.0.1:1"));
        let shared = env(&home, &[("ALIBABA_CLOUD_REGION_ID", "us-west-1")]);
        assert_eq!(region(Provider::Oss, None, &shared).as_deref(), Some("us-west-1"));
    }

    #[test]
    fn cos_takes_variables_then_coscmd_then_tccli() {
        let tccli = r#"{"_sys_param":{"region":"ap-seoul","output":"json"}}"#;
        let both = home(&[
            (".cos.conf", "[common]\nregion = ap-guangzhou\nendpoint = cos.example.com\n"),
            (".tccli/default.configure", tccli),
            (".tccli/p.configure", tccli),
        ]);
        let plain = env(&both, &[]);
        assert_eq!(region(Provider::Cos, None, &plain).as_deref(), Some("ap-guangzhou"));
        assert_eq!(region(Provider::Cos, Some("p"), &plain).as_deref(), Some("ap-seoul"));
        assert_eq!(endpoint_url(Provider::Cos, None, &plain).as_deref(), Some("https://cos.example.com"));
        assert_eq!(endpoint_url(Provider::Cos, Some("p"), &plain), None);
        let only = home(&[(".tccli/default.configure", tccli)]);
        assert_eq!(region(Provider::Cos, None, &env(&only, &[])).as_deref(), Some("ap-seoul"));
        let vars = env(&both, &[("COS_REGION", "b"), ("TENCENTCLOUD_REGION", "a")]);
        assert_eq!(region(Provider::Cos, None, &vars).as_deref(), Some("a"));
        assert_eq!(region(Provider::Cos, None, &env(&both, &[("COS_REGION", "b")])).as_deref(), Some("b"));
        assert_eq!(region(Provider::Cos, None, &Environment::default()), None);
    }
}
