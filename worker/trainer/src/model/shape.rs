//! What a model consists of: the names, shapes and initial values of its parameters.

use sweep_proto::encoded::EncodedHeader;
use sweep_proto::{Configuration, model_size};

use crate::error::TrainError;
use crate::kernels::Cell;
use crate::model::initial::Initial;
use crate::model::pooling::Pooling;

/// Most trained numbers of one model: 16 GiB of weights.
const PARAMETERS_MAX: u64 = 1 << 32;

/// The architecture of one configuration over one vocabulary and set of classes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelShape {
    pub(crate) cell: Cell,
    pub(crate) pooling: Pooling,
    pub(crate) vocabulary: usize,
    pub(crate) embedding: usize,
    pub(crate) units: usize,
    pub(crate) layers: usize,
    pub(crate) bidirectional: bool,
    pub(crate) classes: usize,
    pub(crate) dropout: f64,
}

/// One parameter: PyTorch's name, its shape, and where its values start.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ParameterShape {
    pub(crate) name: String,
    /// One or two sizes.
    pub(crate) dimensions: Vec<usize>,
    pub(crate) initial: Initial,
}

impl ParameterShape {
    pub(crate) fn elements(&self) -> usize {
        self.dimensions.iter().product()
    }
}

impl ModelShape {
    /// The architecture that a configuration asks for.
    pub(crate) fn new(configuration: &Configuration, header: &EncodedHeader) -> Result<Self, TrainError> {
        Self::of_sizes(configuration, header.vocabulary as usize, header.classes.len())
    }

    /// The same, without a dataset.
    pub(crate) fn of_sizes(
        configuration: &Configuration,
        vocabulary: usize,
        classes: usize,
    ) -> Result<Self, TrainError> {
        let unknown = |what: &str| TrainError::Rejected(format!("this build of the trainer knows no {what}"));
        let (cell, pooling) = (configuration.cell(), configuration.pooling());
        if classes < 2 {
            return Err(TrainError::Rejected(format!(
                "a classifier needs at least 2 classes, not {classes}"
            )));
        }
        let parameters = model_size::parameters(configuration, vocabulary as u64, classes as u64);
        if parameters > PARAMETERS_MAX {
            return Err(TrainError::Rejected(format!(
                "the model would have {parameters} parameters; {PARAMETERS_MAX} is the most"
            )));
        }
        Ok(Self {
            cell: Cell::from_word(cell).ok_or_else(|| unknown(&format!("cell \"{cell}\"")))?,
            pooling: Pooling::from_word(pooling).ok_or_else(|| unknown(&format!("pooling \"{pooling}\"")))?,
            vocabulary,
            embedding: configuration.embedding() as usize,
            units: configuration.units() as usize,
            layers: configuration.layers() as usize,
            bidirectional: configuration.bidirectional(),
            classes,
            dropout: configuration.dropout(),
        })
    }

    /// Outputs of the last layer: one logit for two classes, else one per class.
    pub(crate) fn outputs(&self) -> usize {
        model_size::outputs(self.classes as u64) as usize
    }

    /// Numbers in a state: units of all directions.
    pub(crate) fn width(&self) -> usize {
        self.units * if self.bidirectional { 2 } else { 1 }
    }

    /// The suffix of parameter names of each direction.
    pub(crate) fn directions(&self) -> &'static [&'static str] {
        if self.bidirectional { &["", "_reverse"] } else { &[""] }
    }

    /// Trained numbers in all.
    pub(crate) fn parameter_count(&self) -> u64 {
        self.parameters().iter().map(|one| one.elements() as u64).sum()
    }

    /// Every parameter, in name order.
    pub(crate) fn parameters(&self) -> Vec<ParameterShape> {
        let mut all = Vec::new();
        let mut add = |name: String, dimensions: &[usize], initial| {
            all.push(ParameterShape { name, dimensions: dimensions.to_vec(), initial });
        };
        add("embedding.weight".into(), &[self.vocabulary, self.embedding], Initial::EMBEDDING);
        let wide = self.cell.gates() * self.units;
        for layer in 0..self.layers {
            let inputs = if layer == 0 { self.embedding } else { self.width() };
            for direction in self.directions() {
                let name = |what: &str| format!("rnn.{what}_l{layer}{direction}");
                let initial = Initial::input(self.cell, inputs, self.units);
                add(name("weight_ih"), &[wide, inputs], initial);
                add(name("weight_hh"), &[wide, self.units], Initial::recurrent(self.units));
                add(name("bias_ih"), &[wide], Initial::bias(self.cell, self.units));
                add(name("bias_hh"), &[wide], Initial::ZERO);
            }
        }
        let initial = Initial::output(self.width(), self.outputs());
        add("output.weight".into(), &[self.outputs(), self.width()], initial);
        add("output.bias".into(), &[self.outputs()], Initial::ZERO);
        all.sort_by(|left, right| left.name.cmp(&right.name));
        all
    }
}
