//! Ruby, Perl, PHP and Lua: what each part of a case sees, and where errors point.

use memcase::case::Language;

use crate::draft::{Draft, file, is_here, snippet};
use crate::lockstep::Target;
use crate::{LUA, PERL, PHP, RUBY};

pub(crate) const ALL: [Language; 4] = [RUBY, PERL, PHP, LUA];

/// Those of some rows whose language is here.
pub(crate) fn here<T>(rows: impl IntoIterator<Item = (Language, T)>) -> Vec<(Language, T)> {
    rows.into_iter().filter(|row| is_here(row.0)).collect()
}

/// Output with the case file's folder left out.
fn shown(draft: &Draft, output: &str) -> String {
    output.replace(&format!("{}/", draft.folder.path().display()), "")
}

#[test]
fn names_of_setup_are_seen_and_names_of_run_are_local() {
    for (language, [setup, run, teardown]) in here([
        (
            RUBY,
            [
                "total = 10\nclass A; end\ndef more(n) = n + 1",
                "total += more(iteration); fresh = A.new",
                "puts \"#{total} #{binding.local_variable_defined?(:fresh) || 'nil'}\"",
            ],
        ),
        (
            PERL,
            [
                "use strict; my $total = 10; sub more { $_[0] + 1 }",
                "$total += more($iteration); my $fresh = 1;",
                "no strict; print $total, ' ', defined $fresh ? 1 : 'nil', \"\\n\";",
            ],
        ),
        (
            PHP,
            [
                "$total = 10; function more(int $n): int { return $n + 1; }",
                "$total += more($iteration); $fresh = 1;",
                "echo $total, ' ', isset($fresh) ? 1 : 'nil', \"\\n\";",
            ],
        ),
        (
            LUA,
            [
                "local total = 10\nlocal function more(n) return n + 1 end",
                "total = total + more(iteration); local fresh = 1",
                "print(total .. ' ' .. tostring(fresh))",
            ],
        ),
    ]) {
        let parts = [("setup", setup), ("run", run), ("teardown", teardown)];
        let draft = snippet(language, &parts);
        let mut target = draft.start();
        assert!(target.turns(2), "{}", target.output());
        let (code, output) = target.finish();
        assert_eq!(code, Some(0), "{language:?} {output}");
        assert_eq!(output, "13 nil\n", "{language:?}");
    }
}

#[test]
fn a_run_may_return_early_and_other_parts_may_be_missing() {
    for (language, run) in here([
        (RUBY, "return if iteration > 0\nputs 'once'"),
        (PERL, "return if $iteration > 0; print \"once\\n\";"),
        (PHP, "if ($iteration > 0) return; echo \"once\\n\";"),
        (LUA, "if iteration > 0 then return end\nprint('once')"),
    ]) {
        let draft = snippet(language, &[("run", run)]);
        let mut target = draft.start();
        assert!(target.turns(3));
        assert_eq!(target.finish(), (Some(0), "once\n".to_owned()));
    }
}

#[test]
fn a_batch_runs_several_iterations_in_one_turn() {
    for (language, [setup, run, teardown]) in here([
        (RUBY, ["n = 0", "n += iteration", "puts n"]),
        (
            PERL,
            ["my $n = 0;", "$n += $iteration;", "print \"$n\\n\";"],
        ),
        (PHP, ["$n = 0;", "$n += $iteration;", "echo \"$n\\n\";"]),
        (LUA, ["local n = 0", "n = n + iteration", "print(n)"]),
    ]) {
        let parts = [("setup", setup), ("run", run), ("teardown", teardown)];
        let draft = snippet(language, &parts);
        let launch = draft.prepare().unwrap();
        let mut target = Target::start(&launch, &[("MEMCASE_BATCH", "5")]).unwrap();
        assert!(target.turns(2));
        if language != PERL {
            assert_eq!(target.read().iterations, 10);
        }
        assert!(target.double() && target.turns(1));
        assert_eq!(target.finish(), (Some(0), "190\n".to_owned()));
    }
}

#[test]
fn a_file_beside_the_case_can_hold_the_code() {
    for (language, (name, text)) in here([
        (
            RUBY,
            (
                "target.rb",
                "def setup = $n = 0\ndef run(iteration) = $n += iteration\n\
                 def teardown = puts($n)\n",
            ),
        ),
        (
            RUBY,
            (
                "plain.rb",
                "$n = 0\ndef run = $n += 1\nat_exit { puts $n }\n",
            ),
        ),
        (
            PERL,
            (
                "target.pl",
                "use strict; my $n;\nsub setup { $n = 0 }\nsub run { $n += $_[0] }\n\
                 sub teardown { print \"$n\\n\" }\n",
            ),
        ),
        (
            PHP,
            (
                "target.php",
                "<?php\nfunction setup() { global $n; $n = 0; }\n\
                 function run(int $iteration) { global $n; $n += $iteration; }\n\
                 function teardown() { global $n; echo \"$n\\n\"; }\n",
            ),
        ),
        (
            LUA,
            (
                "target.lua",
                "local n\nfunction setup() n = 0 end\n\
                 function run(iteration) n = n + iteration end\n\
                 function teardown() print(n) end\n",
            ),
        ),
        (
            LUA,
            (
                "module.lua",
                "local n = 0\nreturn { run = function() n = n + 1 end,\n\
                 teardown = function() print(n) end }\n",
            ),
        ),
    ]) {
        let draft = file(language, name, text);
        let mut target = draft.start();
        assert!(target.turns(3), "{}", target.output());
        let (code, output) = target.finish();
        assert_eq!((code, output.as_str()), (Some(0), "3\n"), "{name}");
    }
}

#[test]
fn a_file_without_run_says_so() {
    for (language, (name, text)) in here([
        (RUBY, ("target.rb", "def setup; end\n")),
        (PERL, ("target.pl", "sub setup { }\n1;\n")),
        (PHP, ("target.php", "<?php\nfunction setup() {}\n")),
        (LUA, ("target.lua", "function setup() end\n")),
    ]) {
        let draft = file(language, name, text);
        let output = draft.refused();
        assert!(output.contains("`run`"), "{language:?} {output}");
        assert!(output.contains(name), "{language:?} {output}");
    }
}

#[test]
fn syntax_errors_point_at_the_case_file() {
    for (language, (parts, place)) in here([
        (
            RUBY,
            (
                [("setup", "x = 1"), ("run", "y = 2\nz = = 3")],
                "case.yaml:6: syntax error",
            ),
        ),
        (
            RUBY,
            (
                [("setup", "if x then"), ("run", "y = 2")],
                "case.yaml:3: syntax error",
            ),
        ),
        (
            PERL,
            (
                [("setup", "my $x = 1;"), ("run", "my $y;\nmy $z = = 3;")],
                "at case.yaml line 6,",
            ),
        ),
        (
            PHP,
            (
                [("setup", "$x = 1;"), ("run", "$y = 2;\n$z = = 3;")],
                "in case.yaml on line 6",
            ),
        ),
        (
            PHP,
            (
                [("setup", "if ($x) {"), ("run", "$y = 2;")],
                "Unclosed '{' on line 3",
            ),
        ),
        (
            LUA,
            (
                [("setup", "local x = 1"), ("run", "local y\nlocal z = = 3")],
                "case.yaml:6: ",
            ),
        ),
        (
            LUA,
            (
                [("setup", "if x then"), ("run", "local y")],
                "case.yaml:3: ",
            ),
        ),
    ]) {
        let draft = snippet(language, &parts);
        let output = shown(&draft, &draft.refused());
        assert!(output.contains(place), "{output}");
    }
}

#[test]
fn errors_at_run_time_point_at_the_case_file() {
    for (language, (parts, places)) in here([
        (
            RUBY,
            (
                [("setup", "def f\n  nil.no_such\nend"), ("run", "x = 1\nf")],
                ["case.yaml:4:in `f'", "case.yaml:8:in"],
            ),
        ),
        (
            PERL,
            (
                [
                    ("setup", "sub f {\n  die 'no more' }"),
                    ("run", "my $x = 1;\nf();"),
                ],
                ["no more at case.yaml line 4.", ""],
            ),
        ),
        (
            PHP,
            (
                [
                    (
                        "setup",
                        "function f() {\n  throw new Exception('no more'); }",
                    ),
                    ("run", "$x = 1;\nf();"),
                ],
                ["no more in case.yaml:4", "#0 case.yaml(7): f()"],
            ),
        ),
        (
            LUA,
            (
                [
                    ("setup", "local function f()\n  error('no more') end"),
                    ("run", "local x = 1\nf(); x = 2"),
                ],
                ["case.yaml:4: no more", "case.yaml:7: in"],
            ),
        ),
    ]) {
        let draft = snippet(language, &parts);
        let launch = draft.prepare().unwrap();
        let mut target = Target::start(&launch, &[]).unwrap();
        assert!(!target.turns(1));
        let (code, output) = target.finish();
        assert_ne!(code, Some(0), "{output}");
        let output = shown(&draft, &launch.source_map.translate(&output));
        for place in places {
            assert!(output.contains(place), "{place}: {output}");
        }
    }
}

#[test]
fn what_is_required_is_refused_with_a_way_out() {
    for (language, ()) in here(ALL.map(|language| (language, ()))) {
        let mut draft = snippet(language, &[("run", "")]);
        draft.tools().requires = vec!["something".to_owned()];
        let output = draft.refused();
        assert!(output.contains("`requires`"), "{output}");
        assert!(
            output.contains("install them") || output.contains("install the"),
            "{output}"
        );
    }
}

#[test]
fn programs_that_a_snippet_starts_do_not_inherit_the_pipes() {
    // Lua cannot close them, which the documents say.
    let list = "cd /proc/$PPID/fd; readlink 3 4 5; echo; readlink /proc/$$/fd/*";
    for (language, run) in here([
        (RUBY, format!("system('{list}')")),
        (PERL, format!("system('{list}')")),
        (PHP, format!("system('{list}');")),
    ]) {
        let draft = snippet(language, &[("run", run.as_str())]);
        let mut target = draft.start();
        assert!(target.turns(1));
        let (_, output) = target.finish();
        let (own, inherited) = output.split_once("\n\n").unwrap();
        assert_eq!(own.lines().count(), 3, "{output}");
        for name in own.lines() {
            let held = inherited.lines().any(|line| line == name);
            assert!(!held, "{language:?} {output}");
        }
    }
}
