//! Baselines where a case is measured more than once: what is compared, and what is written of which try.

use std::fs;

use crate::baselines::{CASE, accepted, fixture, snapshot, waiting};
use crate::support::Project;

/// Claims that memory does not grow.
const STABLE: &str = "target: {command: [sh, grow.sh]}\nmeasure: {iterations: 480}\n";

const NOT_AS_CLAIMED: &str = "no baseline was written: the case is not as it claims";

impl Project {
    /// Puts a fixture behind the first `processes` of the case, and another behind all that follow.
    fn grows_at_first(&self, processes: u32, (first, then): (&str, &str)) {
        let program = |words: &str| {
            let (name, arguments) = words.split_once(' ').unwrap_or((words, ""));
            format!("'{}' {arguments}", fixture(name).display())
        };
        // Of several that make a folder at once, one succeeds.
        let script = format!(
            "for n in $(seq {processes}); do mkdir \"first-$n\" 2>/dev/null && exec {}; done\nexec {}\n",
            program(first),
            program(then)
        );
        self.write("cases/grow.sh", &script);
    }
}

#[test]
fn a_try_that_regressed_leaves_nothing_behind_where_the_next_one_is_as_its_baseline() {
    let project = accepted();
    let before = project.read(&snapshot());
    project.grows_at_first(3, ("leak_linear 4096", "leak_linear 1024"));
    let ended = project.ends_with(&["run", "--retries", "1"], 0);
    assert!(
        ended.out.contains("try 1 of 2 grow ... FAILED"),
        "{}",
        ended.out
    );
    assert!(ended.line("grow").contains("flaky, try 2"), "{}", ended.out);
    assert_eq!(project.read(&snapshot()), before);
    assert!(!project.has(&waiting()));
}

#[test]
fn a_case_that_regressed_in_every_try_leaves_the_one_that_is_told_pending() {
    let project = accepted();
    project.grows("leak_linear", "4096");
    let ended = project.ends_with(&["run", "--retries", "1"], 1);
    assert!(
        ended.out.contains("try 1 of 2 grow ... FAILED"),
        "{}",
        ended.out
    );
    assert!(project.has(&waiting()));
    project.ends_with(&["accept"], 0);
    project.ends_with(&["run"], 0);
}

#[test]
fn of_a_flaky_case_the_try_that_passed_begins_the_baseline() {
    for word in ["unseen", "always", "force"] {
        let project = Project::new(&[("grow", STABLE)]);
        project.grows_at_first(3, ("leak_linear 4096", "flat"));
        let ended = project.ends_with(&["run", "--retries", "1", "--update", word], 0);
        assert!(ended.line("grow").contains("flaky, try 2"), "{}", ended.out);
        assert!(
            project
                .read(&snapshot())
                .contains("\"verdict\": \"stable\"")
        );
        assert!(!project.has(&waiting()));
    }
}

#[test]
fn a_case_that_is_not_as_it_claims_begins_no_baseline_and_that_is_said() {
    for word in ["new", "unseen", "always", "force"] {
        let project = Project::new(&[("grow", STABLE)]);
        project.grows("leak_linear", "4096");
        let ended = project.ends_with(&["run", "--update", word], 1);
        assert!(ended.out.contains(NOT_AS_CLAIMED), "{word}: {}", ended.out);
        assert!(!project.has("cases/snapshots"), "{word}");
    }
    let project = Project::new(&[("grow", STABLE)]);
    project.grows("leak_linear", "4096");
    let plain = project.ends_with(&["run"], 1);
    assert!(!plain.out.contains("baseline"), "{}", plain.out);
}

#[test]
fn what_waits_of_one_run_stays_where_a_later_one_of_the_same_command_is_unchanged() {
    let project = accepted();
    let before = project.read(&snapshot());
    project.grows_at_first(3, ("leak_linear 4096", "leak_linear 1024"));
    let ended = project.ends_with(&["run", "--stress-count", "2"], 1);
    assert!(
        ended.out.contains("grow was as claimed 1 of 2 times"),
        "{}",
        ended.out
    );
    assert!(project.has(&waiting()), "a person decides on it");
    assert_eq!(project.read(&snapshot()), before);
    // The next command finds the case unchanged, and takes it away.
    project.ends_with(&["run"], 0);
    assert!(!project.has(&waiting()));
}

#[test]
fn later_runs_of_a_command_are_compared_with_the_baseline_that_its_first_began() {
    let project = Project::new(&[("grow", CASE)]);
    project.grows_at_first(3, ("leak_linear 1024", "leak_linear 4096"));
    let ended = project.ends_with(&["run", "--stress-count", "2", "--update=unseen"], 1);
    assert!(
        ended.out.contains("grow was as claimed 1 of 2 times"),
        "{}",
        ended.out
    );
    let (first, second) = (project.read(&snapshot()), project.read(&waiting()));
    assert_ne!(first, second);
    fs::remove_file(project.path().join(waiting())).unwrap();
    project.grows("leak_linear", "1024");
    project.ends_with(&["run"], 0);
}

#[test]
fn a_waiting_file_that_can_not_be_read_is_told_of_and_reject_removes_it() {
    for broken in ["", "---\ncut off", "---\n---\n{\"format\": 1}\n"] {
        let project = accepted();
        project.grows("leak_linear", "4096");
        project.ends_with(&["run"], 1);
        let lost = waiting().replace("grow@", "lost@");
        project.write(&lost, broken);
        // Another program's, whose name only looks alike.
        project.write("cases/snapshots/other@input.txt.snap.new", broken);

        let listed = project.ends_with(&["pending"], 0);
        assert!(
            listed.out.contains("regressed     grow ("),
            "{}",
            listed.out
        );
        assert!(
            listed.out.contains("unreadable    lost ("),
            "{}",
            listed.out
        );
        assert!(listed.out.contains("2 snapshots pending"), "{}", listed.out);
        let listed = project.ends_with(&["pending", "--json"], 0);
        let kinds: Vec<_> = listed
            .json()
            .iter()
            .map(|line| line["type"].clone())
            .collect();
        assert_eq!(kinds, ["pending", "unreadable"]);

        let accepted = project.ends_with(&["accept"], 2);
        assert!(
            accepted.out.contains("accepted  grow ("),
            "{}",
            accepted.out
        );
        assert!(
            accepted.err.contains("`memcase reject lost` removes it"),
            "{}",
            accepted.err
        );
        assert!(project.has(&lost));
        let rejected = project.ends_with(&["reject", "lost"], 0);
        let said = "which could not be read\n1 snapshot rejected";
        assert!(rejected.out.contains(said), "{}", rejected.out);
        assert!(!project.has(&lost) && project.has(&snapshot()));
        assert!(project.has("cases/snapshots/other@input.txt.snap.new"));
    }
}
