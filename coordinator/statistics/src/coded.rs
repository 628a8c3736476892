//! Trials as methods for any grid see them: a score, and the place of each level on its axis.

/// Trials whose levels stand on the axes.
pub struct CodedTrials {
    /// Scores, by trial.
    pub scores: Vec<f64>,
    /// `levels[axis][trial]`: the level's place among the axis' levels, from the smallest.
    pub levels: Vec<Vec<usize>>,
    /// Levels of each axis.
    pub counts: Vec<usize>,
}
