//! One recurrent layer of the fused form: its directions, the shards' ways through them, and back.

use std::collections::BTreeMap;

use candle_core::Var;

use super::distinct::Distinct;
use super::pooling::Pooled;
use super::shard::Shard;
use crate::data::Batch;
use crate::error::TrainError;
use crate::kernels::fused::{Above, Inputs, Level, Recurrence, Track, Wanted, padded};
use crate::kernels::{Buffer, PackedLayout, in_two};
use crate::model::{DropoutKey, ModelShape, dropout, read};
use crate::optimizer::{Gradient, Gradients};

/// What all layers' forward passes share.
pub(super) struct Pass<'a> {
    pub(super) batch: &'a Batch,
    pub(super) shards: &'a [Shard],
    pub(super) dropout: Option<(DropoutKey, f64)>,
    pub(super) wanted: Wanted,
    /// For projected inputs, or their gradients: one buffer for each shard, used by layer after layer.
    pub(super) scratch: &'a mut [Buffer],
}

/// A layer with the buffers that its passes fill.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    place: usize,
    pub(super) directions: Vec<Direction>,
    /// Factors of dropout for its inputs `[positions of the batch, width]`; empty without.
    mask: Vec<f32>,
    /// Inputs after dropout, by source and shard, `[positions, units]`.
    dropped: Vec<Vec<Buffer>>,
}

/// One direction of a layer.
#[derive(Clone, Debug)]
pub(super) struct Direction {
    suffix: String,
    recurrence: Recurrence,
    /// By shard.
    tracks: Vec<Track>,
    /// Gradients of states from the layer above, by shard.
    above: Vec<Buffer>,
    pub(super) pooled: Vec<Pooled>,
}

impl Direction {
    fn name(&self, what: &str) -> String {
        format!("rnn.{what}_{}", self.suffix)
    }

    /// States of a shard.
    pub(super) fn states(&self, shard: usize) -> &[f32] {
        self.tracks[shard].states()
    }
}

impl Layer {
    pub(super) fn new(shape: &ModelShape, level: Level, place: usize) -> Self {
        let source =
            if place == 0 { (shape.embedding, shape.embedding) } else { (shape.units, padded(shape.units)) };
        let direction = |(at, suffix): (usize, &&str)| Direction {
            suffix: format!("l{place}{suffix}"),
            recurrence: Recurrence::new(shape.cell, level, shape.units, at == 1, source),
            tracks: Vec::new(),
            above: Vec::new(),
            pooled: Vec::new(),
        };
        let directions = shape.directions().iter().enumerate().map(direction).collect();
        Self { place, directions, mask: Vec::new(), dropped: Vec::new() }
    }

    /// Takes the parameters over, and makes room for the shards.
    pub(super) fn prepare(
        &mut self,
        parameters: &BTreeMap<String, Var>,
        shards: usize,
        train: bool,
    ) -> Result<(), TrainError> {
        for direction in &mut self.directions {
            let names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map(|what| direction.name(what));
            read(parameters, &names, |[input, recurrent, input_bias, bias]| {
                direction.recurrence.pack(input, recurrent, [input_bias, bias], train);
            })?;
            direction.tracks.resize(shards, Track::default());
            direction.pooled.resize(shards, Pooled::default());
            direction.above.resize(shards, Buffer::default());
        }
        Ok(())
    }

    /// The first layer: reads the embedded distinct tokens `[distinct tokens, embedding]`.
    pub(super) fn run_first(&mut self, embedded: &[f32], distinct: &Distinct, pass: &mut Pass<'_>) {
        for Direction { recurrence, tracks, .. } in &mut self.directions {
            let projected = &mut pass.scratch[0];
            projected.fit(distinct.tokens().len() * recurrence.projected_width());
            recurrence.project(projected, embedded, 0, false);
            let inputs = pass.shards.iter().zip(&distinct.rows).map(|(shard, rows)| Inputs {
                layout: &shard.layout,
                projected,
                projected_rows: rows,
            });
            recurrence.run(&inputs.collect::<Vec<_>>(), tracks, pass.wanted);
        }
    }

    /// A later layer: reads the states of the layer below.
    pub(super) fn run(&mut self, below: &Self, pass: &mut Pass<'_>) {
        self.drop_inputs(below, pass);
        let positions = pass.batch.layout.positions() as u32;
        let in_place: Vec<u32> = (0..positions).collect();
        for at in 0..self.directions.len() {
            for (place, (shard, projected)) in pass.shards.iter().zip(&mut *pass.scratch).enumerate() {
                let recurrence = &self.directions[at].recurrence;
                projected.fit(shard.layout.positions() * recurrence.projected_width());
                for source in 0..below.directions.len() {
                    let x = self.input(below, source, place);
                    recurrence.project(projected, x, source, source > 0);
                }
            }
            let Direction { recurrence, tracks, .. } = &mut self.directions[at];
            let inputs = pass.shards.iter().zip(&*pass.scratch).map(|(shard, projected)| Inputs {
                layout: &shard.layout,
                projected,
                projected_rows: &in_place,
            });
            recurrence.run(&inputs.collect::<Vec<_>>(), tracks, pass.wanted);
        }
    }

    /// What a later layer reads from one direction below, `[positions, units]`.
    fn input<'a>(&'a self, below: &'a Self, source: usize, shard: usize) -> &'a [f32] {
        if self.mask.is_empty() {
            below.directions[source].states(shard)
        } else {
            &self.dropped[source][shard]
        }
    }

    fn drop_inputs(&mut self, below: &Self, pass: &Pass<'_>) {
        self.mask.clear();
        let Some((key, share)) = pass.dropout else { return };
        let count = pass.batch.layout.positions() * MaskPlace::of(below, 0).width;
        self.mask = key.layer_mask(self.place, share, count);
        self.dropped.resize(below.directions.len(), Vec::new());
        for (source, dropped) in self.dropped.iter_mut().enumerate() {
            dropped.resize(pass.shards.len(), Buffer::default());
            for (shard, dropped) in dropped.iter_mut().enumerate() {
                dropped.copy_from(below.directions[source].states(shard));
                let place = MaskPlace::of(below, source);
                place.apply(&self.mask, dropped, &pass.shards[shard], &pass.batch.layout);
            }
        }
    }

    /// Back through the last layer, from the pooled gradients `[rows, units]` of each direction and shard.
    pub(super) fn back_from(&mut self, shape: &ModelShape, pooled: &[Vec<Vec<f32>>], shards: &[Shard]) {
        let layouts = layouts(shards);
        for (direction, gradients) in self.directions.iter_mut().zip(pooled) {
            let Direction { recurrence, tracks, pooled, .. } = direction;
            let above = pooled.iter_mut().zip(gradients).zip(&layouts).map(|((pooled, gradient), layout)| {
                pooled.back(shape.pooling, gradient, layout, recurrence.padded_units())
            });
            recurrence.run_back(&layouts, &above.collect::<Vec<_>>(), tracks);
        }
    }

    /// Back through a layer that others read.
    pub(super) fn back(&mut self, shards: &[Shard]) {
        let layouts = layouts(shards);
        for Direction { recurrence, tracks, above, .. } in &mut self.directions {
            let above: Vec<_> = above.iter().map(|every| Above::Every(every)).collect();
            recurrence.run_back(&layouts, &above, tracks);
        }
    }

    /// The gradients of a later layer's parameters, and of the states below.
    pub(super) fn gradients(
        &mut self,
        below: &mut Self,
        batch: &Batch,
        shards: &[Shard],
        scratch: &mut [Buffer],
        gradients: &mut Gradients,
    ) {
        for at in 0..self.directions.len() {
            let Direction { recurrence, tracks, .. } = &self.directions[at];
            let projected: Vec<_> = tracks
                .iter()
                .zip(&mut *scratch)
                .map(|(track, copy)| recurrence.projected_gradient(track, copy))
                .collect();
            let mut sum = vec![0.0; recurrence.input_size()];
            for source in 0..below.directions.len() {
                let mut pairs = Vec::with_capacity(shards.len());
                for (shard, gradient) in projected.iter().enumerate() {
                    pairs.push((self.input(below, source, shard), *gradient));
                }
                recurrence.input_gradient(&mut sum, &pairs, source);
            }
            for (source, below) in below.directions.iter_mut().enumerate() {
                let units = below.recurrence.padded_units();
                for ((above, gradient), shard) in below.above.iter_mut().zip(&projected).zip(shards) {
                    above.fit(shard.layout.positions() * units);
                    recurrence.project_back(above, gradient, source, at > 0);
                }
            }
            self.directions[at].add_to(gradients, &sum);
        }
        if self.mask.is_empty() {
            return;
        }
        for source in 0..below.directions.len() {
            let place = MaskPlace::of(below, source);
            for (above, shard) in below.directions[source].above.iter_mut().zip(shards) {
                place.apply(&self.mask, above, shard, &batch.layout);
            }
        }
    }

    /// The gradients of the first layer's parameters and of the embedding.
    pub(super) fn first_gradients(
        &mut self,
        embedded: &[f32],
        distinct: &Distinct,
        scratch: &mut [Buffer],
        gradients: &mut Gradients,
    ) {
        let mut embedding = vec![0.0; embedded.len()];
        for (at, direction) in self.directions.iter_mut().enumerate() {
            let Direction { recurrence, tracks, .. } = &mut *direction;
            let gradient = &mut scratch[0];
            let width = recurrence.projected_width();
            gradient.fit(distinct.tokens().len() * width);
            recurrence.sum_projected_gradients(gradient, tracks, |token| distinct.places(token));
            let mut sum = vec![0.0; recurrence.input_size()];
            recurrence.input_gradient(&mut sum, &[(embedded, gradient)], 0);
            recurrence.project_back(&mut embedding, gradient, 0, at > 0);
            direction.add_to(gradients, &sum);
        }
        let rows = distinct.tokens().to_vec();
        gradients.insert("embedding.weight".to_owned(), Gradient::Rows { rows, values: embedding });
    }
}

impl Direction {
    /// Adds the gradients of all parameters; those of the input weights come in the kernels' order.
    fn add_to(&self, gradients: &mut Gradients, input: &[f32]) {
        let Self { recurrence, tracks, .. } = self;
        let recurrent = recurrence.recurrent_gradient(tracks);
        let (input, recurrent) =
            in_two(|| recurrence.unpack_input(input), || recurrence.unpack_recurrent(&recurrent));
        let (input_bias, bias) = recurrence.bias_gradients(tracks);
        for (what, values) in
            [("weight_ih", input), ("weight_hh", recurrent), ("bias_ih", input_bias), ("bias_hh", bias)]
        {
            gradients.insert(self.name(what), Gradient::Dense(values));
        }
    }
}

fn layouts(shards: &[Shard]) -> Vec<&PackedLayout> {
    shards.iter().map(|shard| &shard.layout).collect()
}

/// The part of a mask `[positions of the batch, width]` that belongs to one direction.
struct MaskPlace {
    first: usize,
    units: usize,
    width: usize,
}

impl MaskPlace {
    /// That of one direction of the layer below.
    fn of(below: &Layer, source: usize) -> Self {
        let units = below.directions[0].recurrence.model_units();
        Self { first: source * units, units, width: units * below.directions.len() }
    }

    /// Multiplies a shard's values `[positions, units padded]`.
    fn apply(&self, mask: &[f32], values: &mut [f32], shard: &Shard, batch: &PackedLayout) {
        for (values, position) in
            values.chunks_exact_mut(padded(self.units)).zip(shard.batch_positions(batch))
        {
            let factors = &mask[position * self.width + self.first..][..self.units];
            dropout::apply(factors, values);
        }
    }
}
