# Loops the `run` part of a case in lock-step with memcase (docs/protocol.md).
#
# Nothing in the loop starts a process or keeps a value: `read` and `printf` are part
# of the shell, and `iteration` is overwritten. Descriptors 3 and 4 are memcase's: the
# snippet's commands do not inherit them.

. "$memcase_setup" 3<&- 4>&- 5>&-
. "$memcase_run" 3<&- 4>&- 5>&-
. "$memcase_teardown" 3<&- 4>&- 5>&-

iteration=0
printf '\n' >&4
while read -r memcase_order <&3; do
    if [ -n "$memcase_order" ]; then
        printf 'memcase: the order %s is not known\n' "$memcase_order" >&2
        exit 70
    fi
    memcase_left=$MEMCASE_BATCH
    while [ "$memcase_left" -gt 0 ]; do
        memcase_step "$iteration" 3<&- 4>&- 5>&-
        case $? in
        126 | 127) exit 127 ;; # the shell has said which command it did not find
        esac
        iteration=$((iteration + 1))
        memcase_left=$((memcase_left - 1))
    done
    printf '\n' >&4
done
memcase_end 3<&- 4>&- 5>&-
