//! The job files in `integrations/` are read by a parser, and their commands are run as each engine runs
//! them: the parts of all indexes are the whole, and the gate ends as one run would have.

mod place;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use place::Place;
use serde_yaml::Value;

const STABLE: &str =
    "target: {language: python, run: 'x = [1] * 100'}\nmeasure: {iterations: 240}\n";

/// Cases, one of which is not as claimed.
const CASES: [(&str, &str); 5] = [
    ("a/one", ""),
    ("a/two", ""),
    ("b/three", "expect: leak\n"),
    ("b/four", ""),
    ("five", ""),
];

/// The AWS command line where a bucket is a folder beside the cases.
const AWS: &str = r#"#!/usr/bin/env bash
set -euo pipefail
[ "$1 $2" = "s3 cp" ] || { echo "not known: $*"; exit 2; }
shift 2
options=()
[ "$1" != --recursive ] || { options=(-r); shift; }
from=${1#s3://} to=${2#s3://}
mkdir -p "$(dirname "$to")"
cp "${options[@]}" "$from" "$to"
"#;

/// The agent of Buildkite, where what is uploaded stays where it is.
const AGENT: &str = "#!/bin/sh\n[ \"$1 $2\" = 'artifact download' ]\n";

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("integrations")
        .join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn string(value: &Value) -> &str {
    value.as_str().expect("it is text")
}

fn strings(value: &Value) -> Vec<&str> {
    let values = value.as_sequence().expect("it is a list");
    values.iter().map(string).collect()
}

fn count(value: &Value) -> u32 {
    let count = value.as_u64().expect("it is a number");
    u32::try_from(count).expect("it is small")
}

/// A working folder as all tasks see it, with what stands in for other tools.
fn shared() -> Place {
    let case = |(id, claim)| (format!("cases/{id}.yaml"), format!("{STABLE}{claim}"));
    let place = Place::with(CASES.map(case));
    for (name, script) in [("aws", AWS), ("buildkite-agent", AGENT)] {
        let tool = place.tools().join(name);
        fs::write(&tool, script).expect("it can be written");
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).expect("they can be set");
    }
    place
}

impl Place {
    /// Runs a script in the surroundings that an engine makes, and in those only.
    fn bash(&self, script: &str, variables: &[(&str, String)]) -> Output {
        self.shell(script)
            .env_clear()
            .env("PATH", self.search_path())
            .env("HOME", self.path())
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .output()
            .expect("bash starts")
    }

    /// Runs a part, which must not end as broken, and says how many cases it had.
    fn part(&self, script: &str, variables: &[(&str, String)]) -> u32 {
        let output = self.bash(script, variables);
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{script}: {output:?}"
        );
        let running = out.lines().find_map(|line| line.strip_prefix("running "));
        let running = running.and_then(|rest| rest.split(' ').next()?.parse().ok());
        running.unwrap_or_else(|| panic!("{script}: {output:?}"))
    }

    /// Runs the gate: it has each case once, and ends as one run would have.
    fn gate(&self, script: &str, variables: &[(&str, String)], parts: &[u32]) {
        assert_eq!(parts.iter().sum::<u32>(), 5, "{parts:?}");
        assert!(parts.iter().all(|part| *part > 0), "{parts:?}");
        let output = self.bash(script, variables);
        assert_eq!(output.status.code(), Some(1), "{script}: {output:?}");
        let out = String::from_utf8_lossy(&output.stdout);
        for (id, claim) in CASES {
            let said = if claim.is_empty() { "ok" } else { "FAILED" };
            let line = out.lines().find(|line| {
                let mut words = line.split_whitespace();
                words.next() == Some("test") && words.next() == Some(id)
            });
            let line = line.unwrap_or_else(|| panic!("no line for {id}: {output:?}"));
            assert!(line.contains(said), "{line}");
        }
        // A case in two parts, and a part that is not there, are told of.
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

/// The variables of one task.
fn told(variables: &[(&'static str, u32)]) -> Vec<(&'static str, String)> {
    let text = |(name, value): &(&'static str, u32)| (*name, value.to_string());
    variables.iter().map(text).collect()
}

#[test]
fn the_array_of_slurm_is_the_whole() {
    let place = shared();
    let job = text("slurm/array.sbatch");
    let range = job
        .lines()
        .find_map(|line| line.strip_prefix("#SBATCH --array=0-"));
    let last: u32 = range
        .and_then(|last| last.parse().ok())
        .expect("it has an array");
    let parts: Vec<u32> = (0..=last)
        .map(|index| {
            let variables = told(&[
                ("SLURM_ARRAY_TASK_ID", index),
                ("SLURM_ARRAY_TASK_MIN", 0),
                ("SLURM_ARRAY_TASK_MAX", last),
                ("SLURM_ARRAY_TASK_COUNT", last + 1),
                ("SLURM_ARRAY_TASK_STEP", 1),
                ("SLURM_CPUS_PER_TASK", 2),
            ]);
            place.part(&job, &variables)
        })
        .collect();
    let submit = text("slurm/submit");
    let gate = submit
        .lines()
        .find(|line| line.starts_with("memcase merge "));
    place.gate(gate.expect("it merges"), &[], &parts);
}

#[test]
fn the_indexed_job_of_kubernetes_is_the_whole() {
    let place = shared();
    fs::create_dir(place.path().join("results")).expect("a folder can be made");
    let job = yaml("kubernetes/parts.yaml");
    let spec = &job["spec"];
    assert_eq!(string(&spec["completionMode"]), "Indexed");
    let container = |job: &Value| job["spec"]["template"]["spec"]["containers"][0].clone();
    let worker = container(&job);
    // In the place of the volume.
    let here = |word: &str| word.replace("/results/", "results/");
    let completions = count(&spec["completions"]);
    let parts: Vec<u32> = (0..completions)
        .map(|index| {
            let mut variables = told(&[("JOB_COMPLETION_INDEX", index)]);
            for one in worker["env"].as_sequence().expect("it is a list") {
                let name = string(&one["name"]).to_owned().leak();
                variables.push((name, string(&one["value"]).to_owned()));
            }
            assert!(variables.contains(&("MEMCASE_PARTITION_COUNT", completions.to_string())));
            let words = strings(&worker["command"]).into_iter().map(|word| {
                let word = word.replace("$(JOB_COMPLETION_INDEX)", &index.to_string());
                format!("'{}'", here(&word))
            });
            place.part(&words.collect::<Vec<_>>().join(" "), &variables)
        })
        .collect();
    let gate = container(&yaml("kubernetes/gate.yaml"));
    let gate = strings(&gate["command"]);
    assert_eq!(gate[..2], ["sh", "-c"]);
    place.gate(&here(gate[2]), &[], &parts);
}

#[test]
fn the_array_job_of_aws_batch_is_the_whole() {
    let place = shared();
    let job = yaml("aws-batch/job.json");
    let size = count(&job["arrayProperties"]["size"]);
    let overrides = &job["containerOverrides"];
    assert_eq!(
        strings(&overrides["command"]),
        ["integrations/aws-batch/part"]
    );
    let variable = |name: &str| {
        let all = overrides["environment"]
            .as_sequence()
            .expect("it is a list");
        let one = all.iter().find(|one| string(&one["name"]) == name);
        string(&one.expect("it is set")["value"]).to_owned()
    };
    let results = ("RESULTS", variable("RESULTS"));
    let parts: Vec<u32> = (0..size)
        .map(|index| {
            let mut variables = told(&[
                ("AWS_BATCH_JOB_ARRAY_INDEX", index),
                ("AWS_BATCH_JOB_ARRAY_SIZE", size),
            ]);
            variables.extend([("CI", variable("CI")), results.clone()]);
            place.part(&text("aws-batch/part"), &variables)
        })
        .collect();
    place.gate(&text("aws-batch/gate"), &[results], &parts);
}

#[test]
fn the_parallel_job_of_gitlab_is_the_whole() {
    let place = shared();
    let pipeline = yaml("gitlab/gitlab-ci.yml");
    let total = count(&pipeline["part"]["parallel"]);
    let script = strings(&pipeline["part"]["script"]).join("\n");
    let parts: Vec<u32> = (1..=total)
        .map(|index| {
            let variables = told(&[("CI_NODE_INDEX", index), ("CI_NODE_TOTAL", total)]);
            place.part(&script, &variables)
        })
        .collect();
    // A job that is not parallel is one of one.
    let variables = told(&[("CI_NODE_TOTAL", 1)]);
    let gate = strings(&pipeline["gate"]["script"]).join("\n");
    place.gate(&gate, &variables, &parts);
}

#[test]
fn the_parallel_job_of_circleci_is_the_whole() {
    let place = shared();
    let jobs = &yaml("circleci/config.yml")["jobs"];
    let script = |job: &str| {
        let steps = jobs[job]["steps"].as_sequence().expect("it is a list");
        let runs = steps.iter().filter_map(|step| step.get("run"));
        runs.map(string).collect::<Vec<_>>().join("\n")
    };
    let total = count(&jobs["part"]["parallelism"]);
    let parts: Vec<u32> = (0..total)
        .map(|index| {
            let variables = told(&[("CIRCLE_NODE_INDEX", index), ("CIRCLE_NODE_TOTAL", total)]);
            place.part(&script("part"), &variables)
        })
        .collect();
    let variables = told(&[("CIRCLE_NODE_INDEX", 0), ("CIRCLE_NODE_TOTAL", 1)]);
    place.gate(&script("gate"), &variables, &parts);
}

#[test]
fn the_parallel_step_of_buildkite_is_the_whole() {
    let place = shared();
    let steps = &yaml("buildkite/pipeline.yml")["steps"];
    let total = count(&steps[0]["parallelism"]);
    // What `pipeline upload` makes of it.
    let uploaded = |command: &str| command.replace("$$", "$");
    let parts: Vec<u32> = (0..total)
        .map(|index| {
            let variables = told(&[
                ("BUILDKITE_PARALLEL_JOB", index),
                ("BUILDKITE_PARALLEL_JOB_COUNT", total),
            ]);
            place.part(&uploaded(string(&steps[0]["command"])), &variables)
        })
        .collect();
    let gate = uploaded(&strings(&steps[1]["command"]).join("\n"));
    place.gate(&gate, &[], &parts);
}

#[test]
fn the_scripts_are_read_by_bash_and_the_folders_are_all_documented() {
    let document = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scale.md"))
        .expect("it can be read");
    let mut scripts = 0;
    for engine in fs::read_dir(file("")).expect("it can be read").flatten() {
        for entry in fs::read_dir(engine.path()).into_iter().flatten().flatten() {
            let path = entry.path();
            if !fs::read_to_string(&path).is_ok_and(|text| text.starts_with("#!/usr/bin/env bash"))
            {
                continue;
            }
            scripts += 1;
            let read = Command::new("bash").arg("-n").arg(&path).output();
            let read = read.expect("bash starts");
            assert!(read.status.success(), "{}: {read:?}", path.display());
            let mode = fs::metadata(&path)
                .expect("it is there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o111, 0o111, "{} can be run", path.display());
        }
    }
    assert!(scripts >= 5, "{scripts}");
    for engine in [
        "slurm",
        "kubernetes",
        "aws-batch",
        "gitlab",
        "circleci",
        "buildkite",
    ] {
        assert!(
            document.contains(&format!("`integrations/{engine}/")),
            "{engine}"
        );
    }
}
