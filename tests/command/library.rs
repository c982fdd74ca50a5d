//! The same answers for programs, without the command.

use crumbtrail::view::{Export, Filter, Form, View, doctor};

use crate::rig::Folder;
use crate::shop;

#[test]
fn a_program_is_answered_as_the_command_answers() {
    let folder = Folder::of(shop::a_day);
    let view = View::open(folder.store()).unwrap();
    assert_eq!(view.path(), folder.store());
    assert_eq!(view.events("latest", 1).unwrap().lines().count(), 2);
    let view = view.form(Form::Json);
    assert_eq!(view.issues(&Filter::default()).unwrap(), folder.command(["issues", "--json"]).done());
    assert_eq!(view.show("latest", 2).unwrap().lines().count(), 1);
    let mut written = Vec::new();
    let mut told = Vec::new();
    let number = view.export(Export::Events, &mut written, &mut |number| told.push(number)).unwrap();
    assert_eq!((number, told.last()), (5, Some(&5)));
    assert_eq!(String::from_utf8(written).unwrap(), folder.command(["export"]).done());
    assert!(doctor(Some(&folder.store())).is_healthy());
}

#[test]
fn what_has_no_answer_says_what_sort_of_fault_it_is() {
    let folder = Folder::of(shop::a_day);
    let missing = View::open(folder.path().join("other.db")).unwrap_err();
    assert!(missing.is_store() && !missing.is_unknown());
    let view = View::open(folder.store()).unwrap();
    assert!(view.show("0123456789abcdef", 1).unwrap_err().is_unknown());
    assert!(view.show("no name", 1).unwrap_err().is_name());
}
