//! `sweep report`: fetches the consolidated report of a sweep.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use coordinator_report::Language;
use sweep_proto::wire::{CompareRequest, DevicePrice, ReportRequest};

use super::client::{self, Client};
use super::exit::Failure;
use super::report_folder::{self, Overwrite};
use super::{Context, files, refresh};

const EXAMPLES: &str = "\
One self-contained HTML file that opens from disk, and the same numbers as Markdown, CSV, Parquet and \
JSON. Of a sweep that still runs, the report so far; with --watch it is rewritten whenever something \
changed, until the sweep ends. An earlier report of the same sweep is replaced, nothing else without --force.

Examples:
  sweep report paper-imdb
  sweep report 3 -o results/imdb
  sweep report 3 --watch
  sweep report 3 --language ko
  sweep report --compare lstm gru -o comparison
  sweep report 3 --json | jq .files
  sweep report 3 --price-per-device-hour 0.40 --price H100=2.49";

/// The file of a comparison that programs read.
const COMPARISON: &str = "comparison.json";

#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Number of the sweep, or its name (the newest of that name).
    #[arg(value_name = "ID", required_unless_present = "compare")]
    sweep: Option<String>,
    /// The folder to write to; by default report/ and the sweep's name.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// What an hour of a device costs: the report then tells what the sweep cost.
    #[arg(long, value_name = "MONEY", allow_negative_numbers = true, value_parser = parse_money)]
    price_per_device_hour: Option<f64>,
    /// The same for devices whose model name holds DEVICE; may be repeated.
    #[arg(long = "price", value_name = "DEVICE=MONEY", value_parser = parse_price)]
    prices: Vec<DevicePrice>,
    /// Two sweeps side by side instead of one: what differs in settings, best configurations and losses.
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with_all = ["sweep", "watch", "price_per_device_hour", "prices"])]
    compare: Vec<String>,
    /// The language that people read the report in; tables and JSON are the same in each.
    #[arg(long, value_name = "LANGUAGE", default_value = Language::default().tag(), value_parser = languages())]
    language: Language,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Leave texts of the dataset out of the report: the hardest test examples are listed by row.
    #[arg(long)]
    no_texts: bool,
    /// Rewrite the report whenever something changed, until the sweep ends.
    #[arg(long)]
    watch: bool,
}

/// The tags of the languages of reports.
pub(super) fn languages() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(Language::ALL.map(|one| PossibleValue::new(one.tag()).help(one.name())))
        .try_map(|tag| tag.parse::<Language>())
}

pub(super) fn parse_money(text: &str) -> Result<f64, String> {
    let money = text.trim().parse().ok().filter(|money: &f64| money.is_finite() && *money >= 0.0);
    money.ok_or_else(|| format!("`{text}` is not a price: write a number such as 2.49"))
}

pub(super) fn parse_price(text: &str) -> Result<DevicePrice, String> {
    let parts = text.rsplit_once('=').filter(|(device, _)| !device.trim().is_empty());
    let (device, money) =
        parts.ok_or_else(|| format!("`{text}` is not the price of a device: write H100=2.49"))?;
    Ok(DevicePrice { device: device.trim().to_owned(), per_device_hour: parse_money(money)? })
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<(), Failure> {
    // A watched report changes only while a coordinator runs.
    let mut client =
        if arguments.watch { context.connect().await? } else { context.connect_or_start().await? };
    let mut prices = arguments.prices;
    let for_all = |per_device_hour| DevicePrice { device: String::new(), per_device_hour };
    prices.extend(arguments.price_per_device_hour.map(for_all));
    let language = arguments.language.tag().to_owned();
    let (sweep, without_texts) = (arguments.sweep.unwrap_or_default(), arguments.no_texts);
    let request = ReportRequest { sweep, prices, language, without_texts };
    if arguments.watch {
        return refresh::until_the_end(&mut client, request, arguments.output, arguments.overwrite, context)
            .await;
    }
    let directory = if let [first, second] = arguments.compare.as_slice() {
        let own = report_folder::default(&format!("{first}-{second}"));
        let directory = arguments.output.unwrap_or_else(|| own.clone());
        // A folder that is named by the two holds what was written of them before.
        let is_own = |folder: &Path| folder == own && folder.join(COMPARISON).is_file();
        report_folder::check_free(&directory, arguments.overwrite, is_own)?;
        directory
    } else {
        let sweep = client::get(&mut client, Some(&request.sweep)).await?;
        report_folder::for_sweep(arguments.output, (&sweep.name, sweep.id), arguments.overwrite)?
    };
    let names = if let [first, second] = arguments.compare.as_slice() {
        let request =
            CompareRequest { first: first.clone(), second: second.clone(), language: request.language };
        files::receive(client.compare(request).await?.into_inner(), &directory).await?
    } else {
        fetch(&mut client, request, &directory).await?
    };
    if context.output.json {
        let directory = directory.display().to_string();
        return context.output.json(&serde_json::json!({ "directory": directory, "files": names }));
    }
    let page = files::main_page(&directory, &names);
    context.output.text(&format!(
        "wrote {} ({} files beside it)",
        page.display(),
        names.len().saturating_sub(1)
    ))
}

/// Fetches the report of a sweep into a folder and returns its file names. A broken connection leaves an older report whole.
pub(crate) async fn fetch(
    client: &mut Client,
    request: ReportRequest,
    directory: &Path,
) -> Result<Vec<String>, Failure> {
    let parts = client.report(request).await?.into_inner();
    let earlier = report_folder::earlier(directory);
    let names = files::replace(parts, directory).await?;
    report_folder::tell_replaced(earlier.as_ref(), directory);
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_names_a_device_and_a_number() {
        let price = |device: &str, per_device_hour| DevicePrice { device: device.into(), per_device_hour };
        assert_eq!(parse_price("H100=2.49"), Ok(price("H100", 2.49)));
        assert_eq!(parse_price("a=b = 1"), Ok(price("a=b", 1.0)));
        for wrong in ["2.49", "=2.49", "H100=", "H100=-1", "H100=NaN", "H100=inf"] {
            assert!(parse_price(wrong).is_err(), "{wrong}");
        }
    }
}
