//! The first configurations, before anything is known: far from each other, and from what people start with not too far.

use sweep_proto::random::Stream;

use crate::auto::candidates::Candidates;

/// An endless design: each next point is the one that is farthest from all before it.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// Distance of each candidate to the nearest point so far.
    apart: Vec<f64>,
    /// Between equal ones: drawn once.
    ties: Vec<f64>,
    handed_out: usize,
}

/// How much farther a point has to be from the others to be chosen one axis farther from where people start.
const CAUTION: f64 = 0.5;

/// Ties are broken by less than this part of an axis.
const TIE: f64 = 1e-6;

impl Start {
    pub(crate) fn new(candidates: &Candidates, seed: u64) -> Self {
        let mut random = Stream::new(seed, "auto start", 0);
        let ties = (0..candidates.len()).map(|_| TIE * random.inside()).collect();
        Self { apart: vec![f64::INFINITY; candidates.len()], ties, handed_out: 0 }
    }

    /// How many points there were.
    pub(crate) fn handed_out(&self) -> usize {
        self.handed_out
    }

    /// The next point.
    pub(crate) fn next(&mut self, candidates: &Candidates) -> usize {
        let worth = |at: usize| {
            let apart = if self.handed_out == 0 { 0.0 } else { self.apart[at] };
            apart - CAUTION * candidates.unusual(at) + self.ties[at]
        };
        let mut next = 0;
        for at in 1..candidates.len() {
            if worth(at) > worth(next) {
                next = at;
            }
        }
        self.handed_out += 1;
        for (at, apart) in self.apart.iter_mut().enumerate() {
            *apart = apart.min(candidates.distance(at, next));
        }
        next
    }
}
