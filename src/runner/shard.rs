//! Which of several machines this is, as array jobs and parallel jobs tell their processes.

/// One of several machines, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shard {
    pub(super) index: u32,
    pub(super) total: u32,
}

impl Shard {
    /// None unless `index` is from 1 to `total`.
    pub(super) fn new(index: u32, total: u32) -> Option<Self> {
        (index >= 1 && index <= total).then_some(Self { index, total })
    }
}

/// A service that numbers its jobs.
struct Service {
    name: &'static str,
    /// The variable that numbers the job.
    index: &'static str,
    /// What the first job is numbered.
    first: u32,
    /// The variable that counts the jobs.
    total: &'static str,
    /// What to do where one of the two is missing.
    remedy: &'static str,
}

/// Set by a person where a service does not tell the count.
const COUNT: &str = "MEMCASE_PARTITION_COUNT";

const SERVICES: [Service; 5] = [
    Service {
        name: "AWS Batch",
        index: "AWS_BATCH_JOB_ARRAY_INDEX",
        first: 0,
        total: "AWS_BATCH_JOB_ARRAY_SIZE",
        remedy: "submit the job as an array job",
    },
    Service {
        name: "GitLab",
        index: "CI_NODE_INDEX",
        first: 1,
        total: "CI_NODE_TOTAL",
        remedy: "write `parallel: 4` into the job",
    },
    Service {
        name: "CircleCI",
        index: "CIRCLE_NODE_INDEX",
        first: 0,
        total: "CIRCLE_NODE_TOTAL",
        remedy: "write `parallelism: 4` into the job",
    },
    Service {
        name: "Buildkite",
        index: "BUILDKITE_PARALLEL_JOB",
        first: 0,
        total: "BUILDKITE_PARALLEL_JOB_COUNT",
        remedy: "write `parallelism: 4` into the step",
    },
    Service {
        name: "Kubernetes",
        index: "JOB_COMPLETION_INDEX",
        first: 0,
        total: COUNT,
        remedy: "Kubernetes tells a pod its index and not how many there are: set \
                 MEMCASE_PARTITION_COUNT in the pod's `env` to the `completions` of the Job",
    },
];

/// The shard that the surroundings name, if exactly one does.
pub(super) fn from_surroundings(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Shard, String> {
    let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let mut found: Vec<(&str, Shard)> = Vec::new();
    if let Some(shard) = slurm(&variable)? {
        found.push(("Slurm", shard));
    }
    for service in &SERVICES {
        if let Some(shard) = service.shard(&variable)? {
            found.push((service.name, shard));
        }
    }
    // CircleCI and GitLab number every job: one of one says nothing where another says more.
    if found.iter().any(|(_, shard)| shard.total > 1) {
        found.retain(|(_, shard)| shard.total > 1);
    }
    match found.as_slice() {
        [] => Err(format!(
            "`--partition auto` finds no array or parallel job: none of SLURM_ARRAY_TASK_ID, {} is set; \
             name the part: `--partition slice:1/4`",
            SERVICES.map(|service| service.index).join(", ")
        )),
        [(_, shard), others @ ..] if others.iter().all(|(_, other)| other == shard) => Ok(*shard),
        several => {
            let said: Vec<String> = several
                .iter()
                .map(|(name, shard)| format!("{name} says {} of {}", shard.index, shard.total))
                .collect();
            Err(format!(
                "`--partition auto` is told two things: {}; name the part: `--partition slice:{}/{}`",
                said.join(", "),
                several[0].1.index,
                several[0].1.total
            ))
        }
    }
}

impl Service {
    fn shard(&self, variable: &impl Fn(&str) -> Option<String>) -> Result<Option<Shard>, String> {
        let (index, total) = (variable(self.index), variable(self.total));
        let (index, total) = match (index, total) {
            (Some(index), Some(total)) => (index, total),
            (None, None) => return Ok(None),
            // Without `parallel` a job of GitLab is one of one, and not numbered.
            (None, Some(_)) if self.name == "GitLab" => return Ok(Shard::new(1, 1)),
            // It may be set for all jobs of a fleet.
            (None, Some(_)) if self.total == COUNT => return Ok(None),
            (index, _) => {
                let (set, unset) = match index {
                    Some(_) => (self.index, self.total),
                    None => (self.total, self.index),
                };
                return Err(format!(
                    "{set} is set and {unset} is not, so that the part of {} is not known; {}, or name the part: `--partition slice:1/4`",
                    self.name, self.remedy
                ));
            }
        };
        let index = number(self.index, &index)?;
        let total = number(self.total, &total)?;
        let shard = index
            .checked_sub(self.first)
            .and_then(|index| Shard::new(index.checked_add(1)?, total));
        let Some(shard) = shard else {
            return Err(format!(
                "{}={index} and {}={total} name no part: {} counts from {}; name the part: `--partition slice:1/4`",
                self.index, self.total, self.name, self.first
            ));
        };
        Ok(Some(shard))
    }
}

/// A task of a job array. Its numbers may begin anywhere and go in steps.
fn slurm(variable: &impl Fn(&str) -> Option<String>) -> Result<Option<Shard>, String> {
    const ID: &str = "SLURM_ARRAY_TASK_ID";
    const MIN: &str = "SLURM_ARRAY_TASK_MIN";
    const MAX: &str = "SLURM_ARRAY_TASK_MAX";
    const COUNT: &str = "SLURM_ARRAY_TASK_COUNT";
    const STEP: &str = "SLURM_ARRAY_TASK_STEP";
    let Some(id) = variable(ID) else {
        return Ok(None);
    };
    let id = number(ID, &id)?;
    let needed = |name: &str| match variable(name) {
        Some(value) => number(name, &value),
        None => Err(format!(
            "{ID} is set and {name} is not, so that the part of Slurm is not known; pass the variables of the array on, or name the part: `--partition slice:1/4`"
        )),
    };
    let (min, count) = (needed(MIN)?, needed(COUNT)?);
    let optional = |name: &str| variable(name).map(|value| number(name, &value)).transpose();
    let step = optional(STEP)?.unwrap_or(1).max(1);
    let max = optional(MAX)?;
    let regular = max.is_none_or(|max| {
        let span = count.saturating_sub(1).checked_mul(step);
        span.and_then(|span| min.checked_add(span)) == Some(max)
    });
    let offset = id.checked_sub(min).filter(|offset| offset % step == 0);
    let shard = offset.and_then(|offset| Shard::new((offset / step).checked_add(1)?, count));
    match shard {
        Some(shard) if regular => Ok(Some(shard)),
        _ => Err(format!(
            "the numbers of this Slurm array have gaps, so that task {id} cannot be placed among the {count}; \
             submit it as a range such as `--array=0-3`, or name the part: `--partition slice:1/4`"
        )),
    }
}

fn number(name: &str, value: &str) -> Result<u32, String> {
    value.trim().parse().map_err(|_| {
        format!(
            "{name} is `{}`, which is no number; name the part: `--partition slice:1/4`",
            value
                .chars()
                .filter(|sign| !sign.is_control())
                .take(40)
                .collect::<String>()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(set: &[(&str, &str)]) -> Result<(u32, u32), String> {
        let variable = |name: &str| {
            let found = set.iter().find(|(set, _)| *set == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        from_surroundings(variable).map(|shard| (shard.index, shard.total))
    }

    /// `A=1 B=2` as pairs.
    fn pairs(line: &str) -> Vec<(&str, &str)> {
        line.split(' ')
            .filter_map(|word| word.split_once('='))
            .collect()
    }

    #[test]
    fn each_service_is_read_by_its_own_numbers() {
        for (line, shard) in [
            (
                "AWS_BATCH_JOB_ARRAY_INDEX=0 AWS_BATCH_JOB_ARRAY_SIZE=4",
                (1, 4),
            ),
            (
                "AWS_BATCH_JOB_ARRAY_INDEX=3 AWS_BATCH_JOB_ARRAY_SIZE=4",
                (4, 4),
            ),
            ("CI_NODE_INDEX=1 CI_NODE_TOTAL=4", (1, 4)),
            ("CI_NODE_INDEX=4 CI_NODE_TOTAL=4", (4, 4)),
            ("CI_NODE_TOTAL=1", (1, 1)),
            ("CIRCLE_NODE_INDEX=0 CIRCLE_NODE_TOTAL=4", (1, 4)),
            ("CIRCLE_NODE_INDEX=0 CIRCLE_NODE_TOTAL=1", (1, 1)),
            (
                "BUILDKITE_PARALLEL_JOB=2 BUILDKITE_PARALLEL_JOB_COUNT=5",
                (3, 5),
            ),
            ("JOB_COMPLETION_INDEX=0 MEMCASE_PARTITION_COUNT=3", (1, 3)),
            (
                "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=4 \
                 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_STEP=1",
                (1, 4),
            ),
            (
                "SLURM_ARRAY_TASK_ID=14 SLURM_ARRAY_TASK_MIN=2 SLURM_ARRAY_TASK_MAX=14 \
                 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_STEP=4",
                (4, 4),
            ),
            (
                "SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_COUNT=2",
                (1, 2),
            ),
            // one of one says nothing beside another
            (
                "CI_NODE_TOTAL=1 SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_COUNT=2",
                (2, 2),
            ),
            // AWS Batch on Kubernetes: both say the same
            (
                "AWS_BATCH_JOB_ARRAY_INDEX=1 AWS_BATCH_JOB_ARRAY_SIZE=2 \
                 JOB_COMPLETION_INDEX=1 MEMCASE_PARTITION_COUNT=2",
                (2, 2),
            ),
        ] {
            assert_eq!(told(&pairs(line)), Ok(shard), "{line}");
        }
    }

    #[test]
    fn what_is_incomplete_or_contradicts_itself_is_refused_with_a_remedy() {
        for (line, said) in [
            ("", "finds no array or parallel job"),
            (
                "MEMCASE_PARTITION_COUNT=3",
                "finds no array or parallel job",
            ),
            ("CI_NODE_INDEX=", "finds no array or parallel job"),
            ("JOB_COMPLETION_INDEX=0", "`completions` of the Job"),
            (
                "AWS_BATCH_JOB_ARRAY_INDEX=0",
                "AWS_BATCH_JOB_ARRAY_SIZE is not",
            ),
            (
                "AWS_BATCH_JOB_ARRAY_SIZE=4",
                "AWS_BATCH_JOB_ARRAY_INDEX is not",
            ),
            ("CI_NODE_INDEX=2", "`parallel: 4`"),
            ("CIRCLE_NODE_TOTAL=2", "CIRCLE_NODE_INDEX is not"),
            ("BUILDKITE_PARALLEL_JOB=2", "`parallelism: 4`"),
            ("CI_NODE_INDEX=0 CI_NODE_TOTAL=4", "GitLab counts from 1"),
            ("CI_NODE_INDEX=5 CI_NODE_TOTAL=4", "name no part"),
            (
                "CIRCLE_NODE_INDEX=4 CIRCLE_NODE_TOTAL=4",
                "CircleCI counts from 0",
            ),
            (
                "CIRCLE_NODE_INDEX=one CIRCLE_NODE_TOTAL=4",
                "`one`, which is no number",
            ),
            (
                "CIRCLE_NODE_INDEX=-1 CIRCLE_NODE_TOTAL=4",
                "`-1`, which is no number",
            ),
            ("SLURM_ARRAY_TASK_ID=1", "SLURM_ARRAY_TASK_MIN is not"),
            (
                "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=3",
                "have gaps",
            ),
            (
                "SLURM_ARRAY_TASK_ID=4294967295 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_COUNT=4294967295",
                "have gaps",
            ),
            (
                "CI_NODE_INDEX=1 CI_NODE_TOTAL=4 CIRCLE_NODE_INDEX=1 CIRCLE_NODE_TOTAL=4",
                "GitLab says 1 of 4, CircleCI says 2 of 4",
            ),
        ] {
            let error = told(&pairs(line)).expect_err(line);
            assert!(error.contains(said), "{line}: {error}");
            assert!(error.contains("`--partition slice:1/4`"), "{line}: {error}");
        }
    }
}
