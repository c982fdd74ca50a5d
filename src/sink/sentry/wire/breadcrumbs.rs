//! The steps that led to an event, oldest first. Pure.

use sentry_types::protocol::v7;

use super::contexts::shallow;
use super::{moment, names};
use crate::limits::{CONTEXT_DEPTH, NAME_CHARS};
use crate::model::{Breadcrumb, BreadcrumbKind};

pub(super) fn breadcrumbs(crumbs: &[Breadcrumb]) -> Vec<v7::Breadcrumb> {
    crumbs.iter().map(breadcrumb).collect()
}

fn breadcrumb(crumb: &Breadcrumb) -> v7::Breadcrumb {
    let mut data: v7::Map<_, _> =
        crumb.data.iter().map(|(name, value)| (name.clone(), shallow(value, CONTEXT_DEPTH))).collect();
    if !crumb.target.is_empty() && crumb.target != crumb.category {
        data.entry("target".to_owned()).or_insert_with(|| crumb.target.clone().into());
    }
    if crumb.cut {
        data.entry("cut".to_owned()).or_insert_with(|| true.into());
    }
    v7::Breadcrumb {
        timestamp: moment(crumb.time),
        ty: match crumb.kind {
            BreadcrumbKind::Default => "default",
            BreadcrumbKind::Error => "error",
        }
        .to_owned(),
        category: names::line(&crumb.category, NAME_CHARS),
        level: names::level(crumb.level),
        message: Some(crumb.message.clone()).filter(|message| !message.is_empty()),
        data,
    }
}
