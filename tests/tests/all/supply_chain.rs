//! The rules of `deny.toml` over cargo's metadata: licences, sources, banned crates.
#![allow(clippy::expect_used, clippy::panic, reason = "a test's helpers fail the test")]

use serde::Deserialize;
use spdx::Expression;
use sweep_tests::metadata;

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    name: String,
    reason: String,
}

fn rules() -> Deny {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deny.toml")).expect("deny.toml");
    toml::from_str(&text).expect("the rules")
}

#[test]
fn every_licence_is_accepted() {
    let rules = rules();
    for package in metadata::workspace().expect("metadata").packages {
        let text = package.license.clone().unwrap_or_else(|| panic!("{} states no licence", package.name));
        let expression = Expression::parse_mode(&text, spdx::ParseMode::LAX)
            .unwrap_or_else(|error| panic!("{}: {error}", package.name));
        let accepted = expression.evaluate(|wanted| rules.licenses.allow.contains(&wanted.to_string()));
        assert!(accepted, "{} has the licence {text}, which deny.toml does not allow", package.name);
    }
}

#[test]
fn everything_comes_from_the_registry_or_from_here() {
    for package in metadata::workspace().expect("metadata").packages {
        let fine = package.source.as_ref().is_none_or(cargo_metadata::Source::is_crates_io);
        assert!(fine, "{} comes from {:?}", package.name, package.source);
    }
}

#[test]
fn no_banned_crate_is_locked() {
    let rules = rules();
    for package in metadata::workspace().expect("metadata").packages {
        for banned in &rules.bans.deny {
            assert!(package.name.as_str() != banned.name, "{} is banned: {}", banned.name, banned.reason);
        }
    }
}
