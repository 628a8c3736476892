//! `--search`: how a sweep is searched whose file does not say it.

use clap::Args;
use sweep_proto::SamplerName;

use super::exit::Failure;
use super::sweep_file::SweepFile;

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct SearchChoice {
    /// Search the space of the file instead of training all of it: a model of all scores chooses each trial, and stops when it is sure.
    #[arg(long, value_name = "auto", value_parser = steered)]
    search: Option<SamplerName>,
}

fn steered(text: &str) -> Result<SamplerName, String> {
    let auto = SamplerName::Auto;
    if text == auto.name() {
        return Ok(auto);
    }
    Err(format!(
        "it must be {auto}; other samplers need a budget, which stands in the sweep file under [search]"
    ))
}

impl SearchChoice {
    /// The file as it is run: with the section that says how it is searched.
    ///
    /// # Errors
    /// Exit code 2 where the file says that itself.
    pub(crate) fn applied(self, file: SweepFile) -> Result<SweepFile, Failure> {
        let Some(sampler) = self.search else { return Ok(file) };
        if file.text.lines().any(says_search) {
            let problem = format!("{} says itself how it is searched, so --search cannot say it", file.name);
            return Err(Failure::usage(problem).hint(format!(
                "write sampler = \"{sampler}\" under [search] in the file, or leave --search out"
            )));
        }
        let text = format!("{}\n\n[search]\nsampler = \"{sampler}\"\n", file.text.trim_end());
        Ok(SweepFile { text, ..file })
    }
}

/// Whether a line of a sweep file begins the section of the search, or stands in its place.
fn says_search(line: &str) -> bool {
    let line = line.trim_start();
    let rest = line.strip_prefix('[').map_or(line, str::trim_start).strip_prefix("search");
    rest.is_some_and(|rest| rest.trim_start().starts_with([']', '=', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(text: &str) -> Result<SweepFile, Failure> {
        let file = SweepFile { name: "x.toml".into(), text: text.into(), directory: "/".into() };
        SearchChoice { search: Some(SamplerName::Auto) }.applied(file)
    }

    #[test]
    fn the_quickstart_is_searched() {
        let spec =
            applied(&SweepFile::quickstart().text).expect("it says nothing").parse().expect("a sweep file");
        assert!(spec.search.is_some_and(|search| search.is_steered()));
    }

    #[test]
    fn what_a_file_says_is_not_replaced() {
        for says in ["[search]\ntrials = 3", "  [ search ]", "search = \"tpe\"", "search.trials = 3"] {
            let failure = applied(says).expect_err("it says so itself");
            assert!(failure.message.contains("x.toml says itself how it is searched"), "{}", failure.message);
        }
        assert!(!says_search("# [search]") && !says_search("searched = 3") && !says_search("[grid]"));
    }
}
