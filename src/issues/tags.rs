//! Tags: how often which value was.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::limits::{TAG_VALUES, TAG_VALUES_COUNTED, TAGS_COUNTED};

/// How the values of one tag are spread over an issue's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TagShares {
    pub(crate) tag: String,
    /// Events with the tag.
    pub(crate) total: u64,
    /// Those with most first, [`TAG_VALUES`] at the most, each with how often it was: exactly, or at the least.
    pub(crate) values: Vec<(String, u64)>,
    /// There may have been more values than are counted, so that no value's count is exact.
    pub(crate) is_partial: bool,
}

/// How often each value of each tag was.
///
/// Of a tag with more than [`TAG_VALUES_COUNTED`] values the frequent ones are counted by the *space saving* of Metwally,
/// Agrawal and El Abbadi (2005): a value that comes takes over the counter of the rarest one. So each count is the true one
/// or above it, by no more than the smallest of the counters, and every value of more than one in
/// [`TAG_VALUES_COUNTED`] is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tags {
    /// Of how many things the tags are known, those that have none among them.
    carriers: u64,
    by_tag: BTreeMap<String, Values>,
}

/// The values of one tag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Values {
    /// How many have the tag, whatever its value.
    total: u64,
    counts: BTreeMap<String, u64>,
}

impl Tags {
    /// Counts something by all the tags it has.
    pub(crate) fn add_carrier(&mut self, tags: &BTreeMap<String, String>) {
        self.carriers = self.carriers.saturating_add(1);
        tags.iter().for_each(|(tag, value)| self.add(tag, value, 1));
    }

    /// Of how many things all tags are known: what [`add_carrier`](Self::add_carrier) was told of.
    pub(crate) fn carriers(&self) -> u64 {
        self.carriers
    }

    /// Counts a value so many times. Beyond [`TAGS_COUNTED`] tags, those that come first are counted.
    pub(crate) fn add(&mut self, tag: &str, value: &str, count: u64) {
        if let Some(values) = self.by_tag.get_mut(tag) {
            values.add(value, count);
        } else if self.by_tag.len() < TAGS_COUNTED && count > 0 {
            let mut values = Values::default();
            values.add(value, count);
            self.by_tag.insert(tag.to_owned(), values);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.carriers = self.carriers.saturating_add(other.carriers);
        for (tag, values) in &other.by_tag {
            if let Some(own) = self.by_tag.get_mut(tag) {
                own.merge(values);
            } else if self.by_tag.len() < TAGS_COUNTED {
                self.by_tag.insert(tag.clone(), values.clone());
            }
        }
    }

    /// How many had the tag, and how many of them with this value.
    pub(crate) fn count(&self, tag: &str, value: &str) -> (u64, u64) {
        let values = self.by_tag.get(tag);
        (
            values.map_or(0, |values| values.total),
            values.and_then(|v| v.counts.get(value)).copied().unwrap_or(0),
        )
    }

    /// How many had the tag, and how many of them this value at the most: where it is not counted by itself, it may have been
    /// as frequent as the rarest that is.
    pub(crate) fn at_most(&self, tag: &str, value: &str) -> (u64, u64) {
        let Some(values) = self.by_tag.get(tag) else { return (0, 0) };
        let counted = values.counts.get(value).copied();
        (values.total, counted.or_else(|| values.rarest()).unwrap_or(0))
    }

    /// Every tag and value that is counted.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_tag
            .iter()
            .flat_map(|(tag, values)| values.counts.keys().map(|value| (tag.as_str(), value.as_str())))
    }

    /// Of each tag the most frequent values, without those that may have been there only by what their counter took over.
    pub(crate) fn shares(&self) -> Vec<TagShares> {
        let shares = self.by_tag.iter().map(|(tag, counted)| {
            let above = counted.rarest();
            let values = counted.counts.iter();
            let mut values: Vec<_> = values
                .map(|(value, count)| (value.clone(), count.saturating_sub(above.unwrap_or(0))))
                .filter(|(_, count)| *count > 0)
                .collect();
            values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            values.truncate(TAG_VALUES);
            TagShares { tag: tag.clone(), total: counted.total, values, is_partial: above.is_some() }
        });
        shares.collect()
    }

    /// About how many bytes it holds.
    pub(crate) fn bytes(&self) -> usize {
        let values =
            |values: &Values| values.counts.keys().map(|value| ENTRY_BYTES + value.len()).sum::<usize>();
        self.by_tag.iter().map(|(tag, counted)| ENTRY_BYTES + tag.len() + values(counted)).sum()
    }

    /// As a file holds it: `[60, {"provider": [57, {"google": 40, "mail": 17}]}]`, of 60 carriers.
    pub(crate) fn to_json(&self) -> String {
        let tags =
            self.by_tag.iter().map(|(tag, values)| (tag.clone(), json!([values.total, values.counts])));
        json!([self.carriers, tags.collect::<Map<_, _>>()]).to_string()
    }

    /// None where the text is not what [`to_json`](Self::to_json) writes.
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        let (carriers, tags): (u64, Map<String, Value>) = serde_json::from_str(text).ok()?;
        let tags = tags.into_iter().map(|(tag, values)| {
            let [total, counts] = values.as_array()?.as_slice() else { return None };
            let counts =
                counts.as_object()?.iter().map(|(value, count)| Some((value.clone(), count.as_u64()?)));
            Some((tag, Values { total: total.as_u64()?, counts: counts.collect::<Option<_>>()? }))
        });
        Some(Self { carriers, by_tag: tags.collect::<Option<_>>()? })
    }
}

impl Values {
    fn add(&mut self, value: &str, count: u64) {
        self.total = self.total.saturating_add(count);
        if let Some(counted) = self.counts.get_mut(value) {
            *counted = counted.saturating_add(count);
            return;
        }
        let mut begun = 0;
        if let Some(least) = self.rarest() {
            let rarest = self.counts.iter().find(|(_, count)| **count == least);
            if let Some(rarest) = rarest.map(|(value, _)| value.clone()) {
                self.counts.remove(&rarest);
                begun = least;
            }
        }
        self.counts.insert(value.to_owned(), begun.saturating_add(count));
    }

    /// Adds what is counted elsewhere. A value that one of both does not count may have been as frequent there as its rarest,
    /// so that much is added; of all, the most frequent are kept. By it, counts are above the truth by no more than the
    /// smallest, as before (P. K. Agarwal and others, *Mergeable Summaries*, 2012).
    fn merge(&mut self, other: &Self) {
        let (own_rarest, other_rarest) = (self.rarest().unwrap_or(0), other.rarest().unwrap_or(0));
        self.total = self.total.saturating_add(other.total);
        for (value, count) in &mut self.counts {
            let more = other.counts.get(value).copied().unwrap_or(other_rarest);
            *count = count.saturating_add(more);
        }
        for (value, count) in &other.counts {
            let sum = || count.saturating_add(own_rarest);
            self.counts.entry(value.clone()).or_insert_with(sum);
        }
        if self.counts.len() > TAG_VALUES_COUNTED {
            let mut counts: Vec<_> = std::mem::take(&mut self.counts).into_iter().collect();
            counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            self.counts = counts.into_iter().take(TAG_VALUES_COUNTED).collect();
        }
    }

    /// The smallest of the counters, where there is no other left.
    fn rarest(&self) -> Option<u64> {
        self.counts.values().copied().min().filter(|_| self.counts.len() >= TAG_VALUES_COUNTED)
    }
}

/// Bytes of one entry, its texts aside, about.
const ENTRY_BYTES: usize = 64;

#[cfg(test)]
mod tests;
