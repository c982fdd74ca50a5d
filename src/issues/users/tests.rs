//! How well users are counted.

use proptest::prelude::*;

use super::*;

/// Even bits, of a seed and a number ([SplitMix64](https://prng.di.unimi.it/splitmix64.c)).
fn hash(seed: u64, number: u64) -> u64 {
    let mut hash = (seed << 40).wrapping_add(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

fn users(seed: u64, numbers: impl Iterator<Item = u64>) -> Users {
    let mut users = Users::default();
    numbers.for_each(|number| users.insert(hash(seed, number)));
    users
}

fn exact(number: u64) -> UserCount {
    UserCount { number, is_estimate: false }
}

/// Of the estimate, as a part of the truth.
fn error(users: &Users, truth: u64) -> f64 {
    users.count().number as f64 / truth as f64 - 1.0
}

#[test]
fn a_user_is_told_by_the_first_of_its_parts_that_is_there() {
    let user = |parts: [Option<&str>; 4]| {
        let [id, username, email, ip_address] = parts.map(|part| part.map(str::to_owned));
        User { id, username, email, ip_address }
    };
    for (parts, expected) in [
        ([Some("1"), Some("ada"), Some("a@b"), Some("::1")], Some(("id", "1"))),
        ([Some(""), Some("ada"), Some("a@b"), Some("::1")], Some(("username", "ada"))),
        ([None, None, Some("a@b"), Some("::1")], Some(("email", "a@b"))),
        ([None, Some(""), None, Some("::1")], Some(("ip_address", "::1"))),
        ([None, None, None, None], None),
        ([Some(""), None, None, None], None),
    ] {
        assert_eq!(identity(&user(parts)), expected);
    }
}

#[test]
fn users_are_counted_one_by_one_until_they_are_many() {
    let most = USERS_EXACT as u64;
    let mut counted = Users::default();
    assert_eq!(counted.count(), exact(0));
    for number in 0..most {
        counted.insert(hash(1, number));
        counted.insert(hash(1, number / 2));
        assert_eq!(counted.count(), exact(number + 1));
    }
    counted.insert(hash(1, most));
    assert!(counted.count().is_estimate && error(&counted, most + 1).abs() < 0.03, "{counted:?}");
}

#[test]
fn the_estimate_is_within_one_hundredth() {
    let (seeds, truth) = (50, 100_000);
    let errors: Vec<f64> = (1..=seeds).map(|seed| error(&users(seed, 0..truth), truth)).collect();
    let mean_square = errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64;
    let worst = errors.iter().fold(0.0_f64, |worst, error| worst.max(error.abs()));
    println!(
        "of {truth} users: {:.2} % root mean square, {:.2} % at worst",
        mean_square.sqrt() * 1e2,
        worst * 1e2
    );
    assert!(mean_square.sqrt() <= 0.01, "{errors:?}");
    assert!(worst <= 0.03, "{errors:?}");
}

#[test]
fn sets_are_put_together_whatever_they_are_kept_as() {
    for (a, b, truth) in [
        (0..600, 300..900, 900),
        (0..1_000, 500..1_500, 1_500),
        (0..5_000, 4_900..5_100, 5_100),
        (4_900..5_100, 0..5_000, 5_100),
        (0..20_000, 10_000..30_000, 30_000),
    ] {
        let mut all = users(7, a);
        all.merge(&users(7, b));
        let count = all.count();
        assert_eq!(count.is_estimate, truth > USERS_EXACT as u64);
        assert!(
            count.number == truth || count.is_estimate && error(&all, truth).abs() < 0.03,
            "{count:?} {truth}"
        );
    }
}

#[test]
fn what_a_file_holds_is_what_it_was() {
    for number in [0, 1, 2, 1_023, 1_024, 1_025, 5_000, 100_000] {
        let before = users(3, 0..number);
        let bytes = before.to_bytes();
        let mut after = Users::from_bytes(&bytes).unwrap();
        assert_eq!(after.count(), before.count());
        assert_eq!(after, before);
        assert!(bytes.len() <= 1 + USERS_EXACT * 8 + 1_024, "{} bytes", bytes.len());
        // It goes on as if it had never been written.
        let mut uninterrupted = before.clone();
        for more in number..number + 2_000 {
            after.insert(hash(3, more));
            uninterrupted.insert(hash(3, more));
        }
        assert_eq!(after.count(), uninterrupted.count());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn foreign_bytes_are_refused_or_harmless(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0..3_u8) {
        let bytes: Vec<u8> = [kind].into_iter().chain(bytes).collect();
        if let Some(mut users) = Users::from_bytes(&bytes) {
            users.insert(1);
            users.merge(&users.clone());
            let _ = (users.count(), users.to_bytes());
        }
    }

    #[test]
    fn damaged_bytes_are_refused_or_harmless(
        number in 1_025..6_000_u64,
        damage in proptest::collection::vec((0..64_usize, any::<u8>()), 1..4),
        cut in proptest::option::of(0..200_usize),
    ) {
        let mut bytes = users(5, 0..number).to_bytes();
        damage.into_iter().for_each(|(at, byte)| bytes[at] = byte);
        bytes.truncate(cut.unwrap_or(usize::MAX));
        if let Some(mut users) = Users::from_bytes(&bytes) {
            users.insert(1);
            users.merge(&users.clone());
            let _ = (users.count(), users.to_bytes());
        }
    }
}
