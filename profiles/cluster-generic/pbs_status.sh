#!/bin/sh
# Says what became of a PBS job: running, success or failed. A job that PBS has forgotten
# counts as failed, so that it is submitted again.
report=$(qstat -x -f "$1" 2>/dev/null) || report=$(qstat -f "$1" 2>/dev/null)
value() { printf '%s\n' "$report" | sed -n "s/^[[:space:]]*$1 = *//p" | head -n 1; }
case $(value job_state) in
    C | F | X) if [ "$(value '[Ee]xit_status')" = 0 ]; then echo success; else echo failed; fi ;;
    "") echo failed ;;
    *) echo running ;;
esac
