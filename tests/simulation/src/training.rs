//! What scripted training computes: numbers that follow from the trial alone, epoch by epoch.
//!
//! Each epoch's state is the digest of the state before, so a lineage that goes on from a wrong checkpoint, or skips
//! or repeats an epoch, gives other numbers.

use sweep_proto::{ArtifactRef, Digest, EpochMetric, StepMetric, TestMetric, TrialResult, TrialSpec};

/// Step metrics of one epoch.
pub const STEPS_PER_EPOCH: u64 = 3;

/// Where training stands after an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    key: String,
    /// Epochs trained.
    pub epoch: u32,
    digest: Digest,
}

impl State {
    /// Before the first epoch.
    pub fn fresh(spec: &TrialSpec) -> Self {
        let key = spec.key().to_string();
        let digest = Digest::of(key.as_bytes());
        Self { key, epoch: 0, digest }
    }

    /// After so many epochs.
    pub fn after(spec: &TrialSpec, epochs: u32) -> Self {
        let mut state = Self::fresh(spec);
        for _ in 0..epochs {
            state.advance();
        }
        state
    }

    /// Trains one epoch.
    pub fn advance(&mut self) {
        self.epoch += 1;
        self.digest = Digest::of(format!("{} {}", self.digest, self.epoch).as_bytes());
    }

    /// The checkpoint's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        format!("{} {} {}", self.key, self.epoch, self.digest).into_bytes()
    }

    /// A checkpoint's state; `None` where the bytes are not one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(bytes).ok()?.split(' ');
        let key = words.next()?.to_owned();
        let epoch = words.next()?.parse().ok()?;
        Some(Self { key, epoch, digest: words.next()?.parse().ok()? })
    }

    /// Whether this is a state of that trial.
    pub fn is_of(&self, spec: &TrialSpec) -> bool {
        self.key == spec.key().to_string()
    }

    /// The best weights, were this the best epoch.
    pub fn model(&self) -> Vec<u8> {
        format!("model {} {} {}", self.key, self.epoch, self.digest).into_bytes()
    }

    /// What this epoch measured.
    pub fn metric(&self) -> EpochMetric {
        let loss = self.draw("loss");
        EpochMetric {
            epoch: self.epoch,
            train_loss: loss / 2.0,
            train_accuracy: 1.0 - loss / 2.0,
            validation_loss: loss,
            validation_accuracy: 1.0 - loss,
            validation_macro_f1: self.draw("macro F1"),
            seconds: 1.5,
            examples_per_second: 100.0,
            peak_memory_bytes: 1 << 20,
            energy_joules: None,
        }
    }

    /// The points inside this epoch, of an attempt that began after `first - 1` epochs.
    pub fn steps(&self, first: u32) -> Vec<StepMetric> {
        let before = u64::from(self.epoch - first) * STEPS_PER_EPOCH;
        let point = |index| StepMetric {
            sequence: before + index,
            epoch: self.epoch,
            step: u64::from(self.epoch - 1) * STEPS_PER_EPOCH + index,
            loss: self.draw(&format!("step {index}")),
            examples_per_second: 100.0,
        };
        (0..STEPS_PER_EPOCH).map(point).collect()
    }

    fn draw(&self, purpose: &str) -> f64 {
        fraction(Digest::of(format!("{} {purpose}", self.digest).as_bytes()))
    }
}

/// A number in [0, 1).
fn fraction(digest: Digest) -> f64 {
    let bytes = digest.as_bytes();
    f64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])) / 4_294_967_296.0
}

fn draw(spec: &TrialSpec, purpose: &str) -> f64 {
    fraction(Digest::of(format!("{} {purpose}", spec.key()).as_bytes()))
}

/// The epoch in which a trial diverges, where it does.
pub fn diverges_in(spec: &TrialSpec) -> Option<u32> {
    (draw(spec, "diverges") < 0.05).then_some(2)
}

/// How many epochs a trial trains: fewer than planned where its patience runs out.
pub fn epochs(spec: &TrialSpec) -> u32 {
    let (planned, patience) = (spec.configuration.epochs() as u32, spec.configuration.patience() as u32);
    let mut state = State::fresh(spec);
    let (mut lowest, mut best_epoch) = (f64::INFINITY, 0);
    while state.epoch < planned && (patience == 0 || state.epoch - best_epoch < patience) {
        state.advance();
        let loss = state.metric().validation_loss;
        if loss < lowest {
            (lowest, best_epoch) = (loss, state.epoch);
        }
    }
    state.epoch
}

/// The state of the best epoch.
pub fn best(spec: &TrialSpec) -> State {
    let mut state = State::fresh(spec);
    let mut best: Option<State> = None;
    for _ in 0..epochs(spec) {
        state.advance();
        let is_better = |best: &State| state.metric().validation_loss < best.metric().validation_loss;
        if best.as_ref().is_none_or(is_better) {
            best = Some(state.clone());
        }
    }
    best.unwrap_or(state)
}

/// What a trial that was trained to its end must have left behind.
pub fn result(spec: &TrialSpec) -> TrialResult {
    let (best, epochs) = (best(spec), epochs(spec));
    let (metric, model) = (best.metric(), best.model());
    TrialResult {
        best_epoch: best.epoch,
        epochs,
        early_stopped: u64::from(epochs) < spec.configuration.epochs(),
        score: metric.validation_loss,
        accuracy: metric.validation_accuracy,
        parameters: 1_000,
        model: ArtifactRef { digest: Digest::of(&model), bytes: model.len() as u64 },
    }
}

/// What the test split gives.
pub fn test(spec: &TrialSpec) -> TestMetric {
    let loss = draw(spec, "test");
    TestMetric {
        loss,
        accuracy: 1.0 - loss,
        macro_f1: 1.0 - loss,
        confusion: vec![vec![5, 0], vec![1, 4]],
        calibration: Vec::new(),
        hardest: Vec::new(),
        more: std::collections::BTreeMap::new(),
    }
}
