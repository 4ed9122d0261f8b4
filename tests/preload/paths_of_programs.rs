//! Call paths in programs that do what makes tracing hard: each leaks a known number of bytes at a known line.

use memcase::explain::{Findings, Owner};

use crate::paths::{HALF, traced, try_traced};
use crate::target::can_compile;

/// A case in C: its text up to the body.
fn c(prelude: &str, setup: &str, run: &str) -> String {
    let block = |text: &str| {
        text.lines()
            .fold(String::new(), |all, line| all + "    " + line + "\n")
    };
    format!(
        "target:\n  language: c\n  flags: [-pthread]\n  prelude: |\n    #include <stdlib.h>\n{}  setup: |\n    ;\n{}  run: |\n{}",
        block(prelude),
        block(setup),
        block(run)
    )
}

/// Bytes an iteration of all sites together, and of those that go through a function.
fn rates(findings: &Findings, function: &str) -> (f64, f64) {
    let all = 2.0 * HALF as f64;
    let sum = |through: bool| -> i64 {
        let sites = findings.sites.iter();
        let sites = sites
            .filter(|site| !through || site.stack.iter().any(|place| place.function == function));
        sites.map(|site| site.bytes.0 + site.bytes.1).sum()
    };
    (sum(false) as f64 / all, sum(true) as f64 / all)
}

/// Blocks an iteration. Their bytes are a matter of chance where threads are: the allocator gives away a rest that is
/// too small for another block.
fn blocks(findings: &Findings) -> i64 {
    let sites = findings.sites.iter();
    let all: i64 = sites.map(|site| site.blocks.0 + site.blocks.1).sum();
    assert_eq!(all % (2 * HALF as i64), 0, "{findings:#?}");
    all / (2 * HALF as i64)
}

#[track_caller]
fn leaks(case: &str, function: &str, bytes: f64) -> Findings {
    let findings = traced(case);
    assert_eq!(rates(&findings, function), (bytes, bytes), "{findings:#?}");
    assert_eq!(findings.notes, [""; 0]);
    findings
}

#[test]
fn threads_allocate_and_free_for_each_other() {
    let prelude = "\
#include <pthread.h>
static void *volatile handed[4];
static void keep(void) { malloc(40); }
static void *work(void *number) {
  void *got = handed[(long) number];
  handed[(long) number] = 0;
  free(got);
  for (int i = 0; i < 50; i++) free(malloc(1000 + i));
  keep();
  handed[((long) number + 1) % 4] = malloc(200);
  return 0;
}";
    let run = "\
pthread_t threads[4];
for (long k = 0; k < 4; k++) { pthread_create(&threads[k], 0, work, (void *) k); pthread_join(threads[k], 0); }
for (long k = 0; k < 4; k++) { free(handed[k]); handed[k] = 0; }";
    // One after the other: each block is freed by another thread than its own, or by the first one at the end.
    let findings = traced(&c(prelude, "", run));
    assert_eq!(blocks(&findings), 4, "{findings:#?}");
    let (all, kept) = rates(&findings, "keep");
    assert!(
        (all - kept).abs() < 0.01 && kept >= 4.0 * 48.0,
        "{findings:#?}"
    );
}

#[test]
fn threads_that_allocate_at_once_lose_no_block() {
    let prelude = "\
#include <pthread.h>
static void keep(void) { malloc(40); }
static void *work(void *unused) {
  for (int i = 0; i < 200; i++) { void *a = malloc(24 + i); keep(); free(realloc(a, 4000)); }
  return unused;
}";
    let run = "\
pthread_t threads[4];
for (int k = 0; k < 4; k++) pthread_create(&threads[k], 0, work, 0);
for (int k = 0; k < 4; k++) pthread_join(threads[k], 0);";
    let findings = traced(&c(prelude, "", run));
    // Which block is a few bytes larger than it must be is a matter of chance, with several arenas.
    let blocks: i64 = findings
        .sites
        .iter()
        .map(|site| site.blocks.0 + site.blocks.1)
        .sum();
    assert_eq!(blocks, 2 * HALF as i64 * 4 * 200, "{findings:#?}");
    let (all, kept) = rates(&findings, "keep");
    assert!(
        (all - kept).abs() < 0.01 && kept >= 4.0 * 200.0 * 48.0,
        "{findings:#?}"
    );
}

#[test]
fn what_a_forked_child_does_is_not_its_parents() {
    let prelude = "\
#include <sys/wait.h>
#include <unistd.h>
static void keep(void) { malloc(100); }";
    let run = "\
keep();
void *mine = malloc(3000);
pid_t child = fork();
if (child == 0) { free(mine); for (int i = 0; i < 100; i++) malloc(5000); _exit(0); }
waitpid(child, 0, 0);
free(mine);";
    leaks(&c(prelude, "", run), "keep", 112.0);
}

#[test]
fn deep_recursion_and_large_frames_keep_the_inner_part_of_a_path() {
    let prelude = "\
#include <alloca.h>
#include <string.h>
static void keep(void) { malloc(100); }
static int down(int depth) {
  char *room = alloca(depth % 7 * 1000 + 16);
  memset(room, depth, 16);
  if (depth == 0) { keep(); return room[0]; }
  return down(depth - 1) + room[1];
}";
    let findings = leaks(&c(prelude, "", "down(500);"), "keep", 112.0);
    assert!(findings.sites[0].stack.len() > 30);
}

#[test]
fn a_block_that_is_made_larger_counts_by_what_it_grew() {
    let setup = "char *text = 0;\nsize_t length = 0;";
    let run = "length += 4096;\ntext = realloc(text, length);\nfree(realloc(malloc(10), 100000));";
    let case = c("", setup, run);
    let (rate, _) = rates(&traced(&case), "main");
    assert!((rate - 4096.0).abs() < 4096.0 / HALF as f64, "{rate}");
}

#[test]
fn a_mapping_counts_by_its_pages_that_were_touched_and_are_still_mapped() {
    let prelude = "\
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
static char *map(void) { return mmap(0, 8 << 12, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }";
    let run = "\
char *pages = map();
memset(pages, 1, 5 << 12);
munmap(pages, 1 << 12);
munmap(pages + (6 << 12), 2 << 12);
munmap(pages + (2 << 12), 1 << 12);
munmap(map(), 8 << 12);";
    leaks(&c(prelude, "", run), "map", 3.0 * 4096.0);
}

#[test]
fn an_exception_is_thrown_and_caught_under_the_tracer() {
    let case = "\
target:
  language: cpp
  prelude: |
    #include <stdexcept>
    #include <string>
    static void thrower(int depth) {
      std::string text(300, 'x');
      if (depth == 0) throw std::runtime_error(text);
      thrower(depth - 1);
    }
    void keep() { new char[100]; }
  run: |
    try { thrower(20); } catch (const std::exception &) { keep(); }
";
    let findings = traced(case);
    assert_eq!(rates(&findings, "keep()"), (112.0, 112.0), "{findings:#?}");
}

#[test]
fn signals_come_at_any_time() {
    let prelude = "\
#include <signal.h>
#include <sys/time.h>
static volatile long came;
static void handle(int unused) { (void) unused; came++; }
static void keep(void) { malloc(100); }";
    let setup = "\
struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
sigaction(SIGALRM, &action, 0);
struct itimerval often = {{0, 200}, {0, 200}};
setitimer(ITIMER_REAL, &often, 0);";
    let run = "for (int i = 0; i < 300; i++) free(malloc(i));\nkeep();";
    leaks(&c(prelude, setup, run), "keep", 112.0);
}

#[test]
fn a_library_that_is_loaded_later_is_named() {
    // Its tables are its own memory; a function of it that allocates for good is enough.
    let prelude = "#include <dlfcn.h>\ntypedef char *(*Copy)(const char *);\nstatic void keep(Copy copy) { copy(\"0123456789\"); }";
    let setup = "void *library = dlopen(\"libc.so.6\", RTLD_NOW);\nCopy copy = (Copy) dlsym(library, \"strdup\");";
    let findings = leaks(&c(prelude, setup, "keep(copy);"), "keep", 32.0);
    let first = &findings.sites[0].stack[0];
    assert_eq!(first.owner, Owner::Language, "{findings:#?}");
}

#[test]
fn what_is_preloaded_already_stays() {
    let case = c(
        "static void keep(void) { malloc(100); }",
        "if (!getenv(\"LD_PRELOAD\") || !strstr(getenv(\"LD_PRELOAD\"), \":libm.so.6\")) abort();",
        "keep();",
    );
    let case = case.replace(
        "  setup:",
        "    #include <string.h>\n  env: {LD_PRELOAD: libm.so.6}\n  setup:",
    );
    leaks(&case, "keep", 112.0);
}

#[test]
fn a_program_that_executes_another_in_its_place_is_followed() {
    let prelude = "#include <unistd.h>\nextern char **environ;\nstatic void keep(void) { malloc(100); }\n\
                   __attribute__((constructor)) static void again(void) {\n\
                   malloc(1000);\n\
                   if (getenv(\"AGAIN\")) return;\n\
                   putenv(\"AGAIN=1\");\n\
                   char *argv[] = {\"program\", 0};\n\
                   execve(\"/proc/self/exe\", argv, environ);\n\
                   }";
    leaks(&c(prelude, "", "keep();"), "keep", 112.0);
}

#[test]
fn a_static_program_says_why_it_is_not_traced() {
    if !can_compile("gcc", &["-static"]) {
        return;
    }
    let case = c("", "", "malloc(100);").replace("[-pthread]", "[-static]");
    let refused = try_traced(&case).unwrap_err();
    assert!(refused.contains("it is linked statically"), "{refused}");
}

#[test]
fn tables_that_are_full_are_told() {
    let prelude = "\
#include <sys/mman.h>
static void left(int, long);
static void right(int depth, long way) { if (depth == 0) { malloc(8); return; } if (way & 1) left(depth - 1, way >> 1); else right(depth - 1, way >> 1); }
static void left(int depth, long way) { if (depth == 0) { malloc(8); return; } if (way & 1) left(depth - 1, way >> 1); else right(depth - 1, way >> 1); }";
    let setup = "\
for (long way = 0; way < 140000; way++) left(18, way);
for (int i = 0; i < 66000; i++) mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);";
    let run = "malloc(100);\nmmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);";
    let notes = traced(&c(prelude, setup, run)).notes.join("\n");
    assert!(
        notes.contains("40 blocks or mappings of the window are not in them"),
        "{notes}"
    );
    assert!(
        notes.contains("4480 bytes of the window have none"),
        "{notes}"
    );
}
