//! `init [FILE]`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// `init [FILE]`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Job file to write, `-` for stdout; with --demo, the folder to make
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// Bucket or prefix: oss://bucket/prefix, cos://bucket-appid/prefix, s3://bucket/prefix
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Answers")]
    pub url: Option<String>,
    /// Region of the bucket
    #[arg(long, value_name = "REGION", help_heading = "Answers")]
    pub region: Option<String>,
    /// Address of a store that is not the vendor's own
    #[arg(short, long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Answers")]
    pub endpoint_url: Option<String>,
    /// Only audit: a row for each object, nothing restored
    #[arg(long, conflicts_with_all = ["days", "tier", "rate_limit", "daily_bytes"], help_heading = "Answers")]
    pub audit: bool,
    /// Days the copies stay readable
    #[arg(short, long, value_name = "N", help_heading = "Answers")]
    pub days: Option<String>,
    /// Expedited, Standard or Bulk
    #[arg(short, long, value_name = "TIER", help_heading = "Answers")]
    pub tier: Option<String>,
    /// Storage classes, parted by commas; `archived` for all that need a restore, `any` for all
    #[arg(long, value_name = "CLASS", help_heading = "Answers")]
    pub storage_class: Option<String>,
    /// Restore requests a second at most
    #[arg(long, value_name = "N", help_heading = "Answers")]
    pub rate_limit: Option<String>,
    /// Most bytes to ask for in a day, such as 2TiB; `none` for no bound
    #[arg(long, value_name = "SIZE", help_heading = "Answers")]
    pub daily_bytes: Option<String>,
    /// The report; {date}, {time} and {job} are filled in
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Answers")]
    pub report: Option<String>,
    /// When it runs every night: for the crontab line that is shown
    #[arg(long, value_name = "HH:MM", help_heading = "Answers")]
    pub at: Option<String>,
    /// Ask nothing: what no flag answers is answered by its default
    #[arg(short, long)]
    pub yes: bool,
    /// Write over a file that is there
    #[arg(long)]
    pub force: bool,
    /// Write the demo instead: a campaign over 20,000 objects in a store that comes along
    #[arg(long, conflicts_with_all = [
        "url", "region", "endpoint_url", "audit", "days", "tier", "storage_class", "rate_limit", "daily_bytes", "report",
        "at",
    ])]
    pub demo: bool,
}
