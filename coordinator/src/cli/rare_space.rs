//! What the constraints of a search leave of its space, and the warning where that is next to nothing.

use coordinator_core::forecast::allowed_share;
use sweep_proto::{SamplerName, SweepSpec};

/// Random configurations that are looked at where a space cannot be counted.
const DRAWS: u32 = 20_000;

/// The share of random configurations that the constraints leave; `None` where nothing is demanded, or where all are counted.
pub(super) fn constraints_leave(spec: &SweepSpec) -> Option<f64> {
    let is_drawn = !spec.constraints.is_empty() && spec.space_size().is_none();
    is_drawn.then(|| allowed_share(spec, DRAWS))
}

/// What to know of a search whose sampler may find nothing: the same before a plan and before a launch.
pub(super) fn warning(spec: &SweepSpec, share: Option<f64>) -> Option<String> {
    let draws = |sampler| matches!(sampler, SamplerName::Random | SamplerName::Sobol | SamplerName::Tpe);
    let search = spec.search.as_ref().filter(|search| draws(search.sampler))?;
    share.filter(|share| *share <= 0.0).map(|_| {
        format!(
            "none of {DRAWS} random configurations fulfils the constraints: the sampler {} looks at many more, and the sweep is held if \
             it finds none; loosen a constraint, or narrow the ranges to where all of them hold",
            search.sampler
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(constraints: &str, sampler: &str) -> SweepSpec {
        let text = format!(
            "name = \"x\"\n[data]\ndataset = \"snippets\"\n[grid]\ndropout = {{ min = 0, max = 0.5 }}\nunits = {{ min = 1, max = 100 }}\n\
             constraints = [{constraints}]\n[search]\nsampler = \"{sampler}\"\ntrials = 9\n"
        );
        sweep_proto::sweep_file::parse("test.toml", &text).expect("a valid file")
    }

    #[test]
    fn a_search_that_may_find_nothing_is_warned_of() {
        let none = spec("\"dropout < 0.2\", \"dropout > 0.3\"", "sobol");
        let share = constraints_leave(&none);
        assert!(share.is_some_and(|share| share <= 0.0), "{share:?}");
        let told = warning(&none, share).expect("a warning");
        assert!(
            told.contains("none of 20000 random configurations") && told.contains("sampler sobol"),
            "{told}"
        );
    }

    #[test]
    fn the_share_of_others_is_told_without_a_warning() {
        assert_eq!(constraints_leave(&spec("", "random")), None);
        let half = spec("\"units <= 50\"", "random");
        let share = constraints_leave(&half);
        assert!(share.is_some_and(|share| (share - 0.5).abs() < 0.05), "{share:?}");
        assert_eq!(warning(&half, share), None);
    }
}
