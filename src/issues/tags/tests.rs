//! What is counted of tags, beside the truth.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;

fn counted(values: &[(String, u64)]) -> (Values, BTreeMap<String, u64>) {
    let (mut counted, mut truth) = (Values::default(), BTreeMap::new());
    for (value, count) in values {
        counted.add(value, *count);
        *truth.entry(value.clone()).or_default() += count;
    }
    (counted, truth)
}

#[test]
fn few_values_are_counted_exactly() {
    let mut tags = Tags::default();
    let carriers: [&[(&str, &str)]; 4] =
        [&[("provider", "google"), ("plan", "pro")], &[("provider", "google")], &[("provider", "mail")], &[]];
    for carrier in carriers {
        let owned = carrier.iter().map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned()));
        tags.add_carrier(&owned.collect());
    }
    assert_eq!(tags.carriers(), 4);
    assert_eq!(tags.count("provider", "google"), (3, 2));
    assert_eq!(tags.count("provider", "github"), (3, 0));
    assert_eq!(tags.count("nothing", ""), (0, 0));
    let shares = |tag: &str, total, values: &[(&str, u64)]| TagShares {
        tag: tag.to_owned(),
        total,
        values: values.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect(),
        is_partial: false,
    };
    let expected = [shares("plan", 1, &[("pro", 1)]), shares("provider", 3, &[("google", 2), ("mail", 1)])];
    assert_eq!(tags.shares(), expected);
    assert_eq!(tags.to_json(), r#"[4,{"plan":[1,{"pro":1}],"provider":[3,{"google":2,"mail":1}]}]"#);
}

#[test]
fn tags_and_shown_values_are_bounded() {
    let mut tags = Tags::default();
    for tag in 0..2 * TAGS_COUNTED {
        tags.add(&format!("tag {tag:04}"), "x", 1);
    }
    (0..1_000).for_each(|value| tags.add("tag 0000", &value.to_string(), 1));
    let shares = tags.shares();
    assert_eq!(shares.len(), TAGS_COUNTED);
    assert!(shares.iter().all(|shares| shares.values.len() <= TAG_VALUES));
    assert_eq!(shares[0].total, 1_001);
    assert_eq!(tags.by_tag["tag 0000"].counts.len(), TAG_VALUES_COUNTED);
}

/// Values that come once each have not come more often because their counter was taken over.
#[test]
fn rare_values_are_told_no_more_often_than_they_were() {
    let mut tags = Tags::default();
    (0..250).for_each(|value| tags.add("request_id", &value.to_string(), 1));
    let shares = tags.shares();
    assert_eq!((shares[0].total, shares[0].is_partial), (250, true));
    assert!(shares[0].values.iter().all(|(_, count)| *count == 1), "{:?}", shares[0].values);
    tags.add("request_id", "again", 100);
    assert_eq!(tags.shares()[0].values[0], ("again".to_owned(), 100));
}

#[test]
fn what_to_json_did_not_write_is_refused() {
    for text in [
        "",
        "{}",
        "[]",
        "[1]",
        "[1,2]",
        "[-1,{}]",
        "[1,{\"a\":1}]",
        "[1,{\"a\":[1]}]",
        "[1,{\"a\":[1,{\"b\":-1}]}]",
    ] {
        assert_eq!(Tags::from_json(text), None, "{text}");
    }
    assert_eq!(Tags::from_json("[0,{}]"), Some(Tags::default()));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_count_is_the_truth_or_above_it_by_the_smallest_counter(
        values in vec((0..150_u64, 1..20_u64), 0..600),
        heavy in 0..200_usize,
    ) {
        // Some come again and again, among many that come once.
        let again = (0..heavy).map(|nth| (format!("heavy {}", nth % 3), 7));
        let values: Vec<_> = values.into_iter().map(|(value, count)| (value.to_string(), count)).collect();
        let values: Vec<_> = again.chain(values).collect();
        let (counted, truth) = counted(&values);
        let smallest = counted.counts.values().min().copied().unwrap_or_default();
        let bound = if truth.len() > TAG_VALUES_COUNTED { smallest } else { 0 };

        prop_assert_eq!(counted.total, truth.values().sum::<u64>());
        prop_assert_eq!(counted.counts.values().sum::<u64>(), counted.total);
        prop_assert!(counted.counts.len() <= TAG_VALUES_COUNTED);
        prop_assert!(smallest <= counted.total / counted.counts.len().max(1) as u64);
        for (value, count) in &counted.counts {
            prop_assert!(*count >= truth[value] && *count <= truth[value] + bound, "{value}: {count}");
        }
        for (value, count) in &truth {
            let is_frequent = *count > counted.total / TAG_VALUES_COUNTED as u64;
            prop_assert!(!is_frequent || counted.counts.contains_key(value), "{value}: {count}");
        }
    }

    /// However it was put together, what is told of a value is proven, and no value was more frequent than it may have been.
    #[test]
    fn what_is_told_of_merged_counts_is_proven(
        parts in vec(vec((0..150_u64, 1..20_u64), 0..200), 1..5),
        heavy in 0..40_u64,
    ) {
        let (mut merged, mut truth) = (Tags::default(), BTreeMap::<String, u64>::new());
        for part in parts {
            let mut tags = Tags::default();
            for (value, count) in part.into_iter().chain([(7, heavy)]) {
                tags.add("tag", &value.to_string(), count);
                *truth.entry(value.to_string()).or_default() += count;
            }
            merged.merge(&tags);
        }
        for shares in merged.shares() {
            prop_assert_eq!(shares.total, truth.values().sum::<u64>());
            for (value, count) in &shares.values {
                prop_assert!(*count <= truth[value], "{value}: {count}");
                prop_assert!(shares.is_partial || *count == truth[value], "{value}: {count}");
            }
        }
        for (value, count) in &truth {
            prop_assert!(*count <= merged.at_most("tag", value).1, "{value}: {count}");
        }
    }

    #[test]
    fn any_names_come_back_from_a_file(
        tags in btree_map(any::<String>(), btree_map(any::<String>(), any::<u64>(), 0..5), 0..5),
        carriers in vec(btree_map(any::<String>(), any::<String>(), 0..3), 0..4),
    ) {
        let mut before = Tags::default();
        carriers.iter().for_each(|carrier| before.add_carrier(carrier));
        for (tag, values) in &tags {
            values.iter().for_each(|(value, count)| before.add(tag, value, *count));
        }
        for tag in ["", "__proto__", "a\"b", "\u{0}", "\\u0000", "$.a[0]", "\u{202e}"] {
            before.add(tag, tag, 1);
        }
        prop_assert_eq!(Tags::from_json(&before.to_json()), Some(before));
    }

    #[test]
    fn foreign_text_is_refused_or_harmless(text in any::<String>()) {
        let _ = Tags::from_json(&text);
    }

    #[test]
    fn few_values_put_together_are_as_if_counted_at_once(
        one in vec((0..8_u8, 0..8_u8), 0..50),
        other in vec((0..8_u8, 0..8_u8), 0..50),
    ) {
        let of = |pairs: &[(u8, u8)]| {
            let mut tags = Tags::default();
            for (tag, value) in pairs {
                tags.add_carrier(&BTreeMap::from([(tag.to_string(), value.to_string())]));
            }
            tags
        };
        let mut merged = of(&one);
        merged.merge(&of(&other));
        prop_assert_eq!(merged, of(&[one, other].concat()));
    }
}
