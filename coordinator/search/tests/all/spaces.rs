//! The unit cube and the configurations that it stands for.

use coordinator_search::Space;
use proptest::prelude::*;
use sweep_proto::Hyperparameter::{Dropout, Layers, LearningRate, Units};
use sweep_proto::Value;

use crate::support::{deep, endless, finite, integers, is_of, levels, reals, spec};

#[test]
fn equal_parts_of_an_axis_stand_for_equal_shares() {
    let space = Space::of(&spec(vec![levels(Units, &[8, 16, 32, 64])], &[]));
    let at = |unit| space.configuration(&[unit]).unwrap().units();
    assert_eq!([0.0, 0.249, 0.25, 0.74, 0.75, 1.0].map(at), [8, 8, 16, 32, 64, 64]);
    let space = Space::of(&spec(vec![integers(Units, 10, 19, false, None)], &[]));
    let at = |unit| space.configuration(&[unit]).unwrap().units();
    assert_eq!([0.0, 0.099, 0.11, 0.999, 1.0].map(at), [10, 10, 11, 19, 19]);
}

#[test]
fn a_logarithmic_range_gives_each_decade_its_share_and_short_numbers() {
    let space = Space::of(&spec(vec![reals(LearningRate, 1e-4, 1e-2, true, None)], &[]));
    let at = |unit| space.configuration(&[unit]).unwrap().learning_rate();
    assert_eq!([0.0, 0.25, 0.5, 1.0].map(at), [1e-4, 0.000_316_228, 1e-3, 1e-2]);
    let space = Space::of(&spec(vec![integers(Units, 1, 1000, true, None)], &[]));
    let at = |unit| space.configuration(&[unit]).unwrap().units();
    assert_eq!([0.0, 0.5, 1.0].map(at), [1, 22, 1000]);
}

#[test]
fn what_is_inactive_is_fixed_and_what_is_forbidden_is_nothing() {
    let axes = vec![deep(reals(Dropout, 0.2, 0.4, false, None)), levels(Layers, &[1, 2])];
    let spec = spec(axes, &["dropout <= 0.3"]);
    let space = Space::of(&spec);
    let fixed = space.configuration(&[0.9, 0.0]).unwrap();
    assert_eq!(fixed.get(Dropout), spec.fixed.get(Dropout), "one layer has no dropout of its own");
    assert_eq!(space.configuration(&[0.1, 0.0]), Some(fixed));
    let deep = space.configuration(&[0.25, 0.9]).unwrap();
    assert_eq!((deep.layers(), deep.get(Dropout)), (2, Value::Real(0.25)));
    assert_eq!(space.configuration(&[0.9, 0.9]), None, "the constraint forbids it");
    let outside = deep.with(Dropout, Value::Real(0.35)).unwrap();
    assert!(!spec.allows(&outside));
}

proptest! {
    /// Whatever stands at a point is of the space, and its coordinates lead back to it.
    #[test]
    fn coordinates_lead_back(point in prop::collection::vec(0.0..1.0_f64, 4)) {
        for space in [finite(), endless()] {
            if let Some(configuration) = space.configuration(&point[..space.axes().len()]) {
                prop_assert!(is_of(&space, &configuration));
                let back = space.configuration(&space.coordinates(&configuration));
                prop_assert_eq!(back, Some(configuration));
            }
        }
    }
}
