//! Targets that treat their surroundings badly: descriptors, environment, stacks, signals, descriptors' limits.

use crate::target::{Program, Target};

fn keeps(prelude: &str, setup: &str) {
    let mut target = Target::of(Program {
        prelude,
        setup,
        body: "CHECK(malloc(100)); pthread_t t; CHECK(!pthread_create(&t, 0, (void *(*)(void *)) malloc, (void *) 100));
               CHECK(!pthread_join(t, 0));",
    });
    target.turn();
    assert_eq!(target.changes(5), [(224, 2); 5], "{setup}");
    target.end();
}

#[test]
fn closing_all_descriptors_beyond_the_protocols_changes_nothing() {
    keeps("", "for (int k = 5; k < 4096; k++) close(k);");
    keeps("", "closefrom(5);");
}

#[test]
fn clearing_the_environment_changes_nothing() {
    keeps("", "clearenv();");
    keeps("", "extern char **environ; environ = 0;");
}

#[test]
fn limits_of_memory_descriptors_and_stacks_change_nothing() {
    keeps(
        "#include <sys/resource.h>",
        "struct rlimit none = {6, 6}; CHECK(!setrlimit(RLIMIT_NOFILE, &none));
         struct rlimit small = {64 << 10, 64 << 10}; CHECK(!setrlimit(RLIMIT_STACK, &small));",
    );
}

#[test]
fn another_folder_and_another_root_change_nothing() {
    keeps("", "CHECK(!chdir(\"/proc\"));");
}

#[test]
fn the_first_allocation_does_not_change_errno() {
    keeps(
        "static int seen = -1; static void *first(void *unused) { errno = 77; free(malloc(1)); seen = errno; return 0; }",
        "pthread_t t; CHECK(!pthread_create(&t, 0, first, 0)); CHECK(!pthread_join(t, 0)); CHECK(seen == 77);",
    );
}

#[test]
fn a_handler_on_a_stack_of_its_own_may_allocate_first() {
    keeps(
        "static char small[16384]; static void *held;
         static void on(int unused) { CHECK(held = malloc(100)); }",
        "stack_t stack = {.ss_sp = small, .ss_size = sizeof small}; CHECK(!sigaltstack(&stack, 0));
         struct sigaction action = {.sa_handler = on, .sa_flags = SA_ONSTACK}; CHECK(!sigaction(SIGUSR1, &action, 0));
         CHECK(!raise(SIGUSR1)); CHECK(held);",
    );
}
